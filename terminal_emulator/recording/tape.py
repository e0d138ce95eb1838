"""A recording: JSON lines, one for each frame, with cards by number and no secret.

::

    {"recording": 1, "profile": "bpjstk-jht-v1", "began": "2026-06-30T07:25:07Z"}
    {"at": 0.012, "link": 1, "way": "request", "mti": "0200", "bytes": 237, "card": 1,
     "elements": {"3": "310000", "11": "000123", ...}, "left_out": [2, 48, 52],
     "asks": {"language": "ID", "index": 0, "width": 40, "kpj": false}, "pin": true}
    {"at": 0.019, "link": 1, "way": "answer", "mti": "0210", "elements": {"39": "00", ...}}

A card is the number of its first coming; which PAN it was is in nobody's memory when the
recording ends.  Elements that the profile masks or hides are left out, but for what the
inquiry asked.  A frame that cannot be read is a line with its length and a digest, whose key
is the recording's own and is kept nowhere: it tells the same bytes again, and nothing else.
Where bytes are no frames at all, one line says so, and the link goes on unrecorded that way.
"""

import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from atm_switch.domain.errors import FormatError
from atm_switch.messages.inquiry_data import Lookup, read_inquiry_data
from atm_switch.messages.mti import is_response
from atm_switch.profile.model import Element, Profile, Show
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager

SCHEMA = 1
PIN_BLOCK, INQUIRY_DATA, PAN = 52, 48, 2
_FREE_TEXT = (42, 43)
"""Shown elsewhere, but free text: nobody knows what a terminal puts there."""


class TapeWrong(ValueError):
    """A file is no recording; the text names the line."""


@dataclass(slots=True)
class Tape:
    """Turns frames into lines of a recording."""

    profile: Profile
    _packager: Packager = field(init=False)
    _cards: dict[str, int] = field(default_factory=dict, repr=False)
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def __post_init__(self) -> None:
        """Make the packager."""
        self._packager = Packager(self.profile)

    def head(self, began: datetime) -> str:
        """Return the first line."""
        stamp = began.strftime("%Y-%m-%dT%H:%M:%SZ")
        return json.dumps({"recording": SCHEMA, "profile": self.profile.name, "began": stamp})

    def line(self, payload: bytes, link: int, at: float, *, is_from_host: bool) -> str:
        """Return the line of one payload; ``at`` in seconds from the beginning."""
        told: dict[str, Any] = {"at": round(at, 6), "link": link, "bytes": len(payload)}
        try:
            message = self._packager.unpack(payload)
        except FormatError as fault:
            told |= {"way": f"unreadable from {_side(is_from_host)}", "why": str(fault)}
            return json.dumps({**told, "digest": self._digest(payload)})
        told["way"] = "answer" if is_response(message.mti) else "request"
        told["from_host"] = is_from_host
        told["mti"] = message.mti
        told["elements"] = self._shown(message)
        told["left_out"] = [one for one in message.elements if str(one) not in told["elements"]]
        if PAN in message:
            told["card"] = self.card(message[PAN])
        if told["way"] == "request":
            told["pin"] = PIN_BLOCK in message
            told |= self._asked(message)
        return json.dumps(told)

    def unframed(self, link: int, at: float, why: str, *, is_from_host: bool) -> str:
        """Return the line that says from where on a side of a link is not recorded."""
        way = f"unframed from {_side(is_from_host)}"
        return json.dumps({"at": round(at, 6), "link": link, "way": way, "why": why})

    def card(self, pan: str) -> int:
        """Return the number of a card, in the order of first coming."""
        return self._cards.setdefault(pan, len(self._cards) + 1)

    def card_of(self, payload: bytes) -> int:
        """Return the number of the card a payload is about; 0 for none."""
        try:
            message = self._packager.unpack(payload)
        except FormatError:
            return 0
        return self.card(message[PAN]) if PAN in message else 0

    def _digest(self, payload: bytes) -> str:
        return hmac.digest(self._key, payload, "sha256")[:16].hex()

    def _shown(self, message: IsoMessage) -> dict[str, str]:
        known = self.profile.elements
        return {
            str(number): text for number, text in message.elements.items() if is_kept(known[number])
        }

    def _asked(self, message: IsoMessage) -> dict[str, Any]:
        if message.mti[1] != "2" or INQUIRY_DATA not in message:
            return {}
        try:
            data = read_inquiry_data(message[INQUIRY_DATA], self.profile)
        except ValueError:
            return {}
        return {
            "asks": {
                "language": data.language,
                "index": data.kpj_index,
                "width": data.receipt_width,
                "kpj": data.lookup is Lookup.KPJ,
            }
        }


def is_kept(element: Element) -> bool:
    """Whether a recording has what stands in an element."""
    return element.show is Show.PLAIN and element.number not in _FREE_TEXT


def _side(is_from_host: bool) -> str:  # noqa: FBT001 - read aloud it is clear
    return "host" if is_from_host else "terminal"


def read_tape(text: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Read a recording: its first line, and the others.  Raises ``TapeWrong``."""
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            told = json.loads(line)
        except ValueError:
            raise TapeWrong(f"line {number} is no JSON") from None
        if not isinstance(told, dict):
            raise TapeWrong(f"line {number} is no object")
        lines.append(told)
    if not lines or lines[0].get("recording") != SCHEMA:
        raise TapeWrong(f"it is no recording of schema {SCHEMA}")
    for number, told in enumerate(lines[1:], 2):
        wrong = _wrong(told)
        if wrong:
            raise TapeWrong(f"line {number}: {wrong!r} is missing, or is not what it should be")
    return lines[0], lines[1:]


def _wrong(told: Mapping[str, Any]) -> str:
    """Return the key of a line that nobody could play; empty if all are right."""
    kinds: dict[str, tuple[type, ...]] = {"at": (int, float), "link": (int,), "way": (str,)}
    if told.get("way") in ("request", "answer"):
        kinds |= {"mti": (str,), "elements": (dict,)}
    if "left_out" in told:
        kinds["left_out"] = (list,)
    if "card" in told:
        kinds["card"] = (int,)
    if "asks" in told:
        kinds["asks"] = (dict,)
    return next((key for key, kind in kinds.items() if not isinstance(told.get(key), kind)), "")
