"""The real server on a loopback port, its neighbours in the bench's memory.

The journal of this house answers in the next turn of the loop, or holds its answers back
until a test releases them, as a slow disk would.
"""

import asyncio
import io
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

from atm_switch.adapters.clock import read_clock
from atm_switch.domain.errors import JournalUnavailable
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.domain.instant import Instant
from atm_switch.server.desk import Desk
from atm_switch.server.draining import drain
from atm_switch.server.entrance import Entrance
from atm_switch.server.limits import LineLimits, ServerLimits
from atm_switch.server.listener import Door
from atm_switch.server.log import make_logger
from atm_switch.server.meters import Meters
from atm_switch.switch.hsm_port import CheckMac, ImportKey, MakeMac, MintKey, VerifyPin
from atm_switch.switch.ports import FindAccount, FindCard, FindRepeat, FindSiblings, KeepKeys
from atm_switch.switch.switch import Switch
from atm_switch.wire.framing import FrameBuffer, enclose
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import Bench

READ_IN_LOOP = (
    FindAccount, FindCard, FindRepeat, FindSiblings, KeepKeys,
    VerifyPin, CheckMac, MakeMac, ImportKey, MintKey,
)  # fmt: skip

SECONDS_MAX = 30.0
"""How long a client waits for what is to come: a test that waits for so long has failed."""

GENEROUS = ServerLimits(
    connections_max=100,
    connections_per_peer_max=100,
    drain_seconds_max=2.0,
    line=LineLimits(
        idle_seconds_max=300.0,
        frame_seconds_max=10.0,
        in_flight_per_link_max=64,
        write_buffer_bytes_max=262_144,
    ),
)


class LoopJournal:
    """Answers in the loop's next turn; ``holds`` keeps the answers back, in order."""

    def __init__(self, house: "OpenHouse") -> None:
        """Write into the bench's memory."""
        self._house = house
        self.holds = False
        self.is_full = False
        self.held: list[tuple[int, Any]] = []

    def submit(self, question: Any, token: int) -> None:
        """Take one question."""
        if self.is_full:
            message = "too many rows wait for the journal"
            raise JournalUnavailable(message)
        answer = self._house.bench.memory.answer(question)
        if self.holds:
            self.held.append((token, answer))
        else:
            self._house.loop.call_soon(self._house.desk.delivered, [(token, answer)])

    def release(self, *, backwards: bool = False) -> None:
        """Hand over what was held back, one batch an answer."""
        held, self.held, self.holds = self.held, [], False
        for pair in reversed(held) if backwards else held:
            self._house.desk.delivered([pair])


class OpenHouse:
    """A served bench."""

    def __init__(self, bench: Bench, limits: ServerLimits) -> None:
        """Put a fresh switch behind a desk; the bench lends memory and dialect."""
        self.bench = bench
        self.loop = asyncio.get_running_loop()
        self.skew = 0.0
        self._stands_at: float | None = None
        self.log_text = io.StringIO()
        self.switch = Switch(bench.house)
        neighbours = dict.fromkeys(READ_IN_LOOP, bench.memory.answer)
        log = make_logger("json", "info", self.log_text)
        meters = Meters([str(acquirer) for acquirer in bench.house.policy.acquirers])
        self.desk = Desk(self.switch, neighbours, self.clock, limits, log, meters)
        self.journal = LoopJournal(self)
        self.desk.start(self.loop, self.journal)
        self.port = 0
        self.door: Door

    def clock(self) -> Instant:
        """The bench's day, the machine's seconds, and what a test added to them."""
        seconds = read_clock().monotonic if self._stands_at is None else self._stands_at
        return replace(self.bench.now, monotonic=seconds + self.skew)

    def stop_clock(self) -> None:
        """Have no time pass from now on but what a test adds, however slow the machine is."""
        self._stands_at = read_clock().monotonic

    def pass_time(self, seconds: float) -> None:
        """Let the server believe that time has passed."""
        self.skew += seconds
        self.desk.tick()

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Return the log lines of one event."""
        lines = [json.loads(line) for line in self.log_text.getvalue().splitlines()]
        return [line for line in lines if line["event"] == event]


@asynccontextmanager
async def open_house(
    bench: Bench | None = None,
    limits: ServerLimits = GENEROUS,
    acquirer: AcquirerId | None = None,
    **entrance: Any,
) -> AsyncIterator[OpenHouse]:
    """Serve a bench on a free port for a block; ``entrance`` says how that is secured."""
    house = OpenHouse(bench or Bench(), limits)
    at = Entrance("127.0.0.1", 0, house.bench.dialect, acquirer, **entrance)
    house.door = Door(at, house.desk, limits.line)
    await house.door.open()
    house.port = int(house.door.address.rpartition(":")[2])
    try:
        yield house
    finally:
        house.door.close()
        await drain(house.desk)
        await asyncio.sleep(0)


class Caller:
    """A plain client: bytes out, whole payloads in."""

    def __init__(
        self, house: OpenHouse, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Speak the house's dialect."""
        self.dialect = house.bench.dialect
        self.framing = house.bench.dialect.profile.framing
        self.reader = reader
        self.writer = writer
        self._buffer = FrameBuffer(self.framing)
        self._payloads: list[bytes] = []

    def say(self, *messages: IsoMessage) -> None:
        """Send messages in one write."""
        pack = self.dialect.packager.pack
        self.writer.write(b"".join(enclose(self.framing, pack(message)) for message in messages))

    async def hear_payload(self) -> bytes:
        """Wait for the next payload; ``b""`` at the end of the stream."""
        while not self._payloads:
            data = await asyncio.wait_for(self.reader.read(65_536), SECONDS_MAX)
            if not data:
                return b""
            self._buffer.receive(data)
            self._payloads += [frame.payload for frame in self._buffer.frames()]
        return self._payloads.pop(0)

    async def hear(self) -> IsoMessage:
        """Wait for the next message."""
        return self.dialect.packager.unpack(await self.hear_payload())

    async def is_hung_up(self) -> bool:
        """Wait for the end of the stream."""
        try:
            return await asyncio.wait_for(self.reader.read(65_536), SECONDS_MAX) == b""
        except ConnectionError:
            return True

    async def sign_on(self) -> None:
        """Sign on."""
        self.say(IsoMessage("0800", {7: "0630072507", 11: "000001", 70: "001"}))
        assert (await self.hear())[39] == "00"


@asynccontextmanager
async def caller(
    house: OpenHouse, *, signs_on: bool = True, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Caller]:
    """Connect for a block."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port, ssl=tls)
    client = Caller(house, reader, writer)
    try:
        if signs_on:
            await client.sign_on()
        yield client
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
