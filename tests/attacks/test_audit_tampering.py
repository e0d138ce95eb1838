"""Whoever holds the audit's file and not the keys changes it: each time it is found.

The long form is ``python -m tests.figures.audit_tampering``.
"""

from collections.abc import Iterator
from contextlib import closing
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.adapters.audit_verify import NotedHead, verify_audit
from atm_switch.adapters.journal_verify import Fault
from tests.doubles.audit_bench import Book, book_of
from tests.doubles.audit_tampers import NEEDS_NOTED_HEAD, TAMPERS, tampered
from tests.doubles.journal_bench import fresh_vault
from tests.figures.audit_tampering import is_found, is_sound, tamper

RECORDS = 60
ROUNDS = 10

EXPECTED = {
    "one bit of a cell": {Fault.WRONG_LINK, Fault.FILE_DAMAGED},
    "tail cut": {Fault.WRONG_HEAD},
    "tail cut, head mended": {Fault.WRONG_HEAD},
    "one bit of the head": {Fault.WRONG_HEAD, Fault.FILE_DAMAGED},
    "head taken away": {Fault.WRONG_HEAD},
    "begun anew": {Fault.WRONG_HEAD},
    "guard dropped": {Fault.GUARD_MISSING},
    "guard hollowed out": {Fault.GUARD_MISSING},
    "trigger added": {Fault.GUARD_MISSING},
    "older copy put back": {Fault.NOTED_HEAD_MISSING},
}
"""Which fault gives a tamper away; for all others a wrong link does."""


@pytest.fixture(scope="module")
def book() -> Iterator[Book]:
    """Write a book, for copies to be tampered with."""
    written = book_of(RECORDS, fresh_vault())
    yield written
    written.connection.close()


def test_untampered_copy_is_sound(book: Book) -> None:
    """
    Taking the guards down and putting them back is no tampering, so what is found is it.
    """
    assert is_sound(book)


@pytest.mark.parametrize("kind", TAMPERS)
def test_each_tamper_is_found_for_what_it_is(book: Book, kind: str) -> None:
    """
    Done anywhere, each kind of tamper shows as the fault that it is, not as another.
    """
    noted = NotedHead.of(book.head) if kind in NEEDS_NOTED_HEAD else None
    expected = EXPECTED.get(kind, {Fault.WRONG_LINK})
    for seed in range(ROUNDS):
        with closing(tampered(book, kind, Random(seed))) as connection:  # noqa: S311 - no keys
            findings = verify_audit(connection, book.vault, noted).findings

        assert expected & {finding.fault for finding in findings}, seed


@given(kind=st.sampled_from(tuple(TAMPERS)), seed=st.integers(min_value=0))
def test_any_tamper_is_found(book: Book, kind: str, seed: int) -> None:
    """
    Any kind, led by any chance.
    """
    assert is_found(book, kind, str(seed))


def test_tampers_in_turn_are_all_found(book: Book) -> None:
    """
    A few hundred as the figure counts them: as many found as tried, every kind among them.
    """
    tallies = tamper(book, 15 * len(TAMPERS), "suite")

    assert dict.fromkeys(TAMPERS, (15, 15)) == {
        kind: (tally.tried, tally.found) for kind, tally in tallies.items()
    }


def test_older_copy_passes_without_a_noted_head(book: Book) -> None:
    """
    The limit that is told: nothing in the file itself speaks against an older copy.
    """
    kind = "older copy put back"
    with closing(tampered(book, kind, Random(1))) as connection:  # noqa: S311 - no keys
        assert verify_audit(connection, book.vault).is_sound
