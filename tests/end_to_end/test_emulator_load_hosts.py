"""The load tool against hosts of known manners: what they do is what it counts."""

import asyncio
import math
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from atm_switch.domain.secret import Key
from atm_switch.profile.load import load_profile
from terminal_emulator.address import Address
from terminal_emulator.kit import BARE_KIT
from terminal_emulator.load.callers import Card, callers_of
from terminal_emulator.load.knee import find_knee
from terminal_emulator.load.line import Asked
from terminal_emulator.load.run import Load, Target
from terminal_emulator.load.schedule import constant
from terminal_emulator.load.tally import Tally, percentile
from terminal_emulator.mock_host.host import MockHost
from terminal_emulator.mock_host.rules import Rules
from tests.doubles.trivial_host import PROFILE, STAN, TrivialHost, listening

CARDS = [Card("9990090000000012")]
PATIENCE = 2.0
"""Seconds until an answer counts as not come, where one does not: no busy machine takes as long."""
MAC_KEY = Key.from_hex("0123456789ABCDEFFEDCBA9876543210")


@asynccontextmanager
async def hosted(
    protocol: Callable[[], TrivialHost], links: int = 1, seconds: float = 10.0
) -> AsyncIterator[Load]:
    """A load on a host in this process, its links open."""
    callers = callers_of([BARE_KIT], CARDS, links, PROFILE, datetime.now(UTC))
    async with listening(protocol) as address:
        target = Target(address=address, profile=PROFILE, seconds=seconds)
        made = Load(target, callers, links, random.Random(1))  # noqa: S311 - STANs, not keys
        await made.open()
        try:
            yield made
        finally:
            await made.close()


