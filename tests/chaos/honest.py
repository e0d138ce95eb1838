"""Honest terminals on a link: what they ask, what they get and how long it took.

Every request has a number of its own and is known by its RRN.  A link that breaks leaves
its unanswered requests to whoever asked them, to be said again as a bank would.
"""

import asyncio
import itertools
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from atm_switch.domain.card import Pan
from atm_switch.domain.instant import transmission_stamp
from atm_switch.domain.secret import Pin
from atm_switch.messages.responses import answer
from atm_switch.profile.load import load_profile
from atm_switch.security.pin_block import encipher
from atm_switch.wire.framing import FrameBuffer, enclose
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from terminal_emulator.kit import read_kit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ANSWER_SECONDS_MAX = 60.0
AGAIN_SECONDS = 0.05
CARDS = (
    ("9990090000000012", "123456"), ("9990090000000020", "234567"),
    ("9990090000000038", "345678"), ("9990090000000046", "456789"),
    ("9990090000000053", "567890"),
)  # fmt: skip
"""Of the sample, all good for a 00."""


class HungUp(ConnectionError):
    """The link is gone before the answer came."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    rrn: str
    code: str
    payload: bytes
    seconds: float
    asked_at: float
    """Monotonic."""


class Script:
    """What terminals of one folder's kit say."""

    def __init__(self, folder: Path) -> None:
        """Read the kit."""
        kit = read_kit(folder / "terminal-kit.json")
        self.profile = load_profile(kit.profile)
        self.packager = Packager(self.profile)
        self.keys = kit.keys()
        self.numbers: Iterator[int] = itertools.count(1)
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def inquiry(self) -> IsoMessage:
        """Write a request nobody has made."""
        number = next(self.numbers)
        pan, pin = CARDS[number % len(CARDS)]
        elements = {
            2: pan, 3: "310000", 4: "0" * 12, 7: transmission_stamp(self.clock()),
            11: f"{number % 1_000_000:06d}", 12: "142507", 13: "0630", 18: "6011", 22: "051",
            32: "009", 37: f"{number:012d}", 41: "S1ABC123", 42: "BNI000000000001",
            48: "JHTBAL0000000000000000000000000000ID0040", 49: "360",
        }  # fmt: skip
        if self.keys.pin is not None:
            elements[52] = encipher(Pin(pin.encode()), Pan(pan), self.keys.pin)
        return IsoMessage("0200", elements)

    def network(self, code: str) -> IsoMessage:
        """Write an 0800 of this moment."""
        number = next(self.numbers) % 1_000_000
        stamp = transmission_stamp(self.clock())
        return IsoMessage("0800", {7: stamp, 11: f"{number:06d}", 70: code})

    def framed(self, message: IsoMessage) -> bytes:
        """Sign where there is a key, and frame."""
        return enclose(self.profile.framing, self.keys.pack(message, self.packager))


