"""Stored answers take half the room, and are what they were to the last byte."""

from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.adapters.journal_folding import folded, unfolded
from atm_switch.adapters.journal_memory import RESPONSE_PURPOSE, opened_answer, sealed_answer
from atm_switch.adapters.schema import open_reader
from atm_switch.domain.errors import JournalRowWrong
from atm_switch.switch.policy import PinPolicy
from atm_switch.switch.ports import Commit, FindRepeat, StoredResponse
from tests.doubles.bench import Bench, bank
from tests.doubles.journal_bench import (
    JournalBench,
    ending_of,
    entry_of,
    fresh_vault,
    since,
)

NONCE = bytes(12)


def golden_answer() -> bytes:
    """The 0210 of the golden inquiry, as the core gives it to the journal."""
    bench = Bench(banks=(bank(pin=PinPolicy.ACQUIRER),))
    bench.sign_on()
    bench.feed(bench.dialect.packager.pack(bench.inquiry({52: None})))
    (asked,) = [one for one in bench.memory.asked if isinstance(one, Commit)]
    assert asked.ending.payload is not None
    return asked.ending.payload


@given(st.binary() | st.text(" 0", max_size=60).map(str.encode))
def test_what_is_folded_comes_back(payload: bytes) -> None:
    """Whatever is in it; a spelling is shorter, or there is none."""
    spelling = folded(payload)

    assert spelling is None or len(spelling) < len(payload)
    assert payload == (payload if spelling is None else unfolded(spelling))


@pytest.mark.parametrize("payload", [b"0210", b"0210" + b" " * 40, b"\x01" + b" " * 40])
def test_sealed_answer_opens_as_it_was(payload: bytes) -> None:
    """Folded or not, with the folding's own mark in it or not."""
    vault = fresh_vault()

    opened = opened_answer(b"print", sealed_answer(payload, vault, NONCE), vault)
    assert StoredResponse(b"print", payload) == opened


def test_answers_of_older_rows_open() -> None:
    """A row from before says what it said, and what was changed in one is still found."""
    vault = fresh_vault()
    sealed = vault.seal(RESPONSE_PURPOSE, golden_answer(), NONCE)

    assert StoredResponse(b"print", golden_answer()) == opened_answer(b"print", sealed, vault)
    with pytest.raises(JournalRowWrong, match=r"^a stored response cannot be opened$"):
        opened_answer(b"", sealed[:-1] + bytes([sealed[-1] ^ 1]), vault)


def test_two_rows_share_a_page(tmp_path: Path) -> None:
    """A hundred rows of a real answer, which is found as it was, take little more than fifty."""
    answer = golden_answer()
    with JournalBench(tmp_path / "journal.db") as bench:
        with closing(open_reader(bench.path)) as connection:
            (before,) = connection.execute("PRAGMA page_count").fetchone()
        bench.send_all(*(Commit(entry_of(at), ending_of(answer), None) for at in range(100)))
        with closing(open_reader(bench.path)) as connection:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
        found = bench.find(FindRepeat(entry_of(99).key, since(1)))

    assert found is not None
    assert answer == found.payload
    assert 50 <= pages - before <= 60
