"""Claims about a drain whose time runs out: who waits is told so, before the links end.

The clock stands still in all of them, but where a test lets time pass.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from atm_switch.adapters.clock import read_clock
from atm_switch.domain.errors import JournalUnavailable
from atm_switch.server.draining import NOTED_SECONDS_MAX, cut_off, drain, last_written
from atm_switch.switch.ports import Commit, FindAccount
from atm_switch.switch.untold import LATE, NOT_SENT, Untold
from tests.doubles import open_house as doubles
from tests.doubles.bank_host import SIGN_OFF, until
from tests.doubles.inquiries import commits
from tests.doubles.open_house import GENEROUS, Caller, OpenHouse, caller, open_house
from tests.server.test_dialler import called
from tests.server.test_link_endings import frames, inquiries, vouched

SECONDS = 5.0
USUAL = replace(GENEROUS, drain_seconds_max=SECONDS)
GIVEN_UP_AT, LAST_AT = 3.5, 4.5
"""Of a drain of five seconds: what waits for more than its row or its MAC, and all the rest."""


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    began = read_clock()
    monkeypatch.setattr(doubles, "read_clock", lambda: began)


@asynccontextmanager
async def stopping(house: OpenHouse, client: Caller) -> AsyncIterator[asyncio.Task[None]]:
    """Have an inquiry under way, and begin to stop; the drain is over behind the block."""
    client.say(house.bench.inquiry())
    await until(lambda: house.desk.in_flight > 0 and not house.desk._gathered)
    drained = asyncio.create_task(drain(house.desk))
    await until(lambda: house.desk.is_draining)
    yield drained
    await passes(house, SECONDS)
    await drained


async def passes(house: OpenHouse, seconds: float) -> None:
    """Let so much time pass, and the drain look what that means."""
    house.skew += seconds
    for _ in range(5):
        await asyncio.sleep(0.01)


async def test_row_that_does_not_come_is_told_as_96_and_noted() -> None:
    """
    A second and a half before the end its terminal hears 96, and the journal is asked, behind
    the row, to note that nobody was told what it says.
    """
    async with open_house(vouched(), USUAL) as house, caller(house) as client:
        house.journal.holds = True
        async with stopping(house, client):
            await passes(house, GIVEN_UP_AT - 0.1)
            early = house.desk.in_flight
            await passes(house, 0.2)
            answer = await client.hear()
            is_open = house.desk.connections
        memory = house.bench.memory

    assert (1, "96", 1) == (early, answer[39], is_open)
    assert [LATE] == list(memory.untold.values())
    asked = [type(one) for one in memory.asked if isinstance(one, Commit | Untold)]
    assert [Commit, Untold] == asked


async def test_row_that_was_asked_lately_has_a_second_more() -> None:
    """What the ledger said in time is told 00 if its row comes by half a second before the end."""
    async with open_house(vouched(), USUAL) as house, caller(house) as client:
        account = house.bench.memory.faults[FindAccount] = house.loop.create_future()
        async with stopping(house, client):
            await passes(house, GIVEN_UP_AT - 0.1)
            house.journal.holds = True
            del house.bench.memory.faults[FindAccount]
            asked = next(one for one in house.bench.memory.asked if isinstance(one, FindAccount))
            account.set_result(house.bench.memory.answer(asked))
            await until(lambda: bool(house.journal.held))
            await passes(house, LAST_AT - GIVEN_UP_AT - 0.1)
            early = house.desk.in_flight
            house.journal.release()
            answer = await client.hear()

    assert (1, "00") == (early, answer[39])
    assert {} == house.bench.memory.untold


async def test_ledger_that_does_not_answer_is_told_as_91() -> None:
    """It is given up a second before that, so that the 91 has its row, which says the same."""
    async with open_house(vouched(), USUAL) as house, caller(house) as client:
        house.bench.memory.faults[FindAccount] = house.loop.create_future()
        async with stopping(house, client):
            await passes(house, GIVEN_UP_AT - 0.1)
            early = house.desk.in_flight
            await passes(house, 0.2)
            answer = await client.hear()
        (row,) = commits(house.bench)

    assert (1, "91", "91") == (early, answer[39], row.ending.response_code)
    assert {} == house.bench.memory.untold


async def test_all_that_is_given_up_is_told_though_nothing_answers() -> None:
    """Neither the ledger nor then the journal: 96 and no 00, and each link hears its own."""
    async with open_house(vouched(), USUAL) as house, caller(house) as client:
        house.bench.memory.faults[FindAccount] = house.loop.create_future()
        async with stopping(house, client):
            house.journal.holds = True
            await passes(house, LAST_AT + 0.1)
            answer = await client.hear()

    assert ("96", 0) == (answer[39], house.desk.in_flight)
    assert [LATE] == list(house.bench.memory.untold.values())


async def test_drain_of_no_time_answers_what_is_under_way() -> None:
    """``drain_seconds_max = 0`` gives up at once; nobody is hung up on without a word."""
    limits = replace(USUAL, drain_seconds_max=0.0)
    async with open_house(vouched(), limits) as house, caller(house) as client:
        house.journal.holds = True
        async with stopping(house, client):
            answer = await client.hear()

    assert "96" == answer[39]


async def test_bank_that_asks_beside_our_sign_off_is_answered() -> None:
    """Its journal stands still: the sign-off goes out all the same, and what comes then has 96."""
    async with called(USUAL) as here:
        here.bank.codes[SIGN_OFF] = ""
        house, line = here.house, await here.signed_on(here.dial())
        house.journal.holds = True
        drained = asyncio.create_task(drain(house.desk))
        await until(lambda: bool(house.journal.held))
        await passes(house, 0.9)
        asking = asyncio.ensure_future(line.ask(house.bench.inquiry()))
        await until(lambda: house.desk.in_flight == 2)
        await passes(house, 0.2)
        answer = await asking
        await passes(house, SECONDS)
        await drained

    assert "96" == answer[39]
    assert 1 == len(line.requests(SIGN_OFF))


async def test_note_is_asked_behind_a_row_that_was_gathered() -> None:
    """What frames brought in this turn is asked before it is given up."""
    async with open_house(vouched(), USUAL) as house, caller(house) as client:
        house.journal.holds = True
        (line,) = house.desk._lines.values()
        line.data_received(frames(client, inquiries(house, 2)))
        assert house.desk._gathered
        cut_off(house.desk)
        await asyncio.sleep(0.01)
        asked = [one for one in house.bench.memory.asked if isinstance(one, Commit | Untold)]

    assert [Commit] * 2 + [Untold] * 2 == [type(one) for one in asked]
    assert [NOT_SENT] * 2 == list(house.bench.memory.untold.values())
    assert ["the link is gone"] * 2 == [one["unsent"] for one in house.logged("transaction")]


async def test_stop_asks_again_for_a_note_that_failed() -> None:
    """As long as ``NOTED_SECONDS_MAX``; what is given up then, the log has by name."""
    async with open_house(vouched(), USUAL) as house, caller(house) as client:
        house.journal.holds = True
        async with stopping(house, client):
            await passes(house, LAST_AT + 0.1)
        house.bench.memory.faults[Untold] = JournalUnavailable("locked")
        house.journal.held = [(at, JournalUnavailable("locked")) for at, _ in house.journal.held]
        house.journal.release()
        ending = asyncio.create_task(last_written(house.desk))
        await passes(house, NOTED_SECONDS_MAX - 0.1)
        tries = sum(isinstance(one, Untold) for one in house.bench.memory.asked)
        assert not ending.done()
        await passes(house, 0.2)
        await ending

    assert tries > 1
    assert ["late"] == [said["note"] for said in house.logged("note given up")]


async def test_stop_is_over_once_a_note_is_written() -> None:
    """A journal that goes on meanwhile is not waited for any longer, and nothing is given up."""
    async with open_house(vouched(), USUAL) as house, caller(house) as client:
        house.journal.holds = True
        async with stopping(house, client):
            await passes(house, LAST_AT + 0.1)
        ending = asyncio.create_task(last_written(house.desk))
        await asyncio.sleep(0.02)
        assert not ending.done()
        house.journal.release()
        await ending

    assert [] == house.logged("note given up")
