"""The bench's load on lean lines: an open loop, or a closed one of so many in flight a link.

Plan: opening, signing on, giving up and the tally are the emulator's; what is sent is put
together by ``lean_line``.  Closed, each link keeps its share of what is in flight, and sends in
one write as many requests as one read brought answers.
"""

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

from atm_switch.wire.packager import Packager
from terminal_emulator.load.callers import Caller
from terminal_emulator.load.line import LoadLine
from terminal_emulator.load.run import SWEEP_SECONDS, Load, Target
from terminal_emulator.load.stencil import Moment
from terminal_emulator.load.tally import Tally
from tests.bench.lean_line import Asker, Layouts, LeanLine, Stamp


class LeanLoad(Load):
    """Links and terminals, ready to run one load after another.

    All terminals have one zone and no MAC keys.
    """

    def __init__(
        self, target: Target, callers: Sequence[Caller], links: int, chance: random.Random
    ) -> None:
        """Cut the requests.  Raises ``LookupError`` for what cannot be had lean."""
        Load.__init__(self, target, callers, links, chance)
        self._layouts = Layouts(target.profile)
        self._askers = [Asker.of(caller) for caller in callers]
        zones = {caller.kit.station.zone for caller in callers}
        if len(zones) != 1:
            raise LookupError("the terminals are in several zones")
        self._zone = zones.pop()
        self._stamp = Stamp.of(Moment.of(datetime.now(UTC), self._zone))

    @property
    def lean_lines(self) -> list[LeanLine]:
        """The links."""
        return cast("list[LeanLine]", self.lines)

    @property
    def whole(self) -> int:
        """Count the answers of the last run that were decoded whole."""
        return sum(line.whole for line in self.lean_lines)

    def decode_all(self, *, whole: bool) -> None:
        """Have every answer decoded whole, or what has to be and a sample."""
        for line in self.lean_lines:
            line.is_all_whole = whole

    async def closed_loop(self, in_flight: int, seconds: float) -> Tally:
        """Keep ``in_flight`` requests under way for so long, then wait for the answers."""
        self._begin()
        clock, sweeping = self._clock, asyncio.create_task(self._sweep())

        def again(line: LeanLine) -> None:
            now, settled = clock(), line.settled
            line.settled = 0
            if now < seconds and not self.is_stopped:
                self._send_many(line, settled, now)

        lines = self.lean_lines
        try:
            for number, line in enumerate(lines):
                line.on_read = again
                share = in_flight // len(lines) + (number < in_flight % len(lines))
                self._send_many(line, share, clock())
            while clock() < seconds and not self.is_stopped:
                await asyncio.sleep(SWEEP_SECONDS)
                for number, line in enumerate(lines):  # for those that were given up
                    share = in_flight // len(lines) + (number < in_flight % len(lines))
                    self._send_many(line, share - len(line.asked), clock())
            await self._settle()
        finally:
            sweeping.cancel()
            for line in lines:
                line.on_read = None
            self._finish()
        return self.tally

    def _begin(self) -> None:
        for number, line in enumerate(self.lean_lines):
            line.askers = self._askers[number :: len(self.lines)] or self._askers
            line.whole = line.settled = 0
        super()._begin()  # last: the run's time begins

    def _send_many(self, line: LeanLine, count: int, now: float) -> None:
        """Send on one link, as many requests as said, in one write."""
        stamp, tally, turn = self._stamp_of(now), self.tally, line.turn
        self._asking[line] = None
        for _ in range(count):
            tally.take_due(now)
            if not line.is_up:
                tally.take_fault("link lost")
                continue
            line.ask(line.askers[turn % len(line.askers)], now, stamp)
            turn += 1
            tally.take_sent(now, now)
        line.turn = turn
        line.flush()

    def _send(self, due: float, now: float) -> None:
        """Queue the next terminal's request on its link."""
        self.tally.take_due(due)
        number = self._turn % len(self._askers)
        line = self.lean_lines[number % len(self.lines)]
        self._turn += 1
        if not line.is_up:
            self.tally.take_fault("link lost")
            return
        self._asking[line] = None
        if line.ask(self._askers[number], due, self._stamp_of(now)):
            self._waiting.append(line)
        self.tally.take_sent(due, now)

    def _stamp_of(self, now: float) -> Stamp:
        second = int(now)
        if second != self._second:
            self._second = second
            self._stamp = Stamp.of(Moment.of(datetime.now(UTC), self._zone))
        return self._stamp

    def _new_line(self, packager: Packager, first: int) -> LoadLine:
        return LeanLine(packager, first, self._layouts)
