"""A terminal on a plain socket: says what it is told, rightly signed or not, and listens.

It holds the keys of a lab's kit as the emulator does, so a switch that requires MACs takes
what it says; unlike the emulator it can also say what no terminal would.
"""

import os
import socket
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from atm_switch.domain.card import Pan
from atm_switch.domain.secret import Key, Pin
from atm_switch.folder import profile_of
from atm_switch.messages.responses import answer
from atm_switch.security import tdes
from atm_switch.security.pin_formats import PinFormat, encipher_pin
from atm_switch.wire.framing import FrameBuffer, enclose
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from terminal_emulator.kit import Kit, read_kit

SECONDS_MAX = 50.0


class HungUp(ConnectionError):
    """The switch is gone, or has closed the link."""


class Talk:
    """One link."""

    def __init__(self, port: int, kit: Kit, days: int = 0, folder: Path = Path()) -> None:
        """Connect, with a clock so many days off.  Raises ``HungUp``.

        ``folder`` is where a profile of the kit's own lies.
        """
        self.days = days
        self.profile = profile_of(kit.profile, folder)
        self.packager = Packager(self.profile)
        self.keys = kit.keys()
        self.heard: list[bytes] = []
        """Every payload that came, the newest last."""
        self._buffer = FrameBuffer(self.profile.framing)
        self._waiting: list[bytes] = []
        try:
            self._socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS_MAX)
        except OSError:
            raise HungUp from None

    @classmethod
    def of(cls, port: int, folder: Path, days: int = 0) -> Self:
        """Connect with the kit of a data folder, and sign on.  Raises ``HungUp``."""
        talk = cls(port, read_kit(folder / "terminal-kit.json"), days, folder)
        try:
            assert "00" == talk.ask(talk.network("001"))[39]
        except BaseException:
            talk.close()
            raise
        return talk

    def __enter__(self) -> Self:
        """Hold the link."""
        return self

    def __exit__(self, *_exception: object) -> None:
        """Hang up."""
        self.close()

    def reset(self) -> None:
        """Break the link off as a machine that falls does: not even a goodbye."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def network(self, code: str, changes: dict[int, str] | None = None) -> IsoMessage:
        """Make an 0800 of this moment."""
        return IsoMessage("0800", {7: stamp(self.days), 11: "000001", 70: code, **(changes or {})})

    def pin_block(self, pin: str, pan: str) -> str:
        """Encipher a PIN under the terminal's key; chance where the bank verifies it."""
        if self.keys.pin is None:
            return os.urandom(tdes.BLOCK_BYTES).hex().upper()
        fmt = PinFormat(self.profile.security.pin_block_formats[0])
        return encipher_pin(fmt, Pin(pin.encode()), Pan(pan), self.keys.pin, os.urandom)

    def say(self, payload: bytes) -> None:
        """Send one payload."""
        self.say_bytes(enclose(self.profile.framing, payload))

    def say_bytes(self, data: bytes) -> None:
        """Send bytes as they are.  Raises ``HungUp``."""
        try:
            self._socket.sendall(data)
        except OSError:
            raise HungUp from None

    def hear(self) -> bytes:
        """Wait for one payload.  Raises ``HungUp``, ``TimeoutError``."""
        while not self._waiting:
            try:
                data = self._socket.recv(65_536)
            except TimeoutError:
                raise
            except OSError:
                data = b""
            if not data:
                raise HungUp
            self._buffer.receive(data)
            self._waiting += [frame.payload for frame in self._buffer.frames()]
        self.heard.append(self._waiting.pop(0))
        return self.heard[-1]

    def ask(self, message: IsoMessage) -> IsoMessage:
        """Send one message, with its MAC where there is a key; return what comes next."""
        self.say(self.keys.pack(message, self.packager))
        return self.packager.unpack(self.hear())

    def take_delivery(self) -> str:
        """Wait for a key the switch delivers, take it, say 00; return its name."""
        payload = self.hear()
        message = self.packager.unpack(payload)
        name = self.keys.take(message[self.profile.security.key_element], self.profile)
        self.answer_delivery(payload)
        return name

    def answer_delivery(self, payload: bytes, code: str = "00") -> None:
        """Answer a delivery under the key it was signed with."""
        request = self.packager.unpack(payload)
        response = answer(request, self.profile.messages["network"], code)
        self.say(self.keys.pack(response, self.packager, like=payload))

    @property
    def local(self) -> tuple[str, int]:
        """Our own end, as the switch sees its peer."""
        host, port = self._socket.getsockname()[:2]
        return str(host), int(port)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def stamp(days: int = 0) -> str:
    """Write DE7 of this moment, or of one so many days away."""
    return f"{datetime.now(UTC) + timedelta(days=days):%m%d%H%M%S}"


def inquiry(stan: int, elements: dict[int, str]) -> IsoMessage:
    """Make an 0200 of this moment from the sample terminal; ``elements`` complete it."""
    return IsoMessage("0200", {
        3: "310000", 4: "0" * 12, 7: stamp(), 11: f"{stan:06d}", 12: "142507", 13: "0630",
        18: "6011", 22: "051", 32: "009", 37: f"518107{stan:06d}", 41: "S1ABC123",
        42: "BNI000000000001", 48: "JHTBAL0000000000000000000000000000ID0040", 49: "360",
        **elements,
    })  # fmt: skip


def hexadecimal(key: Key | None) -> str:
    """Write a key out, to be looked for."""
    assert key is not None
    return key.reveal().hex()
