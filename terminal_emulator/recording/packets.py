"""A capture file of what was recorded, for tshark and Wireshark; masked like the recording.

Plan: each frame becomes one TCP segment between invented hosts, in order, with checksums;
what the recording leaves out is overwritten with zeros of the same length, a PAN with the
lab's number of that card.  A frame that cannot be read is all zeros behind its length.
Limits: it shows messages, not the packets of the real line.
"""

import struct
from dataclasses import dataclass, field

from atm_switch.domain.card import luhn_digit
from atm_switch.domain.errors import FormatError
from atm_switch.messages.text_block import read_text_block
from atm_switch.profile.model import Element, Profile
from atm_switch.wire.framing import enclose
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from terminal_emulator.recording.tape import is_kept

_LAB_BIN = "999009"
_TERMINAL_HOST, _HOST = bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2))
"""Addresses of documentation (RFC 5737)."""
_FIRST_PORT, _PORT = 40_000, 8_583
_PUSH_ACK = 0x18


@dataclass(slots=True)
class Capture:
    """Makes a pcap, packet by packet."""

    profile: Profile
    _packager: Packager = field(init=False)
    _sent: dict[tuple[int, bool], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the packager."""
        self._packager = Packager(self.profile)

    @staticmethod
    def head() -> bytes:
        """Return the head of the file: microseconds, raw IP packets."""
        return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 101)

    def packet(
        self, payload: bytes, card: int, link: int, at: float, *, is_from_host: bool
    ) -> bytes:
        """Return one packet of the file; ``at`` in seconds since 1970."""
        octets = enclose(self.profile.framing, self._masked(payload, card))
        way, back = (link, is_from_host), (link, not is_from_host)
        sequence, heard = self._sent.get(way, 1), self._sent.get(back, 1)
        self._sent[way] = sequence + len(octets)
        ends = (_FIRST_PORT + link % 20_000, _PORT)
        ports = ends[::-1] if is_from_host else ends
        hosts = (_HOST, _TERMINAL_HOST) if is_from_host else (_TERMINAL_HOST, _HOST)
        segment = _segment(hosts, ports, sequence, heard, octets)
        whole = _ip(hosts, segment)
        seconds, micros = divmod(round(at * 1_000_000), 1_000_000)
        return struct.pack("<IIII", seconds, micros, len(whole), len(whole)) + whole

    def _masked(self, payload: bytes, card: int) -> bytes:
        try:
            message = self._packager.unpack(payload)
        except FormatError:
            return bytes(len(payload))
        elements = {
            number: _without_secret(self.profile.elements[number], text, card)
            for number, text in message.elements.items()
        }
        try:
            return self._packager.pack(IsoMessage(message.mti, elements))
        except ValueError:
            return bytes(len(payload))  # a profile that forbids what stands for a secret


def _without_secret(element: Element, text: str, card: int) -> str:
    if is_kept(element):
        return text
    if element.number == 2:
        # Behind a 9, so that it is none of the sample cards.
        body = f"{_LAB_BIN}9{card:0{max(len(text) - 8, 1)}d}"[: len(text) - 1]
        return body + luhn_digit(body)
    if element.content == "z":
        return "0D".ljust(len(text), "0")[: max(len(text), 2)]
    if element.number in (62, 63):
        return _blanked(text)
    return "0" * len(text)


def _blanked(text: str) -> str:
    """Keep the head of a text block, blank its lines."""
    try:
        block = read_text_block(text)
    except ValueError:
        return "0" * len(text)
    return text[:5] + " " * (block.width * len(block.lines))


def _segment(
    hosts: tuple[bytes, bytes], ports: tuple[int, int], sequence: int, heard: int, octets: bytes
) -> bytes:
    head = struct.pack(
        ">HHIIBBHHH", *ports, sequence % 2**32, heard % 2**32, 5 << 4, _PUSH_ACK, 65_535, 0, 0
    )
    pseudo = hosts[0] + hosts[1] + struct.pack(">BBH", 0, 6, len(head) + len(octets))
    checksum = _checksum(pseudo + head + octets)
    return head[:16] + struct.pack(">H", checksum) + head[18:] + octets


def _ip(hosts: tuple[bytes, bytes], segment: bytes) -> bytes:
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0x4000, 64, 6, 0)
    head += hosts[0] + hosts[1]
    return head[:10] + struct.pack(">H", _checksum(head)) + head[12:] + segment


def _checksum(octets: bytes) -> int:
    """The internet checksum (RFC 1071)."""
    padded = octets + b"\0" * (len(octets) % 2)
    total: int = sum(struct.unpack(f">{len(padded) // 2}H", padded))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
