"""The reference codec: payload to message and back by pyiso8583, and its one door.

Nothing passes that is not canonical: what was read must pack to the very bytes received
(a codec that takes ``+5`` for a length would otherwise let two spellings of one message
exist).  The order of checks is security.md section 4; pyiso8583 is called with bytes
whose MTI and bitmaps have already been read here.  Its errors carry the message, so they
are translated at this door and never chained.
Why it stays beside the plans of ``plan.py``: it names every fault, and they must agree.
"""

import re
from collections.abc import Mapping
from typing import Any

import iso8583

from atm_switch.domain.errors import FormatError
from atm_switch.profile.model import Element, Encoding, Profile
from atm_switch.wire.bitmap import mti_bytes, read_bitmaps, read_mti
from atm_switch.wire.message import IsoMessage

_CONTENT = {
    "n": re.compile(r"[0-9]*"),
    "a": re.compile(r"[A-Za-z ]*"),
    "an": re.compile(r"[A-Za-z0-9 ]*"),
    "ans": re.compile(r"[ -~]*"),
    "z": re.compile(r"[0-9]+[=D][0-9]*"),
    "b": re.compile(r"([0-9A-F]{2})*"),
}

Spec = dict[str, dict[str, Any]]


class ReferenceCodec:
    """Packs and unpacks payloads of one profile, slowly, and says what is wrong with them."""

    def __init__(self, profile: Profile) -> None:
        """Turn the profile's elements into pyiso8583's form of a specification."""
        self.profile = profile
        self.spec = _specification(profile)
        self._encoding = profile.encoding

    def unpack(self, payload: bytes) -> IsoMessage:
        """Read one payload.  Raises ``FormatError`` and nothing else."""
        mti = read_mti(payload, self._encoding)
        numbers, offset = read_bitmaps(payload, mti, self._encoding)
        for number in numbers:
            if number not in self.profile.elements:
                raise FormatError("not in the profile", data_element=number, offset=offset, mti=mti)
        decoded, encoded = self._decode(payload, mti)
        elements = {number: decoded[str(number)] for number in numbers}
        self._check_spelling(payload, decoded, encoded, mti, offset)
        for number, text in elements.items():
            fault = content_fault(self.profile.elements[number], text)
            if fault:
                raise FormatError(
                    fault,
                    data_element=number,
                    offset=_offset_of(number, encoded, offset),
                    mti=mti,
                    readable=self._sound(elements),
                )
        return IsoMessage(mti, elements)

    def pack(self, message: IsoMessage) -> bytes:
        """Write one message.  Raises ``ValueError`` for what the profile does not allow.

        The text names the element, never its content.
        """
        if not re.fullmatch(r"[0-9]{4}", message.mti):
            raise ValueError("DE000: an MTI is four digits")
        for number, text in message.elements.items():
            element = self.profile.elements.get(number)
            fault = "not in the profile" if element is None else content_fault(element, text)
            if fault:
                raise ValueError(f"DE{number:03d}: {fault}")
        document = {str(number): text for number, text in message.elements.items()}
        try:
            raw, _ = iso8583.encode({"t": message.mti, **document}, self.spec)
        except iso8583.EncodeError as error:
            raise ValueError(f"DE{str(error.field).zfill(3)}: {error.msg}") from None
        return bytes(raw)

    def _decode(self, payload: bytes, mti: str) -> tuple[dict[str, str], dict[str, Any]]:
        try:
            return iso8583.decode(payload, self.spec)
        except iso8583.DecodeError as error:
            at = int(error.field) if str(error.field).isdecimal() else 1
            # After a length that int() took and nobody writes, all is read from a wrong place.
            number = self._first_misspelled_length(error.doc_enc) or at
            readable = {
                int(key): text
                for key, text in error.doc_dec.items()
                if key.isdecimal() and 1 < int(key) and (number == at or int(key) < number)
            }
            raise FormatError(
                "cannot be read, or bytes are left over",
                data_element=number,
                offset=error.pos,
                mti=mti,
                readable=self._sound(readable),
            ) from None
        except Exception as error:  # noqa: BLE001  any escape of the codec is a 30
            # pyiso8583 lets KeyError and ValueError out for some inputs (security.md 4).
            raise FormatError(
                f"cannot be read ({type(error).__name__})", data_element=1, mti=mti
            ) from None

    def _first_misspelled_length(self, encoded: Mapping[str, Any]) -> int | None:
        """Return the first element whose length is not made of digits; ``None`` for none."""
        packed = self._encoding.lengths == "bcd"
        for number in sorted(int(key) for key in encoded if key.isdecimal() and int(key) > 1):
            raw = encoded[str(number)]["len"]
            text = raw.hex() if packed else raw.decode(self._encoding.text, errors="replace")
            if not re.fullmatch(r"[0-9]*", text, re.ASCII):
                return number
        return None

    def _check_spelling(
        self,
        payload: bytes,
        decoded: dict[str, str],
        encoded: dict[str, Any],
        mti: str,
        offset: int,
    ) -> None:
        again, spelled = iso8583.encode(dict(decoded), self.spec)
        if bytes(again) == payload:
            return
        elements = {int(key): text for key, text in decoded.items() if key.isdecimal()}
        number = next(
            (n for n in sorted(elements) if encoded[str(n)] != spelled.get(str(n))),
            1,
        )
        raise FormatError(
            "not spelled as the profile spells it",
            data_element=number,
            offset=_offset_of(number, encoded, offset),
            mti=mti,
            readable=self._sound({n: text for n, text in elements.items() if n > 1}),
        )

    def _sound(self, elements: Mapping[int, str]) -> dict[int, str]:
        known = self.profile.elements
        return {
            number: text
            for number, text in elements.items()
            if number in known and not content_fault(known[number], text)
        }


