"""Claims about what those who watch are told of a journal that does not do its part."""

import asyncio
from collections.abc import Callable

import pytest

from atm_switch.domain.errors import JournalFull, JournalUnavailable
from atm_switch.monitor import JOURNAL_BAD_SECONDS, NO_ROOM, Monitor, commits
from atm_switch.server.desk import PROOF, PROOF_SECONDS, UNASKED
from atm_switch.switch.ports import FindRepeat
from tests.doubles.open_house import Caller, OpenHouse, caller, open_house

AWAY = JournalUnavailable("the journal could not write: away")


def told(house: OpenHouse) -> tuple[str, bool, bool]:
    """What readiness says of the journal, the gauge, and whether the watchdog is fed."""
    house.desk.tick()
    monitor = Monitor(house.desk, lambda: 0, dict, 0.0)
    return monitor.readiness()["journal"], bool(monitor.gauges()["ready"]), commits(house.desk)


async def inquired(house: OpenHouse, client: Caller, number: int) -> str:
    """Ask one inquiry; the code of its answer."""
    client.say(house.bench.inquiry({11: f"{number:06d}", 37: f"5181070{number:05d}"}))
    return (await client.hear())[39]


def takes_no_rows(house: OpenHouse) -> None:
    """As where its writer's process is gone, or as many rows wait as may."""
    house.journal.is_full = True


def is_not_readable(house: OpenHouse) -> None:
    """As where PostgreSQL is away: the look for a repeat fails, and no row is asked for."""
    house.bench.memory.faults[FindRepeat] = AWAY


@pytest.mark.parametrize(
    ("breaks", "wrong"),
    [(takes_no_rows, "rows could not be written"), (is_not_readable, "cannot be searched")],
)
async def test_journal_that_has_every_inquiry_answered_96_is_not_well(
    breaks: Callable[[OpenHouse], None], wrong: str
) -> None:
    """Readiness names it, the gauge is 0 and the watchdog starves; one good answer ends it."""
    async with open_house() as house, caller(house) as client:
        breaks(house)
        code = await inquired(house, client, 1)
        while_broken = told(house)
        house.journal.is_full = False
        house.bench.memory.faults.clear()
        code_again = await inquired(house, client, 2)
        afterwards = told(house)

    assert ("96", (wrong, False, False)) == (code, while_broken)
    assert ("00", ("", True, True)) == (code_again, afterwards)


async def test_row_nobody_waits_for_tells_of_the_journal_too() -> None:
    """An event or an audit record that was not written counts as much as an answer's row."""
    async with open_house() as house:
        house.desk.delivered([(UNASKED, AWAY)])
        failed = told(house)
        house.desk.delivered([(UNASKED, JournalFull("there is no room"))])
        full = told(house)
        house.desk.delivered([(UNASKED, None)])
        written = told(house)

    assert [
        ("rows could not be written", False, False), (NO_ROOM, False, True), ("", True, True)
    ] == [failed, full, written]  # fmt: skip


async def test_rows_written_do_not_hide_that_repeats_cannot_be_found() -> None:
    """Two connections, two threads: each is well by its own answers alone."""
    async with open_house() as house, caller(house) as client:
        is_not_readable(house)
        await inquired(house, client, 1)
        house.desk.delivered([(UNASKED, None)])
        wrong, _, _ = told(house)

    assert "cannot be searched" == wrong


async def test_journal_that_says_nothing_is_not_well() -> None:
    """As long as no row is answered there is no refusal either."""
    async with open_house() as house, caller(house) as client:
        house.stop_clock()
        house.journal.holds = True
        client.say(house.bench.inquiry())
        while not house.journal.held:
            await asyncio.sleep(0)
        at_first = told(house)
        house.skew += JOURNAL_BAD_SECONDS + 1
        later = told(house)
        house.journal.release()

    silent = f"has not answered for {JOURNAL_BAD_SECONDS + 1:.0f} s"
    assert [("", True, True), (silent, False, False)] == [at_first, later]


async def test_journal_nobody_asks_is_asked_whether_it_can_write() -> None:
    """
    Every few idle seconds, once at a time; one that does not answer is not well in the end, and
    one that does is.  How long rows wait is told by rows alone.
    """
    async with open_house() as house, caller(house) as client:
        house.stop_clock()
        await inquired(house, client, 1)
        rows = sum(house.desk.meters.journal_seconds.counts)
        house.journal.holds = True
        house.desk.prove_writing()
        too_soon = len(house.journal.held)
        house.skew += PROOF_SECONDS
        for _ in range(3):
            house.desk.prove_writing()
        asked = house.journal.held.copy()
        house.skew += JOURNAL_BAD_SECONDS + 1
        silent = told(house)
        house.journal.release()
        answered = told(house)

    assert (0, [(PROOF, None)]) == (too_soon, asked)
    assert (False, False) == silent[1:]
    assert silent[0].startswith("has not answered for")
    assert ("", True, True) == answered
    assert rows == sum(house.desk.meters.journal_seconds.counts)


async def test_journal_that_failed_is_asked_until_it_can_write() -> None:
    """At every tick: as long as it cannot it is not well, and at once when it can."""
    async with open_house() as house:
        takes_no_rows(house)
        house.skew += PROOF_SECONDS
        house.desk.prove_writing()
        house.skew += JOURNAL_BAD_SECONDS - 1
        house.desk.prove_writing()
        house.skew += JOURNAL_BAD_SECONDS - 1
        failed = told(house)
        house.journal.is_full = False
        house.desk.prove_writing()
        await asyncio.sleep(0)
        written = told(house)

    assert ("rows could not be written", False, False) == failed
    assert ("", True, True) == written


async def test_proof_is_no_work_to_the_links() -> None:
    """What waits for a quiet moment does not wait because of it."""
    async with open_house() as house:
        house.desk.tick()
        house.desk.delivered([(PROOF, None)])
        by_a_proof = house.desk._is_quiet
        house.desk.delivered([(PROOF, None), (UNASKED, None)])

        assert (True, False) == (by_a_proof, house.desk._is_quiet)


async def test_proof_does_not_hide_that_rows_fail() -> None:
    """A full disk takes a commit of nothing; what a row was refused for counts as long as ever."""
    async with open_house() as house:
        house.desk.delivered([(UNASKED, JournalFull("there is no room"))])
        house.desk.delivered([(PROOF, None)])
        full = told(house)
        house.desk.delivered([(PROOF, AWAY)])
        house.desk.delivered([(UNASKED, None)])
        written = told(house)

    assert ((NO_ROOM, False, True), ("", True, True)) == (full, written)
