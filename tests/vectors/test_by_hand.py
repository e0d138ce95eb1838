"""The vectors once more, by another hand: plain string work, none of the product's code.

A vector and the packager could share a mistake if one had made the other.  Here a few
lines that know nothing of profiles put the bytes together from the elements, and the same
inquiry goes through the core in every dialect.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from atm_switch.switch.policy import PinPolicy
from tests.doubles.bench import Bench, bank

FILES = sorted((Path(__file__).parents[2] / "specs" / "vectors").glob("*.json"))
VECTORS: dict[str, dict[str, Any]] = {path.stem: json.loads(path.read_text()) for path in FILES}
LENGTH_DIGITS = {2: 2, 32: 2, 33: 2, 48: 3, 54: 3, 62: 3, 63: 3}
NUMBERS = {2, 3, 4, 7, 11, 12, 13, 15, 18, 22, 25, 32, 49, 70}


def bitmaps(numbers: list[int]) -> str:
    """Add up the bits, sixteen hexadecimal digits a bitmap."""
    has_second = max(numbers) > 64
    bits = sum(1 << (128 - number) for number in numbers) | has_second << 127
    return f"{bits:032X}"[: 32 if has_second else 16]


def as_text(vector: dict[str, Any]) -> bytes:
    """Spell a message in ASCII with hexadecimal bitmaps."""
    elements = {int(number): text for number, text in vector["elements"].items()}
    parts = [vector["mti"], bitmaps(sorted(elements))]
    for number in sorted(elements):
        digits = LENGTH_DIGITS.get(number, 0)
        parts += [f"{len(elements[number]):0{digits}d}" if digits else "", elements[number]]
    return "".join(parts).encode("ascii")


def as_ebcdic(vector: dict[str, Any]) -> bytes:
    """Spell a message in code page 500 with binary bitmaps."""
    text, size = as_text(vector).decode("ascii"), len(bitmaps(sorted(map(int, vector["elements"]))))
    bits = bytes.fromhex(text[4 : 4 + size])
    return text[:4].encode("cp500") + bits + text[4 + size :].encode("cp500")


def as_packed(vector: dict[str, Any]) -> bytes:
    """Spell a message with packed digits, packed lengths and binary bitmaps."""
    elements = {int(number): text for number, text in vector["elements"].items()}
    parts = [bytes.fromhex(vector["mti"] + bitmaps(sorted(elements)))]
    for number in sorted(elements):
        text, digits = elements[number], LENGTH_DIGITS.get(number, 0)
        if digits:
            parts.append(bytes.fromhex(f"{len(text):0{digits + digits % 2}d}"))
        even = "0" * (len(text) % 2) + text
        parts.append(bytes.fromhex(even) if number in NUMBERS else text.encode("ascii"))
    return b"".join(parts)


SPELLINGS = {"-bcd": as_packed, "-ebcdic": as_ebcdic}


@pytest.mark.parametrize("name", sorted(VECTORS))
def test_vector_is_what_string_work_gives(name: str) -> None:
    """
    Each payload is the MTI, the bits added up, and the elements in order.
    """
    vector = VECTORS[name]
    spell = SPELLINGS.get(vector["profile"].removeprefix("bpjstk-jht-v1"), as_text)

    expected = vector["payload"].encode() if "payload" in vector else None
    assert (expected or bytes.fromhex(vector["payload_hex"])) == spell(vector)


@pytest.mark.parametrize("name", sorted(VECTORS))
def test_framed_vector_ends_with_its_payload(name: str) -> None:
    """
    Before the payload stands only the length, and the header where there is one.
    """
    vector = VECTORS[name]
    payload = vector["payload"].encode().hex() if "payload" in vector else vector["payload_hex"]

    head = vector["framed_hex"].removesuffix(payload).removesuffix(vector.get("header_hex", ""))

    size = len(payload) // 2
    lengths = {
        "bpjstk-jht-v1-golden": f"{size:04x}",
        "bpjstk-jht-v1-bcd": f"{size:04d}".encode().hex(),
        "bpjstk-jht-v1-ebcdic": f"{size + 5 + 2:04x}",
    }
    assert lengths[vector["profile"]] == head


def test_golden_slip_has_its_form() -> None:
    """
    DE63 is a head and twenty-four lines of forty, and shows neither PAN nor KPJ whole.
    """
    elements = VECTORS["balance_inquiry_response"]["elements"]
    slip = elements["63"]
    lines = [slip[at : at + 40] for at in range(5, len(slip), 40)]

    assert ("R4024", 24, {40}) == (slip[:5], len(lines), {len(line) for line in lines})
    assert "SALDO AWAL THN  Rp         19.409.470,47" in lines
    assert "SALDO JHT       Rp         21.629.644,73" in lines
    assert elements["2"] not in slip + elements["62"]
    assert "12345678901" not in slip + elements["62"]


@pytest.mark.parametrize("name", sorted(name for name in VECTORS if "inquiry_request" in name))
def test_golden_inquiry_is_answered_in_every_dialect(name: str) -> None:
    """
    The same inquiry gets the same elements, spelled as its own dialect spells them.
    """
    vector, response = VECTORS[name], VECTORS["balance_inquiry_response"]
    bench = Bench(vector["profile"], (bank(pin=PinPolicy.ACQUIRER, unmasked_kpj=True),))
    bench.sign_on()
    payload = vector["payload"].encode() if "payload" in vector else None

    bench.feed(payload or bytes.fromhex(vector["payload_hex"]))

    spell = SPELLINGS.get(vector["profile"].removeprefix("bpjstk-jht-v1"), as_text)
    assert spell(response) == bench.sent[-1].payload
