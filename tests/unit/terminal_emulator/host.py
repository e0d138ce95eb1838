"""A host of a few lines for tests of the emulator: it listens, and behaves as told.

It lives on a thread with a loop of its own, so that tests may block on a subprocess.
A behaviour takes the request and the host, and returns what to send: messages, raw
bytes, or ``HANG_UP``.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Self

from atm_switch.messages.responses import answer
from atm_switch.messages.text_block import TextBlock
from atm_switch.profile.load import load_profile
from atm_switch.profile.model import Profile
from atm_switch.wire.framing import FrameBuffer, enclose
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager

HANG_UP = b""
Sent = IsoMessage | bytes
Behaviour = Callable[[IsoMessage, "TinyHost"], Sequence[Sent]]

PROFILE = load_profile("bpjstk-jht-v1")
PAN = "9990090000000012"
PIN = "135790246813"
"""Long enough to be found nowhere by chance."""
PIN_KEY = "0123456789ABCDEFFEDCBA9876543210"
PIN_KEY_CHECK = "08D7B4"

BALANCE = (
    "JHTBAL*******8901BU** SAN****                  1A20250630"
    "0000194094704700000171000000000000510174260000000000000000002162964473"
    "05000E01202506J25181000123"
)
"""DE48 of domain.md 6, the KPJ masked."""
SEVERAL = BALANCE[:133] + "03" + BALANCE[135:]
AMOUNTS = "1002360C0021629644731001360C002162964473"
SCREEN = TextBlock(
    "S", 40, ("INFORMASI SALDO JHT", "SALDO JHT       Rp         21.629.644,73")
).text()
RECEIPT = TextBlock(
    "R", 40, ("BANK CONTOH - STRUK ATM", "SALDO AWAL THN  Rp         19.409.470,47")
).text()
APPROVAL = {48: BALANCE, 54: AMOUNTS, 62: SCREEN, 63: RECEIPT}


class TinyHost:
    """Listens on a loopback port for the length of a ``with`` block."""

    def __init__(self, behaviour: Behaviour, profile: Profile = PROFILE) -> None:
        """Keep how to behave; ``requests`` will hold what came in, in order."""
        self.requests: list[IsoMessage] = []
        self.port = 0
        self.profile = profile
        self._behaviour = behaviour
        self._packager = Packager(profile)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._writers: set[asyncio.StreamWriter] = set()

    def __enter__(self) -> Self:
        """Start listening."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(90)
        return self

    def __exit__(self, *_exception: object) -> None:
        """Drop every link and stop."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(90)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(90)
        self._loop.close()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    @property
    def mtis(self) -> list[str]:
        """The MTIs that came in, in order."""
        return [request.mti for request in self.requests]

    @property
    def network_codes(self) -> list[str]:
        """DE70 of the 0800 that came in, in order."""
        return [request[70] for request in self.requests if request.mti == "0800"]

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        buffer = FrameBuffer(self.profile.framing)
        try:
            while data := await reader.read(4096):
                buffer.receive(data)
                for frame in buffer.frames():
                    request = self._packager.unpack(frame.payload)
                    self.requests.append(request)
                    self._send(self._behaviour(request, self), writer)
        except OSError:
            return
        finally:
            writer.close()

    def _send(self, answers: Sequence[Sent], writer: asyncio.StreamWriter) -> None:
        for sent in answers:
            if sent == HANG_UP:
                writer.close()
            elif isinstance(sent, bytes):
                writer.write(sent)
            else:
                writer.write(enclose(self.profile.framing, self._packager.pack(sent)))


def reply(request: IsoMessage, code: str = "00", added: dict[int, str] | None = None) -> IsoMessage:
    """Build the answer to a request by the profile's allow-lists."""
    rule = PROFILE.rule_of(request.mti)
    assert rule is not None
    return answer(request, rule, code, added)


def approving(request: IsoMessage, _host: TinyHost) -> Sequence[Sent]:
    """Approve everything; a slip only where one is asked for."""
    if request.mti != "0200":
        return [reply(request)]
    added = dict(APPROVAL)
    if request[48].endswith("00"):
        del added[63]
    return [reply(request, added=added)]


def on_inquiry(behaviour: Behaviour) -> Behaviour:
    """Approve 0800 and behave as told on 0200."""

    def behave(request: IsoMessage, host: TinyHost) -> Sequence[Sent]:
        return behaviour(request, host) if request.mti == "0200" else [reply(request)]

    return behave


def declining(code: str, text: str = "", fault: str = "") -> Behaviour:
    """Decline every inquiry."""
    added = {62: TextBlock("E", 40, (text,)).text()} if text else {}
    added |= {44: fault} if fault else {}
    return on_inquiry(lambda request, _host: [reply(request, code, added)])


def silent(_request: IsoMessage, _host: TinyHost) -> Sequence[Sent]:
    """Say nothing."""
    return []
