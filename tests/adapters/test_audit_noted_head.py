"""A head noted elsewhere finds what the file alone cannot tell: an older copy of itself."""

from collections.abc import Iterator
from contextlib import closing
from random import Random

import pytest

from atm_switch.adapters.audit_verify import NotedHead, verify_audit
from atm_switch.adapters.journal_verify import Fault, Finding
from tests.doubles.audit_bench import Book, book_of
from tests.doubles.audit_intruder import Intruder
from tests.doubles.journal_bench import fresh_vault

RECORDS = 24
VAULT = fresh_vault()


@pytest.fixture(scope="module")
def book() -> Iterator[Book]:
    """Write a book of some records, for copies to be made of."""
    written = book_of(RECORDS, VAULT)
    yield written
    written.connection.close()


@pytest.fixture
def hand(book: Book) -> Iterator[Intruder]:
    """Give a fresh copy to work on."""
    with closing(book.copy()) as connection:
        yield Intruder(connection, Random(1), book)  # noqa: S311 - not for keys


def findings(hand: Intruder, noted: NotedHead | None = None) -> tuple[Finding, ...]:
    """Verify what came of it."""
    return verify_audit(hand.connection, VAULT, noted).findings


def test_older_copy_needs_a_noted_head(book: Book) -> None:
    """
    The limit that is told: an older genuine copy is sound in itself, and the head noted
    later is missing in it.
    """
    noted = NotedHead.of(book.head)
    with closing(book.copy()) as connection:
        hand = Intruder(connection, Random(1), book)  # noqa: S311 - not for keys
        older, seal = book.heads[0]
        with hand.unguarded():
            hand.ask("DELETE FROM audit_rows WHERE seq > ?", older.seq)
            hand.set_head(seq=older.seq, chain=older.chain, seal=seal)

        assert () == findings(hand)
        assert (Finding(Fault.NOTED_HEAD_MISSING, book.head.seq),) == findings(hand, noted)


def test_head_noted_earlier_is_still_there(hand: Intruder) -> None:
    """
    Every head there ever was is found in the audit that grew on, and so is the beginning.
    """
    noted = [NotedHead.of(head) for head, _ in hand.book.heads]

    assert [()] * len(noted) == [findings(hand, one) for one in noted]
    assert () == findings(hand, NotedHead.read("0:" + "0" * 16))


def test_head_of_another_audit_is_missing(hand: Intruder) -> None:
    """
    A head with a link of its own is not in this audit, though the sequence is.
    """
    noted = NotedHead.read("10:" + "ab" * 8)

    assert (Finding(Fault.NOTED_HEAD_MISSING, 10),) == findings(hand, noted)


@pytest.mark.parametrize(
    "text",
    ["", "7", "7:", ":abcdef0123", "7:abcdef0", "7:xyzxyzxy", "-7:abcdef0123", "7:" + "a" * 65],
)
def test_noted_head_is_read_strictly(text: str) -> None:
    """
    A sequence, a colon, and 8 to 64 hex digits: nothing else is a noted head.
    """
    with pytest.raises(ValueError, match=r"^a noted head is SEQ:HASH as audit verify printed it$"):
        NotedHead.read(text)


def test_noted_head_reads_what_it_writes(book: Book) -> None:
    """
    What is printed of a head is what ``--expect`` takes, also typed in capitals.
    """
    noted = NotedHead.of(book.head)

    assert noted == NotedHead.read(str(noted))
    assert noted == NotedHead.read(str(noted).upper())
