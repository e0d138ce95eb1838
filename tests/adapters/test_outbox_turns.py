"""How the outbox is kept short: turn after turn while there is more, and no turn beside another."""

import asyncio
from collections.abc import Callable
from math import inf

import pytest

from atm_switch.adapters import outbox_page
from atm_switch.adapters.outbox_page import (
    DROPPED,
    LOST_LOOKS,
    PURGED,
    ROWS_AT_ONCE,
    Batch,
    DropStatus,
    OutboxQuestion,
    PurgeTold,
    Turns,
)
from atm_switch.domain.errors import JournalUnavailable

NOON = 1_000_000
PURGE = (PURGED, PurgeTold(NOON, ROWS_AT_ONCE))
ALL = ROWS_AT_ONCE


class Book:
    """A journal that notes what it is asked; the test answers for it."""

    def __init__(self) -> None:
        """Begin with nothing asked."""
        self.asked: list[tuple[int, OutboxQuestion]] = []
        self.is_away = False
        self.tries = 0
        self.turns = Turns(self.submit, is_unheard=False)

    def submit(self, question: OutboxQuestion, ticket: int) -> None:
        """Take a question, or none."""
        self.tries += 1
        if self.is_away:
            raise JournalUnavailable("away")
        self.asked.append((ticket, question))

    def answers(self, *batch: tuple[int, object]) -> list[tuple[int, OutboxQuestion]]:
        """Let the turns hear a batch; return what was asked until then, and forget it."""
        asked, self.asked = self.asked, []
        self.turns.heard(batch)
        return asked


@pytest.fixture
def book() -> Book:
    """A journal with turns."""
    return Book()


async def becomes(is_so: Callable[[], bool]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(60):
        while not is_so():
            await asyncio.sleep(0.001)


def drop(count: int) -> tuple[int, DropStatus]:
    """A turn at so many status events."""
    return DROPPED, DropStatus(count)


async def test_next_turn_comes_at_once_until_one_takes_fewer(book: Book) -> None:
    """Then the next second brings the next."""
    book.turns.begin(NOON, 0)

    assert [PURGE] == book.answers((PURGED, ALL))
    await becomes(lambda: bool(book.asked))
    assert [PURGE] == book.answers((1, "a row"), (PURGED, ALL - 1))
    assert (set(), None) == (book.turns.asked, book.turns._next)


async def test_surplus_is_dropped_exactly(book: Book) -> None:
    """In turns; the last has what is left."""
    book.turns.begin(None, 2 * ALL + 7)

    assert [drop(ALL)] == book.answers((DROPPED, ALL))
    await becomes(lambda: bool(book.asked))
    assert [drop(ALL)] == book.answers((DROPPED, ALL))
    await becomes(lambda: bool(book.asked))
    assert [drop(7)] == book.answers((DROPPED, 7))
    assert (set(), None) == (book.turns.asked, book.turns._next)
    assert 2 * ALL + 7 == book.turns.dropped


async def test_of_what_was_dropped_so_many_are_missing_behind_what_was_told(book: Book) -> None:
    """All of the numbers told may be of those that went, and no more than all."""
    book.turns.begin(None, ALL)
    book.answers((DROPPED, ALL))

    missing = [book.turns.dropped_since(told) for told in (0, 0, 2, ALL - 1, ALL + 7, ALL + 9)]

    assert [ALL, ALL, ALL - 2, 1, 0, 0] == missing
    assert ALL == book.turns.dropped


@pytest.mark.parametrize(
    "batch", [[(PURGED, JournalUnavailable("full")), (DROPPED, JournalUnavailable("full"))]]
)
async def test_turn_that_failed_waits_for_the_next_second(book: Book, batch: Batch) -> None:
    """A journal that cannot write is not pressed."""
    book.turns.begin(NOON, ALL)

    assert [PURGE, drop(ALL)] == book.answers(*batch)
    assert None is book.turns._next
    assert 0 == book.turns.dropped_since(0)


async def test_no_turn_is_asked_beside_another_of_its_kind(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One whose answer is to come is waited for, and one that is due comes once."""
    monkeypatch.setattr(outbox_page, "PAUSE_SECONDS", 0.0)
    book.turns.begin(NOON, 2 * ALL)

    assert [PURGE, drop(ALL)] == book.answers((PURGED, ALL))
    await becomes(lambda: bool(book.asked))
    assert [PURGE] == book.answers((PURGED, ALL))
    due = book.turns._next
    assert [] == book.answers((DROPPED, ALL))
    assert due is book.turns._next
    await becomes(lambda: bool(book.asked))
    assert [PURGE, drop(ALL)] == book.asked


async def test_batch_without_an_answer_of_theirs_brings_no_turn(book: Book) -> None:
    """The journal answers many others."""
    book.turns.begin(NOON, 0)

    book.answers((7, ALL))

    assert ({PURGED}, None) == (book.turns.asked, book.turns._next)


async def test_second_goes_by_what_is_left_where_nothing_was_counted_anew(book: Book) -> None:
    """Once the turn under way is answered."""
    book.turns.begin(None, ALL + 3)
    book.answers((DROPPED, ALL))
    book.turns.begin(NOON, None)

    assert [PURGE, drop(3)] == book.asked


async def test_late_journal_is_not_asked_to_drop_the_same_again(book: Book) -> None:
    """
    It would drop as many once more when it is back.  Old events may be asked for: they are no more.
    """
    for _ in range(LOST_LOOKS - 1):
        book.turns.begin(NOON, 7)
    book.turns.begin(None, 0)

    assert ({DROPPED}, 1) == (book.turns.asked, book.asked.count(drop(7)))
    assert LOST_LOOKS - 1 == book.asked.count(PURGE)
    book.answers((DROPPED, 7))
    assert 7 == book.turns.dropped_since(0)


async def test_answer_that_is_lost_does_not_end_the_dropping(book: Book) -> None:
    """After a minute it is asked again, and not each second from then on."""
    for _ in range(2 * LOST_LOOKS):
        book.turns.begin(None, 7)
    once_more = book.asked.count(drop(7))
    book.turns.begin(None, 7)

    assert (2, 3) == (once_more, book.asked.count(drop(7)))


async def test_turns_that_are_answered_are_none_that_are_late(book: Book) -> None:
    """However many seconds they take together."""
    for _ in range(LOST_LOOKS):
        book.turns.begin(None, 2 * ALL)
        book.turns.heard([(DROPPED, ALL)])
        book.turns._go_on()
    book.turns.begin(None, 2 * ALL)

    assert [drop(ALL)] * (LOST_LOOKS + 1) == book.asked


async def test_journal_that_is_away_at_a_later_turn_is_no_failure(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next second brings another attempt."""
    monkeypatch.setattr(outbox_page, "PAUSE_SECONDS", 0.0)
    book.turns.begin(NOON, 0)
    book.is_away = True
    book.answers((PURGED, ALL))

    await becomes(lambda: book.tries == 2)

    assert (set(), None) == (book.turns.asked, book.turns._next)


async def test_turns_end_with_the_switch(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is due is asked no more, nor what a late answer would bring."""
    monkeypatch.setattr(outbox_page, "PAUSE_SECONDS", inf)
    book.turns.stop()
    book.turns.begin(NOON, 0)
    book.answers((PURGED, ALL))
    due = book.turns._next
    book.turns.stop()

    assert due is not None
    assert due.cancelled()
    book.turns._next = None
    book.answers((PURGED, ALL))
    assert None is book.turns._next
