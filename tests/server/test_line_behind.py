"""Claims about a link that asks more than it may have under way: it waits a little, then 91."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import NamedTuple

from atm_switch.server.line import SHED_TIMES, WAITING_SHARE
from atm_switch.switch.policy import PinPolicy
from atm_switch.wire.framing import enclose
from tests.doubles.bank_host import until
from tests.doubles.bench import Bench, bank
from tests.doubles.open_house import GENEROUS, Caller, OpenHouse, caller, open_house

PER_LINK = GENEROUS.line.in_flight_per_link_max
ASKED = 3_000
TURNS_AT_REST = 100
"""A kernel's acknowledgement may take forty of them."""
BATCH_SECONDS = 0.9
"""What this journal takes for the rows of a batch."""
REQUEST_SECONDS_MAX = 8.0
ANSWERED_SECONDS_MAX = 10.0
"""The profile's 8, and the two that journaling the end may take."""


class Told(NamedTuple):
    """One answer."""

    code: str
    after: float
    """Seconds since all were sent."""


def vouched() -> Bench:
    """A bank that has verified the PIN, so that one card's requests need not take turns."""
    return Bench(banks=(bank(pin=PinPolicy.ACQUIRER),))


def inquiries(house: OpenHouse, client: Caller, count: int, first: int = 1) -> bytes:
    """As many requests as they go over the wire, each with a STAN of its own."""
    pack, inquiry = client.dialect.packager.pack, house.bench.inquiry
    changes = [{11: f"{at:06d}", 37: f"5181{at:08d}"} for at in range(first, first + count)]
    return b"".join(enclose(client.framing, pack(inquiry({**one}))) for one in changes)


@asynccontextmanager
async def narrow_link(in_flight_max: int) -> AsyncIterator[tuple[OpenHouse, Caller]]:
    """Open a link that may have so many under way, beside a journal that answers nothing yet.

    No time passes from now on but what a test lets pass.
    """
    limits = replace(GENEROUS, line=replace(GENEROUS.line, in_flight_per_link_max=in_flight_max))
    async with open_house(vouched(), limits) as house, caller(house) as client:
        house.journal.holds = True
        house.stop_clock()
        yield house, client


async def one_batch(house: OpenHouse) -> None:
    """Let what waits be read, and the journal take its time for the rows that are there."""
    done_at = house.clock().monotonic + BATCH_SECONDS
    before, at_rest = -1, 0
    while at_rest < TURNS_AT_REST and len(house.journal.held) < SHED_TIMES * PER_LINK:
        at_rest = at_rest + 1 if before == len(house.journal.held) else 0
        before = len(house.journal.held)
        await asyncio.sleep(0.001)
    house.pass_time(max(0.0, done_at - house.clock().monotonic))
    held, house.journal.held = house.journal.held, []
    house.desk.delivered(held)


async def listen(house: OpenHouse, client: Caller, told: list[Told]) -> None:
    """Note each answer as it comes."""
    sent_at = house.clock().monotonic
    while True:
        told.append(Told((await client.hear())[39], house.clock().monotonic - sent_at))


async def test_no_approval_leaves_a_busy_link_too_late() -> None:
    """
    Three thousand inquiries come at once on one link and the journal takes 0.9 s a batch: what
    waits to be read is as old as it is. None is approved later than a request may take, the
    others are told 91 in time, and nobody is left without a word. What is logged and counted as
    the time each took is what the peer saw.
    """
    async with open_house(vouched(), GENEROUS) as house, caller(house) as client:
        house.journal.holds = True
        house.stop_clock()
        client.writer.write(inquiries(house, client, ASKED))
        told = list[Told]()
        listening = asyncio.create_task(listen(house, client, told))
        while len(told) < ASKED and house.skew < 4 * ANSWERED_SECONDS_MAX:
            await one_batch(house)
        listening.cancel()

    approved = [one.after for one in told if one.code == "00"]
    assert ANSWERED_SECONDS_MAX > max(approved)
    assert 2 * PER_LINK < len(approved)
    assert {"00", "91"} == {one.code for one in told}
    assert ASKED == len(told)
    seen = sorted(one.after for one in told)
    logged = sorted(line["ms"] / 1000 for line in house.logged("transaction"))
    # What the kernel of the peer still held has not come.
    assert 2 * BATCH_SECONDS > max(a - b for a, b in zip(seen, logged, strict=True))
    counted = house.desk.meters.request_seconds["transaction", "009"]
    assert [sum(one <= float(end) for one in logged) for end, _ in counted.buckets()] == [
        count for _, count in counted.buckets()
    ]


