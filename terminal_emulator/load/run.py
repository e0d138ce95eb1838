"""Drive a load: open the links, send what is due, wait for what is owed.

Plan: links hold terminals; a request goes out on its terminal's link.  The open loop sends
whatever is due, as many at once as have come due, and never waits for an answer; the closed
loop sends the next request when one was answered.  Nothing here makes a task a request, and
nothing goes over links on which nobody asks: that would take a millisecond for ten thousand of
them, which the answers that come meanwhile would be seen to take.
"""

import asyncio
import contextlib
import random
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from atm_switch.domain.errors import Refused
from atm_switch.domain.instant import Zone
from atm_switch.profile.model import Profile
from atm_switch.wire.packager import Packager
from terminal_emulator.address import Address
from terminal_emulator.load.callers import Caller
from terminal_emulator.load.line import Asked, LoadLine
from terminal_emulator.load.stencil import Moment
from terminal_emulator.load.tally import Tally
from terminal_emulator.terminal import STAN_MAX, Verb

OPENING_AT_ONCE = 200
BATCH_MAX = 100
"""After so many requests in one turn the loop gets to read answers."""
SWEEP_SECONDS = 0.1
SIGN_OFF_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The host and how to talk to it."""

    address: Address
    profile: Profile
    tls: ssl.SSLContext | None = None
    signs_on: bool = True
    seconds: float = 30.0
    """How long an answer may take."""


@dataclass(slots=True)
class Load:
    """Links and terminals, ready to run one load after another."""

    target: Target
    callers: Sequence[Caller]
    links: int
    chance: random.Random
    lines: list[LoadLine] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    is_stopped: bool = False
    _started: float = 0.0
    _turn: int = 0
    _waiting: list[LoadLine] = field(default_factory=list)
    """Links with something to flush."""
    _asking: dict[LoadLine, None] = field(default_factory=dict)
    """Links on which something was asked since the last sweep, or is not answered."""
    _moments: dict[Zone, Moment] = field(default_factory=dict)
    _second: int = -1

    async def open(self) -> list[float]:
        """Open and sign on all links; return how long each took.  Raises ``Refused``."""
        gate = asyncio.Semaphore(OPENING_AT_ONCE)
        packager = Packager(self.target.profile)

        async def one(number: int) -> tuple[LoadLine, float]:
            async with gate:
                return await self._open_line(packager, number)

        opened = await asyncio.gather(
            *(one(number) for number in range(self.links)), return_exceptions=True
        )
        self.lines = [one[0] for one in opened if not isinstance(one, BaseException)]
        failed = [one for one in opened if isinstance(one, BaseException)]
        if failed:
            await self.close()
            raise Refused(f"{len(failed)} of {self.links} links did not open: {_plain(failed[0])}")
        return [one[1] for one in opened if not isinstance(one, BaseException)]

    async def storm(self) -> tuple[list[float], int]:
        """Reset all links at once and open them again; return the seconds, and how many failed."""
        for line in self.lines:
            line.hang_up(at_once=True)
        await asyncio.sleep(0)
        packager = Packager(self.target.profile)
        opened = await asyncio.gather(
            *(self._open_line(packager, number) for number in range(self.links)),
            return_exceptions=True,
        )
        good = [one for one in opened if not isinstance(one, BaseException)]
        self.lines = [line for line, _ in good]
        return [took for _, took in good], len(opened) - len(good)

    async def close(self) -> None:
        """Sign off and hang up; what goes wrong hurts nobody."""
        await asyncio.gather(*(self._close_line(n, line) for n, line in enumerate(self.lines)))
        self.lines = []

    async def open_loop(self, moments: Iterator[float]) -> Tally:
        """Send a request at each of ``moments``, then wait for the answers."""
        self._begin()
        clock, sweeping = self._clock, asyncio.create_task(self._sweep())
        try:
            due = next(moments, None)
            while due is not None and not self.is_stopped:
                now = clock()
                for _ in range(BATCH_MAX):
                    if due is None or due > now:
                        break
                    self._send(due, now)
                    due = next(moments, None)
                self._flush()
                await asyncio.sleep(0.0 if due is None else max(due - clock(), 0.0))
            await self._settle()
        finally:
            sweeping.cancel()
            self._finish()
        return self.tally

    async def closed_loop(self, in_flight: int, seconds: float) -> Tally:
        """Keep ``in_flight`` requests under way for so long, then wait for the answers."""
        self._begin()
        clock, sweeping = self._clock, asyncio.create_task(self._sweep())

        def again(line: LoadLine) -> None:
            if clock() < seconds and not self.is_stopped:
                self._send(clock(), clock())
                asyncio.get_running_loop().call_soon(self._flush)
            del line

        try:
            for line in self.lines:
                line.on_answer = again
            for _ in range(in_flight):
                self._send(0.0, clock())
            self._flush()
            while clock() < seconds and not self.is_stopped:
                await asyncio.sleep(SWEEP_SECONDS)
                for _ in range(in_flight - self._open()):  # for those that were given up
                    self._send(clock(), clock())
                self._flush()
            await self._settle()
        finally:
            sweeping.cancel()
            for line in self.lines:
                line.on_answer = None
            self._finish()
        return self.tally

    def stop(self) -> None:
        """Send no more, in this run and in later ones; what is under way is still waited for."""
        self.is_stopped = True

    def _begin(self) -> None:
        self.tally = Tally()
        loop = asyncio.get_running_loop()
        for line in self._asking:
            line.asked.clear()
        self._asking.clear()
        for line in self.lines:
            line.tally, line.clock = self.tally, self._clock
        self._started, self._second = loop.time(), -1

    def _clock(self) -> float:
        return asyncio.get_running_loop().time() - self._started

    def _open(self) -> int:
        return sum(len(line.asked) for line in self._asking)

    def _send(self, due: float, now: float) -> None:
        """Queue the next terminal's request on its link."""
        self.tally.take_due(due)
        caller = self.callers[self._turn % len(self.callers)]
        line = self.lines[self._turn % len(self.callers) % len(self.lines)]
        self._turn += 1
        if not line.is_up:
            self.tally.take_fault("link lost")
            return
        stan = line.take_stan()
        line.asked[stan] = Asked(due, caller.name, caller.keys)
        self._asking[line] = None
        if line.put(caller.next_stencil().frame(stan, self._now(caller, now))):
            self._waiting.append(line)
        self.tally.take_sent(due, now)

    def _now(self, caller: Caller, now: float) -> Moment:
        second = int(now)
        if second != self._second:
            self._second = second
            self._moments.clear()
        zone = caller.kit.station.zone
        moment = self._moments.get(zone)
        if moment is None:
            moment = self._moments[zone] = Moment.of(datetime.now(UTC), zone)
        return moment

    def _flush(self) -> None:
        for line in self._waiting:
            line.flush()
        self._waiting.clear()

    async def _settle(self) -> None:
        deadline = self._clock() + self.target.seconds
        while self._open() and self._clock() < deadline:
            if not any(line.is_up for line in self.lines):
                break
            await asyncio.sleep(SWEEP_SECONDS / 10)

    def _finish(self) -> None:
        for line in self._asking:
            self.tally.take_fault("unanswered", line.give_up(float("inf")))
        self.tally.ended = self._clock()

    async def _sweep(self) -> None:
        """Give up what was not answered in time, and what was on a link that is gone."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            for line in list(self._asking):
                if not line.asked:
                    del self._asking[line]
                    continue
                limit = self._clock() - self.target.seconds if line.is_up else float("inf")
                what = "unanswered" if line.is_up else "link lost"
                self.tally.take_fault(what, line.give_up(limit))

    async def _open_line(self, packager: Packager, number: int) -> tuple[LoadLine, float]:
        target, loop = self.target, asyncio.get_running_loop()
        began = loop.time()
        first = self.chance.randint(1, STAN_MAX)
        host, port = target.address.host, target.address.port
        async with asyncio.timeout(target.seconds):
            _, line = await loop.create_connection(
                lambda: self._new_line(packager, first), host, port, ssl=target.tls
            )
        if target.signs_on:
            caller = self.callers[number % len(self.callers)]
            line.keys = caller.keys
            message = caller.terminal.network(Verb.SIGN_ON, datetime.now(UTC))
            answer = await line.ask_network(message, target.seconds)
            if answer.get(39) != "00":
                line.hang_up()
                raise Refused(f"{target.address} refused the sign-on: {answer.get(39)}")
        return line, loop.time() - began

    def _new_line(self, packager: Packager, first_stan: int) -> LoadLine:
        return LoadLine(packager, first_stan)

    async def _close_line(self, number: int, line: LoadLine) -> None:
        if self.target.signs_on and line.is_up:
            caller = self.callers[number % len(self.callers)]
            message = caller.terminal.network(Verb.SIGN_OFF, datetime.now(UTC))
            with contextlib.suppress(TimeoutError, ConnectionError):
                await line.ask_network(message, SIGN_OFF_SECONDS)
        line.hang_up()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SIGN_OFF_SECONDS):
                await line.lost


def watch(load: Load, tell: Callable[[Tally], None], seconds: float) -> "asyncio.Task[None]":
    """Tell of the tally every so many seconds, until cancelled."""

    async def look() -> None:
        while True:
            await asyncio.sleep(seconds)
            tell(load.tally)

    return asyncio.create_task(look())


def _plain(error: BaseException) -> str:
    if isinstance(error, Refused):
        return str(error)
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there; start the switch with: atm-switch serve DIR"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return type(error).__name__
