"""The search for canaries finds them: in every disguise, wherever it lies in a file.

The disguises are made here by hand, not by the function that is tested.
"""

import base64
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.doubles.canaries import Canary, hits

DIGITS = "9990090000000012"
KEY = "8fb92c641ad508fb3b6461293eec1583"
NIBBLES_TURNED = bytes.fromhex("9909900000000021")

AS_TEXT: dict[str, Callable[[str], bytes]] = {
    "text": str.encode,
    "capitals": lambda text: text.upper().encode(),
    "hexadecimal": lambda text: text.encode().hex().encode(),
    "hexadecimal, capitals": lambda text: text.encode().hex().upper().encode(),
    "UTF-16": lambda text: text.encode("utf-16-le"),
    "UTF-16, the other order": lambda text: text.encode("utf-16-be"),
    "EBCDIC": lambda text: text.encode("cp500"),
    "packed": bytes.fromhex,
    "packed behind a nibble": lambda text: bytes.fromhex(f"c{text}f"),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64 behind one": lambda text: base64.b64encode(b"=" + text.encode() + b"=12"),
    "base64 behind two": lambda text: base64.urlsafe_b64encode(b"??" + text.encode() + b"?"),
    "base64 of packed": lambda text: base64.b64encode(b"k" + bytes.fromhex(text) + b"\xff\xff"),
    "inside a sentence": lambda text: f"card {text}, declined".encode(),
}


@pytest.mark.parametrize("canary", [DIGITS, KEY], ids=["digits", "key"])
@pytest.mark.parametrize("disguise", AS_TEXT.values(), ids=AS_TEXT.keys())
def test_every_disguise_is_found(disguise: Callable[[str], bytes], canary: str) -> None:
    """
    A canary in any form, between other bytes, is found and named; its text is not printed.
    """
    planted = b"\x00\x9afiller" + disguise(canary) + b"more\xee"

    found = hits({"file": planted}, [Canary("planted", canary)])

    assert {("file", "planted")} == {(sink, name) for sink, name, _ in found}
    assert canary not in repr(found)


def test_turned_nibbles_are_found() -> None:
    """
    Packed digits with the nibbles of each byte turned round, as tracks are kept, are found.
    """
    assert hits({"file": b"\x01" + NIBBLES_TURNED}, [Canary("planted", DIGITS)])


def test_track_is_found_with_its_separator() -> None:
    """
    A track is found as text and as it is packed, the separator as a D.
    """
    track = Canary("track", "30121019876543210123=1234")
    packed = bytes.fromhex("30121019876543210123D123")

    assert hits({"text": track.text.encode()}, [track])
    assert hits({"packed": packed + b"\x4f"}, [track])


@given(st.binary(max_size=400))
def test_nothing_is_found_in_other_bytes(noise: bytes) -> None:
    """
    Bytes that hold no canary give no hit.
    """
    assert [] == hits({"noise": noise}, [Canary("card", DIGITS), Canary("key", KEY)])