async def test_request_that_waited_counts_from_when_the_link_was_last_seen_empty() -> None:
    """
    A full link is asked once more, and is read only after all of a request's time: the request
    is told no balance, for it may be as old as that; the one behind it is as young as it is.
    """
    async with narrow_link(1) as (house, client):
        client.writer.write(inquiries(house, client, 1))
        await until(lambda: bool(house.journal.held))
        client.writer.write(inquiries(house, client, 1, first=2))
        await asyncio.sleep(0.05)
        house.skew += REQUEST_SECONDS_MAX + 0.5
        house.journal.release()
        codes = {(one := await client.hear())[11]: one[39] for _ in range(2)}
        client.writer.write(inquiries(house, client, 1, first=3))
        codes |= {(one := await client.hear())[11]: one[39]}

    assert {"000001": "00", "000002": "91", "000003": "00"} == codes


async def test_request_that_came_to_a_full_link_just_now_is_served() -> None:
    """The link was full for long and nothing waited there: what comes at last has all its time."""
    async with narrow_link(1) as (house, client):
        client.writer.write(inquiries(house, client, 1))
        await until(lambda: bool(house.journal.held))
        house.skew += REQUEST_SECONDS_MAX - 0.5
        house.desk.look_after()
        client.writer.write(inquiries(house, client, 1, first=2))
        await asyncio.sleep(0.05)
        house.skew += 1
        house.journal.release()
        codes = [(await client.hear())[39] for _ in range(2)]

    assert ["00", "00"] == codes


async def test_full_link_declines_what_waited_for_a_quarter_of_its_time() -> None:
    """
    Nothing is answered, and the next two wait; then each is told 91 though the first still waits:
    their rows are written like any other, and one that ends makes room for one to be served.
    """
    async with narrow_link(1) as (house, client):
        client.writer.write(inquiries(house, client, 3))
        await until(lambda: bool(house.journal.held))
        house.pass_time(WAITING_SHARE * REQUEST_SECONDS_MAX - 0.5)
        await asyncio.sleep(0.05)
        assert 1 == house.desk.in_flight

        house.pass_time(1)
        await until(lambda: 3 == len(house.journal.held))
        first, *others = house.journal.held
        house.desk.delivered(others)
        house.journal.held = [first]
        codes = [(await client.hear())[39] for _ in range(2)]
        house.journal.release()
        codes.append((await client.hear())[39])
        client.writer.write(inquiries(house, client, 1, first=4))
        codes.append((await client.hear())[39])

    assert ["91", "91", "00", "00"] == codes


async def test_full_link_is_not_read_for_ever() -> None:
    """Eight times as much as may be under way is, and the rest waits unread; then it goes on."""
    async with narrow_link(2) as (house, client):
        client.writer.write(inquiries(house, client, 40))
        await until(lambda: bool(house.journal.held))
        house.pass_time(WAITING_SHARE * REQUEST_SECONDS_MAX + 0.5)
        for _ in range(5):
            house.pass_time(0)
            await asyncio.sleep(0.01)
        assert SHED_TIMES * 2 == house.desk.in_flight

        house.journal.release()
        codes = [(await client.hear())[39] for _ in range(40)]

    assert {"00", "91"} == set(codes)
