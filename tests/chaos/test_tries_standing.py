"""Tries counted again from rows; all else of it is ``python -m tests.chaos.kill_nine``."""

from atm_switch.adapters.journal_rows import ENDED, RECEIVED, JournalRow
from atm_switch.domain.outcome import IN_DOUBT
from tests.chaos.tries_standing import Tries, counted_again

CARD, OTHER = b"c", b"o"
TRIES_MAX = 3
DOUBT, RIGHT, NONE_LEFT, WRONG = IN_DOUBT, "approved", "pin_tries_exceeded", "wrong_pin"


def row(seq: int, kind: str, card: bytes, **cells: object) -> JournalRow:
    """Make a row of the request that is named by it, or by its A."""
    named = {
        "received_at": 0, "written_at": 0, "acquirer": "009", "terminal": "S1ABC123",
        "stamp": "0630072507", "stan": "000001", "fingerprint": b"", "mti": "0200",
        "processing_code": "310000", "channel": "6011", "business_date": "2026-06-30",
        "peer": "p", "pan_masked": "m", "card_digest": card, "rrn": str(cells.get("ref", seq)),
    }  # fmt: skip
    return JournalRow(seq=seq, kind=kind, **named, **cells)  # type: ignore[arg-type]


def tried(seq: int, tries: int, card: bytes = CARD) -> JournalRow:
    """Make an A that was granted a try."""
    return row(seq, RECEIVED, card, pin_tries=tries, pin_granted=1)


def refused(seq: int, tries: int = TRIES_MAX, card: bytes = CARD) -> JournalRow:
    """Make an A that was granted none."""
    return row(seq, RECEIVED, card, pin_tries=tries, pin_granted=0)


def ended(seq: int, ref: int, outcome: str, card: bytes = CARD) -> JournalRow:
    """Make the B of an A."""
    return row(seq, ENDED, card, ref=ref, outcome=outcome, resets_tries=int(outcome == RIGHT))


def found(*rows: JournalRow) -> Tries:
    """Count them again."""
    return counted_again(rows, TRIES_MAX)


def test_a_refusal_beside_tries_in_doubt_is_explained() -> None:
    """One ended in doubt before, one behind it, one was under way: three of that card stood."""
    rows = (
        tried(1, 1), ended(2, 1, DOUBT), tried(3, 2), tried(4, 3), refused(5),
        ended(6, 4, RIGHT), ended(7, 5, NONE_LEFT), ended(8, 3, DOUBT),
    )  # fmt: skip

    assert Tries({"5"}, doubts=2, under_way=1) == found(*rows)
    assert {"5"} == found(*rows[:5]).explained  # what has no ending yet is in doubt


def test_a_refusal_beside_too_few_of_its_own_card_is_wrong() -> None:
    """Tries of another card, and those that a right PIN has cleared, explain nothing."""
    of_another = (tried(1, 1), tried(2, 2), tried(3, 1, OTHER), refused(4))
    cleared = (tried(1, 1), tried(2, 2), tried(3, 3), ended(4, 3, RIGHT), refused(5))

    for rows in (of_another, cleared):
        assert set() == found(*rows).explained
        assert found(*rows).wrong


def test_a_refusal_beside_a_try_that_ended_is_wrong() -> None:
    """What was answered without its PIN being right is no try in doubt."""
    rows = (tried(1, 1), tried(2, 2), tried(3, 3), ended(4, 3, WRONG), refused(5))

    assert set() == found(*rows).explained
    assert found(*rows).wrong


def test_a_refusal_beside_nothing_in_doubt_is_wrong() -> None:
    """Of three looked at, all right in the end, none was to wait for."""
    rows = (
        tried(1, 1), tried(2, 2), tried(3, 3), refused(4),
        ended(5, 1, RIGHT), ended(6, 2, RIGHT), ended(7, 3, RIGHT),
    )  # fmt: skip

    assert set() == found(*rows).explained
    assert found(*rows).wrong


def test_a_try_that_was_counted_otherwise_is_wrong() -> None:
    """One too few, one too many, and one more than there are."""
    assert [] == found(tried(1, 1), ended(2, 1, RIGHT), tried(3, 1)).wrong
    assert found(tried(1, 1), tried(2, 1)).wrong
    assert found(tried(1, 1), ended(2, 1, RIGHT), tried(3, 2)).wrong
    assert found(tried(1, 1), tried(2, 2), tried(3, 3), tried(4, 4)).wrong
