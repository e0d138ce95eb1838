"""When requests in doubt are ended: at the start, and once they are old enough for it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from atm_switch import settling
from atm_switch.adapters.journal_doubts import Settled, SettleDoubts
from atm_switch.domain.errors import JournalUnavailable, Refused
from atm_switch.settling import Ended, Settling, SettlingOfOthers

PAGE = 10


@dataclass
class Book:
    """A journal of so many rows, some of them doubts; a page is ten rows."""

    last: int
    doubts: set[int]
    mark: int = 0
    is_away: bool = False
    told: Ended = field(default_factory=Counter)
    now: float = 1_000.0

    async def ask(self, question: SettleDoubts) -> Settled:
        """Answer as the journal does."""
        if self.is_away:
            raise JournalUnavailable("away")
        through = min(question.through, self.last)
        if self.mark >= through:
            return Settled(self.mark, self.last)
        self.mark = min(self.mark + PAGE, through)
        ended = {row for row in self.doubts if row <= self.mark}
        self.doubts -= ended
        return Settled(self.mark, self.last, ("009",) * len(ended))


@asynccontextmanager
async def begun(book: Book, *, is_alone: bool) -> AsyncIterator[Settling]:
    """Start, and stop looking by itself."""
    one = Settling(book.ask, book.told.update, lambda: book.now)
    await one.start(is_alone=is_alone)
    one.stop()
    yield one


async def test_start_ends_what_a_run_before_left() -> None:
    """All of it is ended and told before the start goes on."""
    book = Book(last=35, doubts={3, 34})

    async with begun(book, is_alone=True):
        assert (35, set(), {"009": 2}) == (book.mark, book.doubts, book.told)


async def test_long_journal_holds_up_no_start() -> None:
    """Beyond so many pages the search goes on beside the requests, to its end."""
    book = Book(last=PAGE * settling.PAGES_AT_START + 50, doubts={3, 245})
    one = Settling(book.ask, book.told.update, lambda: book.now)

    await one.start(is_alone=True)

    assert PAGE * settling.PAGES_AT_START == book.mark
    async with asyncio.timeout(20):
        while book.doubts:
            await asyncio.sleep(0.01)
    one.stop()


async def test_what_comes_after_the_start_waits_until_it_is_sure() -> None:
    """A doubt of this run is left alone while it may be under way, and ended when it is not."""
    book = Book(last=5, doubts=set())
    async with begun(book, is_alone=True) as one:
        book.last, book.doubts = 9, {7}
        await one.look()
        book.now += settling.SURE_SECONDS - 1
        await one.look()
        assert {7} == book.doubts
        book.now += 1

        await one.look()

    assert (set(), {"009": 1}) == (book.doubts, book.told)


async def test_where_others_are_at_work_the_start_waits_as_well() -> None:
    """A writer that stands in for one that died ends nothing that a worker may still end."""
    book = Book(last=5, doubts={4})
    async with begun(book, is_alone=False) as one:
        assert {4} == book.doubts
        book.now += settling.SURE_SECONDS

        await one.look()

    assert set() == book.doubts


async def test_journal_that_is_away_hinders_no_start() -> None:
    """Nothing is settled then; the next look does."""
    book = Book(last=5, doubts={4}, is_away=True)
    async with begun(book, is_alone=True) as one:
        book.is_away = False
        await one.look()
        book.now += settling.SURE_SECONDS

        await one.look()

    assert set() == book.doubts


async def test_doubts_of_others_are_told_and_silence_is_waited_out() -> None:
    """What was ended for a machine that is gone is told; a journal away is asked again later."""
    told: list[Ended] = []
    found: list[Ended | Exception] = [
        Counter({"009": 2}), JournalUnavailable("away"), Refused("other keys"), Counter(),
    ]  # fmt: skip

    def settle() -> Ended:
        one = found.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    others = SettlingOfOthers(settle, told.append)
    others.stop()  # before it was started
    for _ in range(4):
        await others.look()

    assert [{"009": 2}] == [dict(one) for one in told]
    assert [] == found


async def test_others_are_looked_for_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """Again and again until it stops."""
    monkeypatch.setattr(settling, "GONE_LOOK_SECONDS", 0.0)
    seen = asyncio.Semaphore(0)
    loop = asyncio.get_running_loop()

    def settle() -> Ended:
        loop.call_soon_threadsafe(seen.release)
        return Counter()

    others = SettlingOfOthers(settle, lambda _ended: None)
    others.start()
    async with asyncio.timeout(30):
        for _ in range(3):
            await seen.acquire()
    others.stop()
