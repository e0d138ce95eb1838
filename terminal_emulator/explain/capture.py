"""Bytes out of whatever testers have: hex, dumps, base64, log lines, captures.

Plan: the kind is told by its looks (``auto``) or named; each yields messages, that is runs
of bytes with a word on where they came from.  A log line or text may hold several.
Limits: what is no text and no capture is taken as the bytes themselves.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from terminal_emulator.explain.pcap import is_capture, streams

KINDS = ("auto", "hex", "base64", "log", "pcap", "raw")
BYTES_MAX = 64 * 1024 * 1024

_OFFSET = re.compile(r"\s*(?:0x)?([0-9A-Fa-f]{4,16}):?(?:\s+|$)")
_DUMP_TEXT = re.compile(r"\s\|.*\|\s*$|\s{2,}>.*<\s*$")
"""The readable column that hexdump -C and od set in signs."""
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_LONG_HEX = re.compile(r"(?<![0-9A-Za-z])(?:0x)?((?:[0-9A-Fa-f]{2}[ :-]?){10,})(?![0-9A-Za-z])")
_PLAIN = re.compile(r"[0-9]{4}[0-9A-F]{16}")
_DIGITS = re.compile(r"(?:[0-9A-F]{2})+")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


@dataclass(frozen=True, slots=True)
class Captured:
    """A run of bytes and where it was found."""

    octets: bytes = field(repr=False)
    where: str
    otherwise: "Captured | None" = None
    """What else the same text can mean; who knows the profiles can tell."""


class NothingFound(ValueError):
    """There are no bytes in it; the text says what was looked for."""


def captured(given: bytes, kind: str = "auto") -> list[Captured]:
    """Return the messages in a file's bytes.  Raises ``NothingFound``."""
    if len(given) > BYTES_MAX:
        raise NothingFound(f"the input is longer than {BYTES_MAX // 2**20} MiB; cut it first")
    if kind == "pcap" or (kind == "auto" and is_capture(given)):
        found = [Captured(one.octets, one.where) for one in streams(given)]
    elif kind == "raw":
        found = [Captured(given, "input")]
    else:
        found = _of_text(given, kind)
    if not any(one.octets for one in found):
        raise NothingFound("no message in it; give hex, base64, a log line or a pcap file")
    return [one for one in found if one.octets]


def _of_text(given: bytes, kind: str) -> list[Captured]:
    try:
        text = given.decode("utf-8")
    except UnicodeDecodeError:
        if kind == "auto":
            return [Captured(given, "input")]
        raise NothingFound(f"the input is no text, so it is no {kind}") from None
    if kind == "base64":
        return [Captured(_base64(text), "base64")]
    if kind == "log":
        return list(_of_lines(text))
    if kind == "hex":
        return [Captured(_hex(text), "hex")]
    return _guessed(text, given)


def _guessed(text: str, given: bytes) -> list[Captured]:
    with suppress(NothingFound):
        return [Captured(_hex(text), "hex")]
    with suppress(NothingFound):
        return [_cut_hex(text)]
    # A message in ASCII, as it stands: its MTI in front.  Before base64, which has its letters too.
    plain = text.strip("\r\n")
    if _PLAIN.match(plain):
        packed = bytes.fromhex(plain) if _DIGITS.fullmatch(plain) else b""
        otherwise = Captured(packed, "hex") if packed else None
        return [Captured(given.strip(b"\r\n"), "text", otherwise)]
    with suppress(NothingFound):
        return [Captured(_base64(text), "base64")]
    lines = list(_of_lines(text))
    if lines:
        return lines
    if text.startswith('{"recording"'):
        raise NothingFound(
            "a recording has no bytes of a message; explain what record --pcap writes beside it"
        )
    raise NothingFound("no message in it; give hex, base64, a log line or a pcap file")


def _hex(text: str) -> bytes:
    """Read hexadecimal digits: bare, spaced, with 0x, or as hexdump -C and xxd write them."""
    text = _undumped(text) or text
    digits = re.sub(r"0x|[\s:,-]", "", text)
    if not digits or len(digits) % 2 or not re.fullmatch(r"[0-9A-Fa-f]+", digits):
        raise NothingFound("that is not hexadecimal")
    if _PLAIN.match(digits) and not _is_likely_hex(digits):
        raise NothingFound("that is a message in ASCII, not hexadecimal")
    return bytes.fromhex(digits)


def _cut_hex(text: str) -> Captured:
    """Read the hexadecimal of a message that lost half a byte at its end."""
    digits = re.sub(r"0x|[\s:,-]", "", text)
    is_cut = len(digits) % 2 and digits.lower().startswith(("303", "f0f"))  # an MTI's first digits
    if not is_cut or not re.fullmatch(r"[0-9A-Fa-f]{17,}", digits):
        raise NothingFound("that is no hexadecimal message")
    where = f"hex, without its last digit: {len(digits)} are an odd number"
    return Captured(bytes.fromhex(digits[:-1]), where)


def _undumped(text: str) -> str:
    """Return the digits of a dump whose lines begin with their offsets; empty for no dump."""
    digits = last = ""
    is_squeezed = False
    for line in text.splitlines():
        if line.strip() == "*" and last:
            is_squeezed = True  # lines like the last one are left out up to the next offset
            continue
        found = _OFFSET.match(line)
        missing = int(found[1], 16) * 2 - len(digits) if found else -1
        if is_squeezed and 0 <= missing <= 2 * BYTES_MAX and missing % len(last) == 0:
            digits += last * (missing // len(last))
            missing, is_squeezed = 0, False
        if found is None or missing:
            return ""
        last = _digits_of_line(line[found.end() :])
        if not last:
            break  # the end: an offset and nothing else
        digits += last
    return digits


def _digits_of_line(line: str) -> str:
    octets = _DUMP_TEXT.sub("", line)
    if octets == line:
        octets = re.split(r"\s{2,}", line)[0]
    return re.sub(r"\s", "", octets)


def _is_likely_hex(digits: str) -> bool:
    """Tell hexadecimal from a message in ASCII that happens to have such characters only."""
    begins = bytes.fromhex(digits[:16])
    return begins.isascii() or begins[:1] == b"\x00" or any(c in digits for c in "abcdef")


def _base64(text: str) -> bytes:
    joined = re.sub(r"\s", "", text)
    if len(joined) < 16 or not _BASE64.fullmatch(joined):
        raise NothingFound("that is not base64")
    try:
        return base64.b64decode(joined, validate=True)
    except binascii.Error:
        raise NothingFound("that is not base64") from None


def _of_lines(text: str) -> Iterator[Captured]:
    for number, line in enumerate(text.splitlines(), 1):
        # The name of a request is hexadecimal too, and no message.
        for found in _LONG_HEX.finditer(_UUID.sub("", line)):
            digits = re.sub(r"[ :-]", "", found[1])
            yield Captured(bytes.fromhex(digits), f"line {number}")