class Honest(asyncio.Protocol):
    """One link."""

    def __init__(self, script: Script) -> None:
        """Wait for the connection."""
        self._script = script
        self._buffer = FrameBuffer(script.profile.framing)
        self.waiting: dict[str, tuple[asyncio.Future[Answer], float]] = {}
        self.transport: asyncio.Transport | None = None
        self.is_lost = False

    @classmethod
    async def open(cls, script: Script, port: int, host: str = "127.0.0.1") -> "Honest":
        """Connect and sign on.  Raises ``HungUp``, ``OSError``."""
        loop = asyncio.get_running_loop()
        _, link = await loop.create_connection(lambda: cls(script), host, port)
        code = ""
        try:
            code = (await link.say(script.network("001"))).code
        finally:
            if code != "00":
                link.close()
        if code != "00":
            raise HungUp(f"sign-on got {code}")
        return link

    @classmethod
    async def open_again(cls, script: Script, port: int) -> "Honest":
        """Do so until it holds: a link may fall to a worker that was killed just now.

        Raises ``TimeoutError``, ``OSError``.
        """
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            while True:
                with suppress(HungUp):
                    return await cls.open(script, port)
                await asyncio.sleep(AGAIN_SECONDS)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Hand each answer to whoever waits for it."""
        now = time.monotonic()
        self._buffer.receive(data)
        for frame in self._buffer.frames():
            message = self._script.packager.unpack(frame.payload)
            if message.mti == "0800":
                self.answer_own(message, frame.payload)
                continue
            name = message.get(37) or message.get(11)
            if name not in self.waiting:
                continue  # a refusal of what others said on this link
            future, asked_at = self.waiting.pop(name)
            if not future.done():
                future.set_result(
                    Answer(name, message[39], frame.payload, now - asked_at, asked_at)
                )

    def answer_own(self, message: IsoMessage, _payload: bytes) -> None:
        """Approve what the switch asks of its own accord."""
        rule = self._script.profile.messages["network"]
        self.write(self._script.framed(answer(message, rule, "00")))

    def connection_lost(self, _exc: Exception | None) -> None:
        """Tell all who wait."""
        self.is_lost = True
        for future, _ in self.waiting.values():
            if not future.done():
                future.set_exception(HungUp())
        self.waiting.clear()

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        if self.transport is not None and not self.is_lost:
            self.transport.write(data)

    def say(self, message: IsoMessage, framed: bytes | None = None) -> "asyncio.Future[Answer]":
        """Send a message; the future has its answer, or ``HungUp``."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if self.is_lost:
            future.set_exception(HungUp())
            return future
        self.waiting[message.get(37) or message[11]] = (future, time.monotonic())
        self.write(framed or self._script.framed(message))
        return future

    async def ask(self, message: IsoMessage | None = None) -> Answer:
        """Ask and wait.  Raises ``HungUp``, ``TimeoutError``."""
        said = self.say(message or self._script.inquiry())
        return await asyncio.wait_for(said, ANSWER_SECONDS_MAX)

    def reset(self) -> None:
        """Break the link off."""
        if self.transport is not None:
            self.transport.abort()

    def close(self) -> None:
        """Hang up."""
        if self.transport is not None:
            self.transport.close()


@dataclass
class Tally:
    """What a load was told."""

    codes: Counter[str] = field(default_factory=Counter)
    answers: list[Answer] = field(default_factory=list)
    hung_up: int = 0

    def take(self, told: Answer) -> None:
        """Count one answer."""
        self.codes[told.code] += 1
        self.answers.append(told)

    def between(self, begin: float, end: float) -> "Tally":
        """Return what was asked in this span of the monotonic clock."""
        part = Tally()
        for told in self.answers:
            if begin <= told.asked_at < end:
                part.take(told)
        return part

    def percentile(self, share: float) -> float:
        """Return the time that ``share`` of the answers kept within, in milliseconds."""
        ordered = sorted(told.seconds for told in self.answers)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


async def keep_asking(link: Honest, tally: Tally, stop: asyncio.Event, pause: float = 0.0) -> None:
    """Ask one request after the other until told to stop or hung up on."""
    while not stop.is_set():
        try:
            tally.take(await link.ask())
            await asyncio.sleep(pause)
        except HungUp:
            tally.hung_up += 1
            return


async def paced(link: Honest, tally: Tally, rate: float, seconds: float) -> None:
    """Ask ``rate`` a second for so long, whether answers come or not; then wait for all."""
    loop = asyncio.get_running_loop()
    began, asked = loop.time(), []
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, began + number / rate - loop.time()))
        asked.append(asyncio.ensure_future(link.ask()))
    for told in await asyncio.gather(*asked, return_exceptions=True):
        if isinstance(told, Answer):
            tally.take(told)
        else:
            tally.hung_up += 1


async def evenly(links: "Sequence[Honest]", tally: Tally, rate: float, seconds: float) -> None:
    """Ask ``rate`` a second on each link, one link after the other, and never two at once.

    Asked on all links in one go the slowest hundredth is the slowest burst, which is chance.
    """

    async def ask(number: int, link: Honest) -> None:
        await asyncio.sleep(number / (len(links) * rate))
        await paced(link, tally, rate, seconds)

    await asyncio.gather(*(ask(number, link) for number, link in enumerate(links)))
