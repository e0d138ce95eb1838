"""A bank that listens: the other end of a line that the switch dials.

It answers sign-on and echo as it is told, asks over any line that is signed on, and can be
half dead: silent, wrong, or gone and back on the same port.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from atm_switch.profile.load import load_profile
from atm_switch.switch.session import Dialect
from atm_switch.wire.framing import FrameBuffer, enclose
from atm_switch.wire.message import IsoMessage
from tests.doubles.brokers import free_port

SIGN_ON, SIGN_OFF, ECHO = "001", "002", "301"
SECONDS = 60.0


@dataclass(eq=False)
class BankLine:
    """One connection the switch made."""

    writer: asyncio.StreamWriter
    dialect: Dialect
    heard: list[IsoMessage] = field(default_factory=list)
    is_gone: bool = False

    def say(self, message: IsoMessage) -> None:
        """Send one message."""
        payload = self.dialect.packager.pack(message)
        self.writer.write(enclose(self.dialect.profile.framing, payload))

    def requests(self, code: str) -> list[IsoMessage]:
        """Return the 0800 of one kind that came over it."""
        return [one for one in self.heard if one.mti == "0800" and one[70] == code]

    async def ask(self, message: IsoMessage) -> IsoMessage:
        """Ask the switch, and wait for the answer with the same STAN."""
        self.say(message)

        def answers() -> list[IsoMessage]:
            return [one for one in self.heard if one.mti[2] == "1" and one.get(11) == message[11]]

        await until(lambda: bool(answers()) or self.is_gone)
        return answers()[-1]


class BankHost:
    """The bank; ``codes`` says with which DE39 it answers which DE70, "" is not at all."""

    def __init__(self, profile: str = "bpjstk-jht-v1", tls: ssl.SSLContext | None = None) -> None:
        """Wait for ``start``."""
        self.dialect = Dialect.of(load_profile(profile))
        self.codes = {SIGN_ON: "00", SIGN_OFF: "00", ECHO: "00"}
        self.spoils: Callable[[IsoMessage], IsoMessage] = lambda answer: answer
        """Changes an answer before it is sent."""
        self.lines: list[BankLine] = []
        """Every connection there ever was, the oldest first."""
        self.port = free_port()
        """Its own: whoever dials while it is away meets nobody."""
        self._tls = tls
        self._server: asyncio.Server | None = None

    @property
    def live(self) -> list[BankLine]:
        """The connections that are up and have sent their sign-on."""
        return [one for one in self.lines if not one.is_gone and one.requests(SIGN_ON)]

    async def start(self) -> None:
        """Listen; after a ``stop`` on the same port as before."""
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self._tls
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Be gone: nobody listens, every connection is reset."""
        if self._server is not None:
            self._server.close()
        for line in self.lines:
            if not line.is_gone:  # one of TLS that is gone cannot be reset (Python 3.11)
                line.writer.transport.abort()
        await until(lambda: all(one.is_gone for one in self.lines))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = BankLine(writer, self.dialect)
        self.lines.append(line)
        buffer = FrameBuffer(self.dialect.profile.framing)
        try:
            while data := await reader.read(65_536):
                buffer.receive(data)
                for frame in buffer.frames():
                    self._take(line, self.dialect.packager.unpack(frame.payload))
        except ConnectionError:
            pass
        finally:
            line.is_gone = True
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    def _take(self, line: BankLine, message: IsoMessage) -> None:
        line.heard.append(message)
        code = self.codes.get(message.get(70), "") if message.mti == "0800" else ""
        if code:
            kept = {number: message[number] for number in (7, 11, 70)}
            line.say(self.spoils(IsoMessage("0810", {**kept, 39: code})))


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; fail after ``SECONDS``."""
    async with asyncio.timeout(SECONDS):
        while not holds():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def bank_host(tls: ssl.SSLContext | None = None) -> AsyncIterator[BankHost]:
    """Have a bank that listens for a block."""
    host = BankHost(tls=tls)
    await host.start()
    try:
        yield host
    finally:
        await host.stop()