class _Stalling(TrivialHost):
    """Answers at once, but for one stretch of half a second in which it says nothing."""

    def data_received(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        if not hasattr(self, "began"):
            self.began = loop.time()
        since = loop.time() - self.began
        if 0.3 < since < 0.8:
            loop.call_at(self.began + 0.8, super().data_received, data)
        else:
            super().data_received(data)


async def test_open_loop_shows_a_stall_that_closed_loop_hides() -> None:
    """Half a second of silence: in the open loop a third of all requests waited for it, in
    the closed loop one did, and those that the machine itself kept waiting.
    """
    async with hosted(_Stalling) as steady:
        opened = await steady.open_loop(constant(200, 1.5))
    async with hosted(_Stalling) as paced:
        closed = await paced.closed_loop(1, 1.5)

    slow = [sum(one > 0.1 for one in tally.latencies) for tally in (opened, closed)]
    assert 300 == opened.answered
    assert slow[0] >= 60
    assert slow[1] < slow[0] / 4
    assert percentile(opened.ordered(), 99) > 0.3


class _Looked(dict[str, Asked]):
    """What is under way on a link; counts who looks whether there is anything."""

    looks = 0

    def __len__(self) -> int:
        self.looks += 1
        return super().__len__()


async def test_links_on_which_nobody_asks_cost_a_run_nothing() -> None:
    """However many they are, no answer waits for a look at them."""
    async with hosted(TrivialHost, links=3) as made:
        asking, *idle = made.lines
        made.callers = made.callers[:1]
        for line in made.lines:
            line.asked = _Looked()
        tally = await made.open_loop(constant(100, 0.5))
        looks = [line.asked.looks for line in (asking, *idle) if isinstance(line.asked, _Looked)]

    assert 50 == tally.answered
    assert looks[0] > 0
    assert [0, 0] == looks[1:]


class _Wrong(TrivialHost):
    """Answers the first request with another terminal, the second not at all, then rightly."""

    seen = 0

    def answer(self, payload: bytes) -> bytes:
        whole = super().answer(payload)
        if not payload.startswith(b"0200"):
            return whole
        type(self).seen += 1
        if self.seen == 1:
            return whole.replace(b"S1ABC123", b"S1ABC999")
        return whole[:40] if self.seen == 2 else whole


async def test_wrong_answers_are_counted_apart() -> None:
    """One with another terminal's name, one that cannot be read and so leaves its request
    unanswered; the others are approved.
    """
    async with hosted(_Wrong, seconds=PATIENCE) as made:
        tally = await made.open_loop(constant(20, 0.5))

    assert {"wrong answer": 1, "answer that cannot be read": 1, "unanswered": 1} == tally.faults
    assert {"00": 8} == tally.codes


class _Repeating(TrivialHost):
    """Gives the second inquiry's answer twice, and one to a STAN that nobody sent."""

    count = 0

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if data[2:6] == b"0200" and self._transport is not None:
            self.count += 1
            if self.count == 2:
                super().data_received(data)
                stan = slice(STAN.start + 2, STAN.stop + 2)
                foreign = f"{(int(data[stan]) + 499_999) % 999_999:06d}".encode()
                super().data_received(data[: stan.start] + foreign + data[stan.stop :])


class _Tardy(TrivialHost):
    """Answers the first inquiry when nobody waits any more."""

    held = b""

    def data_received(self, data: bytes) -> None:
        if data[2:6] == b"0200" and not self.held:
            self.held = data
            asyncio.get_running_loop().call_later(1.2 * PATIENCE, super().data_received, data)
        else:
            super().data_received(data)


async def test_duplicate_and_foreign_answers_are_counted_apart() -> None:
    """Every request is approved once; the second answer to one is a duplicate, an answer to
    nothing is unexpected.
    """
    async with hosted(_Repeating) as made:
        tally = await made.open_loop(constant(20, 0.3))

    assert {"00": 6} == tally.codes
    assert {"duplicate answer": 1, "unexpected answer": 1} == tally.faults


async def test_late_answer_is_not_taken_for_one_in_time() -> None:
    """The request counts as unanswered, what comes after that as late."""
    async with hosted(_Tardy, seconds=PATIENCE) as made:
        tally = await made.open_loop(constant(10, 1.5 * PATIENCE))

    assert {"00": round(15 * PATIENCE) - 1} == tally.codes
    assert {"unanswered": 1, "late answer": 1} == tally.faults


@pytest.mark.parametrize("mac_key", [None, MAC_KEY], ids=["bare", "signed"])
@pytest.mark.parametrize("name", ["bpjstk-jht-v1", "bpjstk-jht-v1-bcd", "bpjstk-jht-v1-ebcdic"])
async def test_load_speaks_every_dialect(name: str, mac_key: Key | None) -> None:
    """Signed on, asked and answered in text, BCD and EBCDIC, with and without a MAC."""
    profile, kit = load_profile(name), replace(BARE_KIT, mac_key=mac_key)
    host = MockHost(profile, kit.keys(), Rules(), lambda _line: None)
    server = await host.serve("127.0.0.1", 0)
    address = Address("127.0.0.1", server.sockets[0].getsockname()[1])
    callers = callers_of([kit], CARDS, 6, profile, datetime.now(UTC))
    target = Target(address=address, profile=profile)
    made = Load(target, callers, 3, random.Random(1))  # noqa: S311 - STANs, not keys

    await made.open()
    tally = await made.open_loop(constant(100, 0.3))
    await made.close()
    server.close()
    await host.close()

    assert ({"00": 30}, {}) == (tally.codes, tally.faults)


async def test_many_terminals_keep_links_of_their_own() -> None:
    """Three hundred links, each with its terminal; every one is asked, all are approved."""
    async with hosted(TrivialHost, links=300) as made:
        tally = await made.open_loop(constant(1000, 0.3))

        assert 300 == sum(line.is_up for line in made.lines)
    assert ({"00": 300}, {}) == (tally.codes, tally.faults)


async def test_stopped_load_sends_nothing_more() -> None:
    """Stopped while it warms up, the run that was to follow is empty."""
    async with hosted(TrivialHost) as made:
        asyncio.get_running_loop().call_later(0.1, made.stop)
        warm = await made.open_loop(constant(50, 60.0))
        after = await made.open_loop(constant(50, 60.0))

    assert 0 < warm.due < 3000
    assert warm.due == warm.answered
    assert 0 == after.due


class _Leaving(TrivialHost):
    """Hangs up at the fifth inquiry."""

    def answer(self, payload: bytes) -> bytes:
        self.count = getattr(self, "count", 0) + payload.startswith(b"0200")
        if self.count == 5 and self._transport is not None:
            self._transport.abort()
        return super().answer(payload)


async def test_link_that_is_lost_is_counted() -> None:
    """What was under way on it and what was due after it did not reach the host."""
    async with hosted(_Leaving) as made:
        tally = await made.open_loop(constant(50, 0.4))

    assert 20 == tally.due
    assert 20 == tally.answered + tally.faults["link lost"]
    assert tally.faults["link lost"] >= 15


class _Slow(TrivialHost):
    """Takes four milliseconds for each inquiry, one after the other: 250 a second."""

    def data_received(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        self.free_at = max(getattr(self, "free_at", 0.0), loop.time())
        self.free_at += 0.004 * data.count(b"310000")
        loop.call_at(self.free_at, super().data_received, data)


async def test_knee_is_found_where_the_host_stops_keeping_up() -> None:
    """A host of 250 a second: kept below, lost above, and the gap is told.

    Looked for again where it is found elsewhere: a machine that stands still for a third of a
    second is a slow host, too.  A tool that is wrong is so each time.
    """
    for _ in range(3):
        kept, lost, note = await knee_found()
        if 80 <= kept <= 300:
            break

    assert note.startswith("the knee is between")
    assert 80 <= kept <= 300
    assert lost <= 600


async def knee_found() -> tuple[float, float, str]:
    """Return the most that was kept, the least that was lost, and what is said of the knee."""
    told: list[str] = []
    async with hosted(_Slow, seconds=0.5) as made:
        _, notes = await find_knee(made, 80.0, 0.8, told.append)
    rates = {
        word: [float(line.split("/s")[0].replace(",", "")) for line in told if word in line]
        for word in ("kept", "lost")
    }
    return max(rates["kept"], default=0.0), min(rates["lost"], default=math.inf), notes[0]


def test_second_of_a_tally_is_made_once() -> None:
    """Rows by second hold what happened in them."""
    tally = Tally()

    tally.take_due(0.2)
    tally.take_sent(0.2, 0.3)
    tally.take_answer("00", 0.2, 1.1)

    assert [(0, 1, 1, 0), (1, 0, 0, 1)] == [
        (number, one.due, one.sent, one.answered) for number, one in tally.seconds.items()
    ]
