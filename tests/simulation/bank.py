"""A bank and its terminals: two lines, whatever goes wrong on them, and people at machines.

Plan: a terminal asks, waits, asks again (0201) over whichever line is up, and gives up; some
play recordings, alter a request under its key, or say it twice at once.  Between a terminal and
its line frames are lost, doubled and overtaken, as behind a bank's own concentrator.
"""

from functools import partial
from typing import TYPE_CHECKING

from atm_switch.domain.errors import FormatError, FramingError
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.domain.instant import transmission_stamp
from atm_switch.wire.framing import FrameBuffer, enclose
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import BNI
from tests.doubles.signed_line import signed_payload
from tests.simulation.keys import NEW_KEY, BankKeys
from tests.simulation.terminal import Terminal
from tests.simulation.town import calm_bench
from tests.simulation.wire import Wire

if TYPE_CHECKING:
    from tests.simulation.world import World

LINES, TERMINALS = 2, 3
AGAIN_SECONDS = 0.5


class Bank:
    """One acquirer."""

    def __init__(self, world: "World", acquirer: AcquirerId) -> None:
        """Wait for ``open``."""
        self.world, self.acquirer = world, acquirer
        self.name = f"bank {acquirer.text}"
        bench = calm_bench()
        self._dialect = bench.dialect
        self.keys = BankKeys(self) if acquirer == BNI else None
        """Its MAC key, of a bank whose line has MACs."""
        self._buffers: dict[Wire, FrameBuffer] = {}
        self.ready: list[Wire] = []
        """Lines that are signed on, in the order they came up."""
        self._stan = 0
        self.terminals = {
            name: Terminal(self, name)
            for name in (f"S1{acquirer.text}{number:03d}" for number in range(TERMINALS))
        }

    @property
    def wires(self) -> list[Wire]:
        """The connections there are."""
        return list(self._buffers)

    def open(self) -> None:
        """Begin to connect, and to ask."""
        for _ in range(LINES):
            self.world.loop.call_later(self.world.dice.uniform(0.0, 0.2), self._connect)
        for terminal in self.terminals.values():
            self.world.loop.call_later(self.world.dice.uniform(0.2, 1.0), terminal.act)
        if self.keys is not None:
            self.world.loop.call_later(self.world.dice.uniform(1.0, 5.0), self.keys.act)

    def next_stan(self) -> str:
        """Count up."""
        self._stan += 1
        return f"{self._stan:06d}"

    def stamp(self) -> str:
        """DE7 of now."""
        return transmission_stamp(self.world.true_utc())

    def packed(self, message: IsoMessage) -> bytes:
        """Pack a message as this bank does."""
        keys = self.keys
        if keys is None:
            payload, generation = self._dialect.packager.pack(message), 0
        else:
            payload = signed_payload(calm_bench(), message, keys.in_use)
            generation = keys.generation
        self.world.fairness.spoken(payload, message, generation)
        return payload

    def send(self, who: str, payload: bytes) -> Wire | None:
        """Put a payload on a line that is up: there once, late, twice, or not at all."""
        world, dice = self.world, self.world.dice
        if not self.ready:
            return None
        wire = dice.choice(self.ready)
        fate = dice.random() if world.is_rough else 1.0
        if fate < 0.03:
            world.trace.say(who, "frame lost")
            return wire
        late = dice.uniform(0.05, 3.0) if fate < 0.09 else 0.0
        times = 2 if 0.09 <= fate < 0.13 else 1
        for _ in range(times):
            world.loop.call_later(late, self._put, wire, payload)
            late = dice.uniform(0.0, 0.5)
        return wire

    def command(self, wire: Wire, code: str, key: str = "") -> str:
        """Send an 0800, with what it carries of a key; return its STAN."""
        stan = self.next_stan()
        carried = {48: key} if key else {}
        self.say_at_once(wire, IsoMessage("0800", {7: self.stamp(), 11: stan, **carried, 70: code}))
        return stan

    def say_at_once(self, wire: Wire, message: IsoMessage) -> None:
        """Put a message on a line."""
        self._put(wire, self.packed(message))

    def _put(self, wire: Wire, payload: bytes) -> None:
        wire.say(enclose(self._dialect.profile.framing, payload))

    def _connect(self) -> None:
        wire = self.world.connect(self)
        if wire is None:
            self.world.loop.call_later(AGAIN_SECONDS, self._connect)
            return
        self._buffers[wire] = FrameBuffer(self._dialect.profile.framing)
        self.command(wire, "001")
        self.world.loop.call_later(5.0, self._see_to, wire)

    def _see_to(self, wire: Wire) -> None:
        """Sign on once more where no answer came, as long as the line lives."""
        if wire in self._buffers and not wire.is_gone:
            if wire not in self.ready:
                self.command(wire, "001")
            self.world.loop.call_later(5.0, self._see_to, wire)

    def sign_off(self) -> None:
        """Sign one line off; it is signed on again when that is seen to."""
        if len(self.ready) == LINES:
            self.command(self.ready.pop(0), "002")

    def lost(self, wire: Wire) -> None:
        """Connect anew."""
        del self._buffers[wire]
        if wire in self.ready:
            self.ready.remove(wire)
        self.world.trace.say(self.name, "line lost")
        self.world.loop.call_later(self.world.dice.uniform(0.1, AGAIN_SECONDS), self._connect)

    def heard(self, wire: Wire, data: bytes) -> None:
        """Take bytes of the switch."""
        buffer = self._buffers.get(wire)
        if buffer is None:
            return
        try:
            buffer.receive(data)
            for frame in buffer.frames():
                self._believe(wire, frame.payload)
        except FramingError as broken:
            self.world.auditor.must(f"frames of the switch: {broken}", holds=not wire.is_clear)
            wire.cut()

    def _believe(self, wire: Wire, payload: bytes) -> None:
        """Take what is readable and, where the line has MACs, authentic."""
        try:
            message = self._dialect.packager.unpack(payload)
        except FormatError as broken:
            self.world.auditor.must(f"a message of the switch: {broken}", holds=not wire.is_clear)
            return
        if self.keys is not None:
            generation = self.keys.generation_of(payload)
            if wire.is_clear:
                self.world.fairness.signed(wire.line.link, message, generation)
            if generation is None:
                return
        self._take(wire, message, payload)

    def _take(self, wire: Wire, message: IsoMessage, payload: bytes) -> None:
        if message.mti == "0800" and message.get(70) == NEW_KEY:
            if self.keys is not None:
                self.keys.brought(wire, message)
        elif message.mti == "0800":  # the switch's own echo
            elements = {7: message[7], 11: message[11], 39: "00", 70: message[70]}
            back = self.packed(IsoMessage("0810", elements))
            self.world.loop.call_soon(partial(self._put, wire, back))
        elif message.mti == "0810":
            if message.get(70) == "001" and message[39] == "00" and wire not in self.ready:
                self.ready.append(wire)
            elif self.keys is not None:
                self.keys.answered(message)
        elif message.mti == "0210" and message.get(41) in self.terminals:
            self.terminals[message[41]].answered(message, payload)