def content_fault(element: Element, text: str) -> str:
    """Say what is wrong with an element's content; empty is well.  Quotes nothing."""
    length = len(text) // 2 if element.content == "b" else len(text)
    if not element.shortest <= length <= element.longest:
        return "has a wrong length"
    if not _CONTENT[element.content].fullmatch(text):
        return f"is not of class {element.content}"
    return ""


def _offset_of(number: int, encoded: Mapping[str, Any], offset: int) -> int:
    # pragma below: the element is among the encoded, or before all of them.
    for key in sorted(int(k) for k in encoded if k.isdecimal() and int(k) > 1):  # pragma: no branch
        if key >= number:
            break
        part = encoded[str(key)]
        offset += len(part["len"]) + len(part["data"])
    return offset


def _specification(profile: Profile) -> Spec:
    encoding = profile.encoding
    bitmap = _place("b", 8) if encoding.bitmap == "binary" else _place(encoding.text, 16)
    mti = _place("b" if encoding.mti == "bcd" else encoding.text, mti_bytes(encoding))
    spec = {"h": _place(encoding.text, 0), "t": mti, "p": bitmap, "1": dict(bitmap)}
    for element in profile.elements.values():
        spec[str(element.number)] = _entry(element, encoding)
    return spec


def _place(data_encoding: str, length: int) -> dict[str, Any]:
    return {
        "data_enc": data_encoding,
        "len_enc": "ascii",
        "len_type": 0,
        "max_len": length,
        "desc": "",
    }


def _entry(element: Element, encoding: Encoding) -> dict[str, Any]:
    entry = _place(encoding.text, element.longest)
    entry["desc"] = element.name
    if element.content == "b":
        raw = encoding.binary == "raw"
        entry |= {"data_enc": "b"} if raw else {"max_len": 2 * element.longest}
    if element.content in ("n", "z") and encoding.numbers == "bcd":
        entry |= {"data_enc": "b", "len_count": "nibbles", "left_pad": "0"}
    if element.length_digits and encoding.lengths == "bcd":
        entry |= {"len_enc": "bcd", "len_type": (element.length_digits + 1) // 2}
    elif element.length_digits:
        entry |= {"len_enc": encoding.text, "len_type": element.length_digits}
    return entry
