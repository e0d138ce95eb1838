"""The books of a soak find what is wrong; all else of it is ``python -m tests.chaos.soak``."""

import pytest

from tests.chaos.honest import Answer
from tests.chaos.soak_books import (
    FROZEN,
    KILLED,
    LEDGER,
    LOCKED,
    Books,
    Harm,
    Written,
    accounted,
    is_whole,
)  # fmt: skip

SENT, LATER = "000000000001", "000000000002"


def answer(rrn: str = SENT, code: str = "00", at: float = 10.0, seconds: float = 0.1) -> Answer:
    """Make an answer that took a tenth of a second, or so long."""
    return Answer(rrn, code, b"", seconds, at)


def one_asked() -> Books:
    """Ask once."""
    books = Books()
    books.asks(SENT)
    return books


def wrong(books: Books, found: Written, told: set[str]) -> list[str]:
    """Name what must be nothing and is not."""
    result = accounted(books, found, told)
    assert is_whole(result) == (not any(list(result.values())[5:]))
    return [name for name, count in list(result.items())[5:] if count]


def test_an_answer_written_and_told_is_whole() -> None:
    """One answer, its ending with the same code, its event."""
    books = one_asked()
    books.takes(answer())

    assert [] == wrong(books, Written({1}, {1: "00"}, rrns={SENT}), {SENT})


def test_a_request_without_an_answer_is_found() -> None:
    """Unless its link was reset, or lost while a process was killed."""
    reset, killed, after = one_asked(), one_asked(), one_asked()
    reset.resets(SENT)
    killed.loses(SENT, 10.5)
    killed.harm.append(Harm(KILLED, 10.0, 11.0))
    after.loses(SENT, 11.5)
    after.harm.append(Harm(KILLED, 10.0, 11.0))

    assert [] == wrong(reset, Written(), set())
    assert [] == wrong(killed, Written(), set())
    assert ["unanswered"] == wrong(after, Written(), set())
    assert ["unanswered"] == wrong(one_asked(), Written(), set())


@pytest.mark.parametrize(
    ("found", "told", "names"),
    [
        (Written({1}, {1: "91"}, rrns={SENT}), {SENT}, ["not_written_as_told"]),
        (Written({1}, doubted={1}, rrns={SENT}), {SENT}, ["not_written_as_told"]),
        (Written({1}), set(), ["not_written_as_told", "without_end"]),
        (Written({1}, {1: "00"}, twice=1, rrns={SENT}), {SENT}, ["written_twice"]),
        (Written({1}, {1: "00"}, rrns={SENT}), set(), ["events_lost"]),
        (Written({1}, {1: "00"}, rrns={SENT}), {SENT, LATER}, ["events_invented"]),
    ],
)
def test_what_journal_and_broker_say_otherwise_is_found(
    found: Written, told: set[str], names: list[str]
) -> None:
    """Each for itself, of a request that was told 00."""
    books = one_asked()
    books.takes(answer())

    assert names == wrong(books, found, told)


@pytest.mark.parametrize(
    ("code", "kind", "at", "is_explained"),
    [
        ("96", FROZEN, 10.0, True),
        ("96", FROZEN, 9.0, False),
        ("96", FROZEN, 12.1, False),
        ("91", LEDGER, 12.1, True),
        ("91", LEDGER, 13.1, False),
        ("96", LEDGER, 11.0, False),
    ],
)
def test_a_refusal_wants_a_fault_that_explains_it(
    code: str, kind: str, at: float, *, is_explained: bool
) -> None:
    """A 96 something that held the journal up, a 91 that or the ledger, at that time."""
    books = one_asked()
    books.takes(answer(code=code, at=at))
    books.harm.append(Harm(kind, 9.9, 12.0))
    found = Written({1}, {1: code}, rrns={SENT})

    assert ([] if is_explained else ["refused_without_cause"]) == wrong(books, found, {SENT})


@pytest.mark.parametrize(
    ("code", "kind", "seconds", "is_in_time"),
    [
        ("00", LOCKED, 9.9, True),
        ("00", LOCKED, 10.1, False),
        ("96", LOCKED, 50.0, False),  # the fault is long over
        ("00", FROZEN, 14.9, True),
        ("96", FROZEN, 15.1, False),
    ],
)
def test_an_answer_comes_within_what_a_request_may_take(
    code: str, kind: str, seconds: float, *, is_in_time: bool
) -> None:
    """And two seconds, and as long as something stood still of it: here five of its seconds."""
    books = one_asked()
    books.takes(answer(code=code, seconds=seconds))
    books.harm.append(Harm(kind, 7.0, 11.0))
    books.harm.append(Harm(kind, 12.0, 16.0))
    found = Written({1}, {1: code}, rrns={SENT})

    assert ([] if is_in_time else ["told_late"]) == wrong(books, found, {SENT})
    assert is_in_time == (books.late() == [])
