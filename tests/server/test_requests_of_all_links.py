"""Claims about very many requests at once, on many links: how many are under way has an end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from itertools import pairwise

from atm_switch.server.limits import ServerLimits
from atm_switch.server.line import SHED_TIMES
from atm_switch.server.spread import FRAMES_MAX
from atm_switch.settings.model import Settings
from atm_switch.start_up import server_limits
from atm_switch.switch.policy import PinPolicy
from atm_switch.wire.framing import enclose
from atm_switch.wire.message import IsoMessage
from tests.doubles.bank_host import until
from tests.doubles.bench import Bench, bank
from tests.doubles.open_house import GENEROUS, Caller, OpenHouse, caller, open_house

LINKS, EACH = 12, 100
ALL_MAX = 100
"""Under way on all links, until each may have one."""
PER_LINK = GENEROUS.line.in_flight_per_link_max
TURNS_AT_REST = 100


@asynccontextmanager
async def many_links(
    count: int, bench: Bench | None = None, limits: ServerLimits = GENEROUS
) -> AsyncIterator[tuple[OpenHouse, list[Caller]]]:
    """Open a house with so many links."""
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(open_house(bench, limits))
        yield house, [await stack.enter_async_context(caller(house)) for _ in range(count)]


def inquiries(house: OpenHouse, client: Caller, link: int) -> bytes:
    """Return the requests of one link as they go over the wire, each with an RRN of its own."""
    pack, inquiry = client.dialect.packager.pack, house.bench.inquiry
    changes = [{11: f"{at:06d}", 37: f"{link:04d}{at:08d}"} for at in range(EACH)]
    return b"".join(enclose(client.framing, pack(inquiry({**one}))) for one in changes)


async def at_rest(house: OpenHouse) -> int:
    """Wait until no more is taken; return how much is under way."""
    before, turns = -1, 0
    while turns < TURNS_AT_REST:
        turns = turns + 1 if before == house.desk.in_flight else 0
        before = house.desk.in_flight
        await asyncio.sleep(0.001)
    return before


async def codes_of(client: Caller) -> list[str]:
    """Return what all requests of a link were told."""
    return [(await client.hear())[39] for _ in range(EACH)]


async def test_so_many_are_under_way_and_all_are_answered() -> None:
    """
    Twelve links ask a hundred each beside a journal that answers nothing: some have all they may,
    each other one alone; once it answers nobody is left without a word, however long it took.
    """
    bench = Bench(banks=(bank(pin=PinPolicy.ACQUIRER),))
    limits = replace(GENEROUS, requests_max=ALL_MAX)
    async with many_links(LINKS, bench, limits) as (house, clients):
        house.journal.holds = True
        house.stop_clock()
        for link, client in enumerate(clients):
            client.writer.write(inquiries(house, client, link))
        await until(lambda: house.desk.in_flight >= ALL_MAX)
        taken = await at_rest(house)
        each = [session.in_flight for _, session in house.desk.links() if session is not None]
        house.journal.holds = False
        house.journal.release()
        told = await asyncio.gather(*map(codes_of, clients))

    assert ALL_MAX <= taken <= ALL_MAX + PER_LINK + LINKS
    assert {1, PER_LINK} == set(each)
    assert LINKS * EACH * ["00"] == [code for codes in told for code in codes]


def test_limit_is_no_narrower_than_that_of_one_link() -> None:
    """One link may decline what waited too long whatever the settings say of all."""
    for own in ({"in_flight_max": 1}, {"in_flight_per_link_max": 1}):
        settings = Settings.model_validate({"limits": own})
        limits = server_limits(settings)

        assert limits.requests_max >= SHED_TIMES * limits.line.in_flight_per_link_max
        assert limits.requests_max >= 2 * settings.limits.in_flight_max


def unasked(client: Caller, count: int) -> bytes:
    """Return answers to what nobody asked, of which each ends at once."""
    answer = IsoMessage("0210", {11: "000001", 37: "518107000001", 39: "00", 41: "S1ABC123"})
    return count * enclose(client.framing, client.dialect.packager.pack(answer))


async def first_turn(house: OpenHouse) -> list[int]:
    """Wait for the first turn that took some; return how many of each link."""
    while True:
        each = [session.ignored_responses for _, session in house.desk.links() if session]
        if any(each):
            return each
        await asyncio.sleep(0)


async def ignored(house: OpenHouse, count: int) -> None:
    """Wait until as many were taken and dropped."""
    await until(lambda: count == sum(one.ignored_responses for _, one in house.desk.links() if one))


async def test_link_that_says_much_takes_no_more_of_a_turn_than_it_may_have_under_way() -> None:
    """What ends at once is under way never: a read brings thousands, and all others would wait."""
    async with open_house(limits=GENEROUS) as house, caller(house) as client:
        client.writer.write(unasked(client, 4_000))
        (taken,) = await first_turn(house)
        await ignored(house, 4_000)

    assert 0 < taken <= 2 * PER_LINK


async def test_turn_of_many_links_has_an_end() -> None:
    """Behind the most that a turn takes each link has one more, so that all go on."""
    links, count = 40, 100
    async with many_links(links) as (house, clients):
        for client in clients:
            client.writer.write(unasked(client, count))
        each = await first_turn(house)
        await ignored(house, links * count)

    assert sum(each) <= FRAMES_MAX + PER_LINK + links


def echoes(client: Caller, count: int) -> bytes:
    """Return echoes, each of which ends at once with an answer."""
    echo = IsoMessage("0800", {7: "0630072507", 11: "000001", 70: "301"})
    return count * enclose(client.framing, client.dialect.packager.pack(echo))


async def test_answers_make_no_turn_longer() -> None:
    """Each of them wakes a link that waits for its turn: once, however many there are."""
    links, count = 40, 500
    async with many_links(links) as (house, clients):
        for client in clients:
            client.writer.write(echoes(client, count))
        answered = [0]
        while answered[-1] < links * count:
            answered.append(sum(house.desk.meters.requests.values()))
            await asyncio.sleep(0)

    most = max(after - before for before, after in pairwise(answered))
    assert most <= 2 * (FRAMES_MAX + PER_LINK + links)
