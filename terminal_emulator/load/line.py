"""One link under load: frames out in batches, answers matched to what they answer.

Plan: an ``asyncio.Protocol``; a request is remembered under its STAN with the moment it was
due.  Every answer is decoded whole by the strict packager, its MAC checked where there is a
key, and it must carry the terminal and reference of its request.
STANs are given out in order, so one that was given out and is neither open nor given up has
been answered: a second answer to it is a duplicate, and no list of the answered is kept.
Limits: one STAN counter a link, so at most a million requests are open on it.
"""

import asyncio
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, cast

from atm_switch.domain.errors import FormatError, FramingError
from atm_switch.messages.mti import is_response
from atm_switch.wire.framing import FrameBuffer, answering_header, enclose
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from terminal_emulator.keys import TerminalKeys
from terminal_emulator.load.tally import WRONG_ANSWER, Tally
from terminal_emulator.terminal import STAN_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

STALE_MAX = 10_000
"""Requests given up that are remembered, to tell a late answer from one nobody asked for."""


@dataclass(slots=True)
class Asked:
    """A request under way."""

    due: float
    """Seconds after the start of the run."""
    terminal: str
    keys: TerminalKeys = field(repr=False)


class LoadLine(asyncio.Protocol):
    """One connection; ``tally`` counts what happens on it while a run is on."""

    def __init__(self, packager: Packager, first_stan: int) -> None:
        """Wait for the connection; ``first_stan`` from 1 to 999999."""
        self.packager = packager
        self.tally = Tally()
        self.clock: Callable[[], float] = lambda: 0.0
        """Seconds after the start of the run."""
        self.on_answer: Callable[[LoadLine], None] | None = None
        self.asked: dict[str, Asked] = {}
        self.network: dict[str, asyncio.Future[IsoMessage]] = {}
        """Sign-on and sign-off under way, by STAN."""
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._framing = packager.profile.framing
        self._buffer = FrameBuffer(self._framing)
        self._stale: dict[str, None] = {}
        self._transport: asyncio.Transport | None = None
        self._first_stan = first_stan
        self._taken = 0
        """STANs given out."""
        self._outgoing: list[bytes] = []
        self.keys = TerminalKeys()

    @property
    def is_up(self) -> bool:
        """Whether anything can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def take_stan(self) -> str:
        """Count up DE11 of this link."""
        stan = (self._first_stan - 1 + self._taken) % STAN_MAX + 1
        self._taken += 1
        return f"{stan:06d}"

    def put(self, frame: bytes) -> bool:
        """Queue a frame; ``flush`` writes all that are queued.  True for the first of them."""
        self._outgoing.append(frame)
        return len(self._outgoing) == 1

    def flush(self) -> None:
        """Write what is queued in one go."""
        if self._outgoing and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._outgoing))
        self._outgoing.clear()

    async def ask_network(self, message: IsoMessage, seconds: float) -> IsoMessage:
        """Send an 0800 and return its answer.  Raises ``TimeoutError``, ``ConnectionError``."""
        future: asyncio.Future[IsoMessage] = asyncio.get_running_loop().create_future()
        self.network[message[11]] = future
        try:
            self.put(enclose(self._framing, self.keys.pack(message, self.packager)))
            self.flush()
            async with asyncio.timeout(seconds):
                return await future
        finally:
            self.network.pop(message[11], None)

    def data_received(self, data: bytes) -> None:
        """Take answers."""
        self._buffer.receive(data)
        try:
            for frame in self._buffer.frames():
                self._take(frame.payload, frame.header)
        except FramingError:
            self.tally.take_fault("stream broken")
            self.hang_up()

    def give_up(self, before: float) -> int:
        """Give up what was due before a moment of the run; return how many."""
        # They were put in as they came due, so the first that is young ends the old ones.
        old = list(takewhile(lambda stan: self.asked[stan].due < before, self.asked))
        for stan in old:
            self.tally.take_waited(self.asked.pop(stan).due, self.clock())
            self._stale[stan] = None
            if len(self._stale) > STALE_MAX:
                del self._stale[next(iter(self._stale))]
        return len(old)

    def hang_up(self, *, at_once: bool = False) -> None:
        """End the connection; ``at_once`` with a reset."""
        if self._transport is None:
            return
        if at_once:
            self._transport.abort()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what waits."""
        for future in self.network.values():
            if not future.done():
                future.set_exception(ConnectionResetError("the host closed the link"))
        if not self.lost.done():
            self.lost.set_result(None)
        del exc

    def _take(self, payload: bytes, header: bytes) -> None:
        try:
            message = self.packager.unpack(payload)
        except FormatError:
            self.tally.take_fault("answer that cannot be read")
            return
        if not is_response(message.mti):
            self._reply(message, payload, header)
        elif message.mti == "0810":
            self._settle_network(message)
        else:
            self._settle(message, payload)

    def _settle_network(self, message: IsoMessage) -> None:
        future = self.network.get(message.get(11))
        if future is not None and not future.done():
            future.set_result(message)

    def _settle(self, message: IsoMessage, payload: bytes) -> None:
        stan = message.get(11)
        asked = self.asked.pop(stan, None)
        if asked is None:
            self.tally.take_fault(self._what_of_unasked(stan))
            return
        is_own = (
            message.mti == "0210"
            and message.get(41) == asked.terminal
            and message.get(37)[-6:] == stan
        )
        if not is_own or not asked.keys.is_authentic(payload, message, self.packager.profile):
            self.tally.take_fault(WRONG_ANSWER)
        else:
            self.tally.take_answer(message.get(39), asked.due, self.clock())
        if self.on_answer is not None:
            self.on_answer(self)

    def _what_of_unasked(self, stan: str) -> str:
        if self._stale.pop(stan, "") is None:
            return "late answer"
        if stan.isdecimal() and (int(stan) - self._first_stan) % STAN_MAX < self._taken:
            return "duplicate answer"
        return "unexpected answer"

    def _reply(self, message: IsoMessage, payload: bytes, header: bytes) -> None:
        """Say 00 to the host's own 0800, so that it keeps the link."""
        profile = self.packager.profile
        rule = profile.messages["network"]
        if message.mti not in rule.mti:
            return
        elements = {**message.only(rule.echo), 39: "00"}
        answer = IsoMessage("0810", dict(sorted(elements.items())))
        back = answering_header(profile.framing, header)
        packed = self.keys.pack(answer, self.packager, like=payload)
        self.put(enclose(profile.framing, packed, back))
        self.flush()
