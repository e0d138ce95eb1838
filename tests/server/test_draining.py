"""Claims about how a switch leaves the banks it had dialled, over real sockets.

Where a bank is to answer within the second that it has, the clock stands still meanwhile.
"""

import asyncio
import time

from atm_switch.server.draining import (
    ANSWERED_SECONDS_MAX,
    SIGN_OFF_SECONDS_MAX,
    WRITTEN_SECONDS_MAX,
    cut_off,
    drain,
    last_written,
)
from atm_switch.switch.policy import MacPolicy
from atm_switch.switch.ports import AuditRecord, KeepRecord
from tests.doubles.bank_host import SIGN_OFF, SIGN_ON, until
from tests.doubles.bench import bank
from tests.doubles.open_house import SECONDS_MAX, open_house
from tests.server.test_dialler import called


async def test_bank_hears_our_sign_off_last() -> None:
    """What is under way is answered first; then 0800/002 with DE32; then the link ends."""
    async with called() as here:
        line = await here.signed_on(here.dial())
        here.house.journal.holds = True
        asking = asyncio.ensure_future(line.ask(here.house.bench.inquiry()))
        await until(lambda: bool(here.house.journal.held))
        here.house.stop_clock()
        stopping = asyncio.create_task(drain(here.house.desk))
        await asyncio.sleep(0.05)
        assert [] == line.requests(SIGN_OFF)

        here.house.journal.release()
        await asyncio.wait_for(stopping, SECONDS_MAX)

        assert "00" == (await asking)[39]
        await until(lambda: line.is_gone)
        (said,) = line.requests(SIGN_OFF)
        assert said is line.heard[-1]
        assert ("009", {7, 11, 32, 70}) == (said[32], set(said.elements))
        assert 1 == len(here.house.logged("sign-off sent")) == len(here.house.logged("signed off"))


async def test_sign_off_is_in_the_audit() -> None:
    """Who reads the audit sees that it was the switch that left."""
    async with called() as here:
        await here.signed_on(here.dial())
        here.house.stop_clock()

        await asyncio.wait_for(drain(here.house.desk), SECONDS_MAX)

        records = [
            record for record in here.house.bench.memory.records if record.kind == "sign-off"
        ]
        assert [("acquirer 009", "the switch signed off")] == [
            (record.subject, record.detail) for record in records
        ]


async def test_silent_bank_holds_nothing_up() -> None:
    """A bank that does not answer our sign-off is left after about a second."""
    async with called() as here:
        here.bank.codes[SIGN_OFF] = ""
        line = await here.signed_on(here.dial())
        began = time.monotonic()

        await drain(here.house.desk)

        assert 1 == len(line.requests(SIGN_OFF)) or not line.is_gone
        assert time.monotonic() - began < 10.0
        await until(lambda: line.is_gone)
        assert 1 == len(line.requests(SIGN_OFF))


async def test_bank_that_asks_after_our_sign_off_gets_58() -> None:
    """From our sign-off on the line counts as signed off, whatever the bank makes of it."""
    async with called() as here:
        here.bank.codes[SIGN_OFF] = ""
        line = await here.signed_on(here.dial())
        here.house.stop_clock()
        stopping = asyncio.create_task(drain(here.house.desk))
        await until(lambda: bool(line.requests(SIGN_OFF)))

        late = await line.ask(here.house.bench.inquiry({11: "000777", 37: "518107000777"}))

        assert "58" == late[39]
        here.house.skew += SIGN_OFF_SECONDS_MAX
        await asyncio.wait_for(stopping, SECONDS_MAX)


async def test_line_that_never_signed_on_is_just_closed() -> None:
    """Where no sign-on stands there is nothing to take back."""
    async with called() as here:
        here.bank.codes[SIGN_ON] = ""
        here.dial()
        await until(lambda: bool(here.bank.live))

        await drain(here.house.desk)

        (line,) = here.bank.lines
        await until(lambda: line.is_gone)
        assert [] == line.requests(SIGN_OFF)


async def test_sign_off_carries_a_mac_where_the_bank_wants_one() -> None:
    """It is signed like every other message of ours."""
    async with called(banks=(bank(mac=MacPolicy.REQUIRED),)) as here:
        dialler = here.dial()
        await until(lambda: bool(here.session(dialler) and here.bank.lines))
        session = here.session(dialler)
        session.signed_on_as = session.default_acquirer  # as if the bank had signed its yes
        line = here.bank.lines[-1]

        await drain(here.house.desk)

        await until(lambda: bool(line.requests(SIGN_OFF)))
        assert 128 in line.requests(SIGN_OFF)[0].elements  # DE70 brings a secondary bitmap


async def test_cut_off_waits_for_nothing() -> None:
    """A request is under way, and its row waits: the bank hears the end at once, and no other."""
    async with called() as here:
        line = await here.signed_on(here.dial())
        here.house.journal.holds = True
        asking = asyncio.ensure_future(line.ask(here.house.bench.inquiry()))
        await until(lambda: bool(here.house.journal.held))

        cut_off(here.house.desk)

        await until(lambda: line.is_gone)
        asking.cancel()
        assert (True, []) == (here.house.desk.is_draining, line.requests(SIGN_OFF))


async def test_stop_waits_for_no_journal_that_has_been_asked() -> None:
    """It ends with the writer, which writes that; what it has not, it gets a moment for."""
    async with open_house() as house:
        house.journal.holds = True
        house.stop_clock()
        for seconds_max in (ANSWERED_SECONDS_MAX, WRITTEN_SECONDS_MAX):
            house.desk.pending.keep(KeepRecord(AuditRecord("stop", "switch", "bank")))
            ending = asyncio.create_task(last_written(house.desk))
            await asyncio.sleep(0.02)
            house.skew += seconds_max - 0.01
            await asyncio.sleep(0.02)
            assert not ending.done()
            house.skew += 0.02
            await until(ending.done)

    assert [1] == [line["count"] for line in house.logged("events not kept")]
    assert 1 == house.desk.meters.all_events()["event not kept"]
