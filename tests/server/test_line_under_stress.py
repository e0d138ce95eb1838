"""Claims about links that are busy, half closed, or answered with what cannot be packed."""

import asyncio
import tracemalloc
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from atm_switch.domain.outcome import Outcome
from atm_switch.server.spread import TICK_SECONDS
from atm_switch.switch.policy import PinPolicy
from atm_switch.switch.session import Dialect
from atm_switch.wire.framing import enclose
from atm_switch.wire.message import IsoMessage
from tests.doubles.bank_host import until
from tests.doubles.bench import Bench, bank
from tests.doubles.inquiries import commits
from tests.doubles.open_house import GENEROUS, Caller, OpenHouse, caller, open_house

LINKS, LINK_BYTES_MAX = 50, 1_250
TOO_LATE_SECONDS = 10.5
"""More than the profile's 8 and the two that journaling the end may take."""


def vouched() -> Bench:
    """A bank that has verified the PIN, so that one card's requests need not take turns."""
    return Bench(banks=(bank(pin=PinPolicy.ACQUIRER),))


def echo_of(stan: int) -> IsoMessage:
    """An echo request."""
    return IsoMessage("0800", {7: "0630072507", 11: f"{stan:06d}", 70: "301"})


async def test_link_whose_reads_never_end_on_a_frame_lives_on() -> None:
    """Each frame is finished at once, the stream never is: the frame's clock starts anew."""
    async with open_house() as house, caller(house) as client:
        frames = [
            enclose(client.framing, client.dialect.packager.pack(echo_of(n))) for n in range(9)
        ]
        client.writer.write(frames[0] + frames[1][:9])
        assert "000000" == (await client.hear())[11]

        for number in range(1, 8):
            house.pass_time(4)
            client.writer.write(frames[number][9:] + frames[number + 1][:9])

            assert f"{number:06d}" == (await client.hear())[11]


async def test_half_closed_link_still_gets_its_answer() -> None:
    """Who asks and then says that no more comes is answered before the link ends."""
    async with open_house() as house, caller(house) as client:
        house.journal.holds = True
        client.say(house.bench.inquiry())
        client.writer.write_eof()
        while not house.journal.held:
            await asyncio.sleep(0.001)

        house.journal.release()
        house.journal.holds = False

        assert "00" == (await client.hear())[39]
        assert b"" == await client.hear_payload()


async def with_all_of_them_late(house: OpenHouse, client: Caller, count: int) -> None:
    """Have so many requests end unsaid: the process stood still for longer than they may take."""
    house.journal.holds = True
    for number in range(count):
        client.say(house.bench.inquiry({11: f"{number:06d}", 37: f"5181070{number:05d}"}))
    while house.desk.in_flight < count:
        await asyncio.sleep(0.001)
    house.skew += TOO_LATE_SECONDS
    house.journal.release()


@pytest.mark.parametrize("count", [1, 4])
async def test_saturated_link_goes_on_when_nothing_could_be_said(count: int) -> None:
    """All it may have under way ended too late to be sent: what it asks next is read."""
    line = replace(GENEROUS.line, in_flight_per_link_max=count)
    async with (
        open_house(vouched(), replace(GENEROUS, line=line)) as house,
        caller(house) as client,
    ):
        await with_all_of_them_late(house, client, count)
        house.pass_time(TICK_SECONDS)
        client.say(echo_of(777))

        assert "000777" == (await client.hear())[11]


async def test_half_closed_link_ends_when_nothing_could_be_said() -> None:
    """It waited for an answer that never leaves."""
    async with open_house(vouched()) as house, caller(house) as client:
        house.journal.holds = True
        client.say(house.bench.inquiry())
        client.writer.write_eof()
        while not house.desk.in_flight:
            await asyncio.sleep(0.001)
        await until(lambda: house.desk.links()[0][0]._is_ending)
        house.skew += TOO_LATE_SECONDS
        house.journal.release()
        house.pass_time(TICK_SECONDS)

        assert await client.is_hung_up()


async def test_word_of_our_own_lets_no_more_in_than_may_be_under_way() -> None:
    """Whatever is written to a saturated link, the next request waits until one is answered."""
    line = replace(GENEROUS.line, in_flight_per_link_max=1)
    async with (
        open_house(vouched(), replace(GENEROUS, line=line)) as house,
        caller(house) as client,
    ):
        house.journal.holds = True
        client.say(house.bench.inquiry(), echo_of(777))
        while not house.journal.held:
            await asyncio.sleep(0.001)
        house.desk.links()[0][0].flush()
        for _ in range(5):
            house.pass_time(0)
            await asyncio.sleep(0.001)
        taken = house.desk.in_flight, len(house.journal.held)
        house.journal.release()
        heard = [(await client.hear()).mti for _ in range(2)]

    assert (1, 1) == taken
    assert ["0210", "0810"] == heard


def too_small_bench() -> Bench:
    """A bench whose profile has no room for the slip: a mistake no judge has seen."""
    bench = Bench(banks=(bank(pin=PinPolicy.ISSUER),))
    profile = bench.dialect.profile
    slip = replace(profile.elements[63], longest=100)
    bench.dialect = Dialect.of(replace(profile, elements={**profile.elements, 63: slip}))
    bench.open(2)
    return bench


def test_response_that_cannot_be_packed_is_a_journaled_96() -> None:
    """Row and wire both say 96, and the right PIN costs no try however often."""
    bench = too_small_bench()
    bench.sign_on(link=2)

    for number in range(5):
        response = bench.ask(bench.inquiry({11: f"{number:06d}"}), link=2)
        assert "96" == response[39]

    assert [Outcome.INTERNAL_ERROR] * 5 == [c.ending.outcome for c in commits(bench)]
    assert [0] == list(bench.memory.tries.values())


def test_frame_longer_than_the_profile_allows_is_a_96_too() -> None:
    """What fits no frame is our mistake, told to the terminal."""
    bench = Bench()
    profile = bench.dialect.profile
    framing = replace(profile.framing, payload_bytes_max=900)
    bench.dialect = Dialect.of(replace(profile, framing=framing))
    bench.open(2)
    bench.sign_on(link=2)

    assert "96" == bench.ask(bench.inquiry(), link=2)[39]


async def test_silent_link_is_small() -> None:
    """A terminal that has signed on and says nothing costs us a kilobyte beside its socket."""
    ours = ("*/atm_switch/server/*", "*/atm_switch/switch/*", "<string>")  # dataclasses' own
    filters = [tracemalloc.Filter(inclusive=True, filename_pattern=one) for one in ours]
    log = tracemalloc.Filter(inclusive=False, filename_pattern="*/log.py")  # in memory here
    async with open_house() as house, AsyncExitStack() as crowd:
        await crowd.enter_async_context(caller(house))  # what the first one leaves for all
        tracemalloc.start()
        crowd.callback(tracemalloc.stop)

        for _ in range(LINKS):
            await crowd.enter_async_context(caller(house))
        taken = tracemalloc.take_snapshot().filter_traces([*filters, log])

        held = sum(one.size for one in taken.statistics("filename"))
        assert 0 < held / LINKS < LINK_BYTES_MAX
