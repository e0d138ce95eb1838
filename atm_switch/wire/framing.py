"""Cut the byte stream into frames: length, optional header, payload, optional trailer.

Plan: one buffer; a frame leaves only when it is whole, a slice of what was read and its only
copy.  The length is judged before
anything is buffered for it, so a peer never makes us hold more than one frame of
``payload_bytes_max`` beyond what one read brought.  Every kind of length header counts
what follows it - header, payload and, where the profile says so, the trailer and itself.

A length that cannot be true raises ``FramingError``: no later byte can be placed then,
so the link has to be closed.
"""

import re
from collections.abc import Iterator
from dataclasses import field

from atm_switch.domain.errors import FramingError
from atm_switch.domain.value import value
from atm_switch.profile.model import Framing


@value
class Frame:
    """One whole frame without its length: the header as received, and the payload."""

    header: bytes
    payload: bytes = field(repr=False)


class FrameBuffer:
    """Bytes in, frames out, for one direction of one link."""

    __slots__ = ("_bytes", "_framing", "_is_bare", "_wanted")

    def __init__(self, framing: Framing) -> None:
        """Start empty."""
        self._framing = framing
        self._bytes = b""
        self._wanted = 0
        self._is_bare = not (framing.header_bytes or framing.header_starts or framing.trailer)
        """A frame is its length and the payload."""

    @property
    def pending(self) -> int:
        """Count the bytes of a frame that is not whole yet."""
        return len(self._bytes)

    @property
    def is_worth_a_look(self) -> bool:
        """Whether ``frames`` may have something to say: a frame that drips is not looked into."""
        return len(self._bytes) >= self._wanted

    def receive(self, data: bytes) -> None:
        """Take what the stream brought; where nothing was pending, without a copy."""
        self._bytes = self._bytes + data if self._bytes else data

    def frames(self) -> Iterator[Frame]:
        """Yield the frames that are whole.  Raises ``FramingError``."""
        start, framing, data = 0, self._framing, self._bytes
        length_bytes, held, wanted = framing.length_bytes, len(data), 0
        try:
            while held - start >= length_bytes:
                body = start + length_bytes
                end = body + _body_bytes(framing, data[start:body])
                if held < end:
                    wanted = end - start
                    break
                start = end  # before the yield: whoever stops here has had this frame
                whole = data[body:end]
                yield Frame(b"", whole) if self._is_bare else _open(framing, whole)
        finally:
            self._bytes, self._wanted = self._bytes[start:], wanted  # with what came meanwhile


def enclose(framing: Framing, payload: bytes, header: bytes | None = None) -> bytes:
    """Wrap a payload; without a ``header`` the profile's own is used.

    Raises ``ValueError`` for a payload the profile does not allow: our mistake.
    """
    if not 0 < len(payload) <= framing.payload_bytes_max:
        message = f"a payload has 1 to {framing.payload_bytes_max} bytes"
        raise ValueError(message)
    body = (framing.header_own if header is None else header) + payload + framing.trailer
    counted = len(body)
    counted += framing.length_bytes if framing.counts_itself else 0
    counted -= 0 if framing.counts_trailer else len(framing.trailer)
    return _write_length(framing, counted) + body


def answering_header(framing: Framing, header: bytes) -> bytes:
    """Return the header for the way back: a TPDU's two addresses change places."""
    if not framing.header_is_tpdu:
        return header
    return header[:1] + header[3:5] + header[1:3]


def _body_bytes(framing: Framing, raw: bytes) -> int:
    counted = _read_length(framing, raw)
    body = counted - (framing.length_bytes if framing.counts_itself else 0)
    body += 0 if framing.counts_trailer else len(framing.trailer)
    around = framing.header_bytes + len(framing.trailer)
    if not around < body <= around + framing.payload_bytes_max:
        message = f"length header says {counted} bytes, which cannot be"
        raise FramingError(message)
    return body


def _open(framing: Framing, body: bytes) -> Frame:
    header = body[: framing.header_bytes]
    if not header.startswith(framing.header_starts):
        message = "the header does not start as the profile says"
        raise FramingError(message)
    if not body.endswith(framing.trailer):
        message = "the trailer is missing where the length says it is"
        raise FramingError(message)
    return Frame(header, body[framing.header_bytes : len(body) - len(framing.trailer)])


def _read_length(framing: Framing, raw: bytes) -> int:
    if framing.length == "binary-big-endian":
        return int.from_bytes(raw, "big")
    if framing.length == "binary-little-endian":
        return int.from_bytes(raw, "little")
    # int() alone would take signs, blanks and underscores for digits.
    text = raw.hex() if framing.length == "bcd" else raw.decode("latin-1")
    base = 16 if framing.length == "ascii-hex" else 10
    if not re.fullmatch(r"[0-9A-Fa-f]+" if base == 16 else r"[0-9]+", text, re.ASCII):
        message = f"length header is not {framing.length}"
        raise FramingError(message)
    return int(text, base)


def _write_length(framing: Framing, counted: int) -> bytes:
    size = framing.length_bytes
    try:
        if framing.length == "binary-big-endian":
            return counted.to_bytes(size, "big")
        if framing.length == "binary-little-endian":
            return counted.to_bytes(size, "little")
        raw = _digits(framing.length, counted, size)
    except OverflowError:
        raw = b""
    if len(raw) != size:
        message = f"a frame of {counted} bytes does not fit the length header"
        raise ValueError(message)
    return raw


def _digits(kind: str, counted: int, size: int) -> bytes:
    if kind == "bcd":
        text = f"{counted:0{2 * size}d}"
        return bytes.fromhex(text) if len(text) == 2 * size else b""
    return (f"{counted:0{size}X}" if kind == "ascii-hex" else f"{counted:0{size}d}").encode("ascii")
