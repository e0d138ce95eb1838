"""A layout knows its payloads from others, judges them, and cuts their elements."""

import pytest

from atm_switch.profile.load import load_profile
from atm_switch.wire import layout as layout_module
from atm_switch.wire.layout import Layout
from atm_switch.wire.spelling import Spelling

TEXT = Spelling.of(load_profile("bpjstk-jht-v1"))
PACKED = Spelling.of(load_profile("bpjstk-jht-v1-bcd"))
EBCDIC = Spelling.of(load_profile("bpjstk-jht-v1-ebcdic"))
HEAD = b"0200" + b"h" * 16
PAYLOAD = HEAD + b"169990090000000012" + b"000123" + b"S1ABC123"
LAYOUT = Layout("0200", HEAD, (2, 11, 41), (16, 6, 8), TEXT)


def is_its(layout: Layout, payload: bytes) -> bool:
    """Whether a payload has the layout's head and lengths."""
    return bool(layout.outline(payload) == layout.outlined)


def test_layout_knows_its_payloads() -> None:
    """By head and by every length, whatever the contents."""
    assert is_its(LAYOUT, PAYLOAD)
    assert is_its(LAYOUT, PAYLOAD.replace(b"000123", b"\xff" * 6))
    assert not is_its(LAYOUT, PAYLOAD.replace(b"0200", b"0201"))
    assert not is_its(LAYOUT, PAYLOAD.replace(HEAD + b"16", HEAD + b"15"))
    assert len(PAYLOAD) == LAYOUT.octets


def test_layout_judges_contents() -> None:
    """A stray anywhere spoils it."""
    assert LAYOUT.holds(PAYLOAD)
    assert not LAYOUT.holds(PAYLOAD.replace(b"000123", b"00012x"))


def test_layout_cuts_the_elements() -> None:
    """By number; and where each is, with its length."""
    assert {2: "9990090000000012", 11: "000123", 41: "S1ABC123"} == LAYOUT.elements(PAYLOAD)
    assert {2: (20, 38), 11: (38, 44), 41: (44, 52)} == LAYOUT.spans


def test_one_element_alone_is_cut_too() -> None:
    """A message of one fixed element has no length to look at."""
    layout = Layout("0800", HEAD, (11,), (6,), TEXT)

    assert is_its(layout, HEAD + b"000123")
    assert {11: "000123"} == layout.elements(HEAD + b"000123")


def test_packed_elements_are_cut_as_digits() -> None:
    """BCD without its padding, raw bytes as upper-case hexadecimal, text as text."""
    layout = Layout("0200", b"\x02\x00" + bytes(8), (22, 41, 52), (3, 8, 8), PACKED)
    payload = b"\x02\x00" + bytes(8) + bytes.fromhex("0051") + b"S1ABC123" + b"\xab" * 8

    assert {22: "051", 41: "S1ABC123", 52: "AB" * 8} == layout.elements(payload)


def test_loops_of_machine_code_know_the_same_payloads(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is compiled is run here by Python: head and lengths as they are, contents judged."""
    monkeypatch.setattr(layout_module, "COMPILED", True)

    assert LAYOUT.holds(PAYLOAD)
    assert LAYOUT.holds(PAYLOAD.replace(b"000123", b"999999"))
    assert not LAYOUT.holds(PAYLOAD.replace(b"0200", b"0201"))
    assert not LAYOUT.holds(PAYLOAD.replace(HEAD + b"16", HEAD + b"15"))
    assert not LAYOUT.holds(PAYLOAD.replace(b"000123", b"00012x"))
    assert not LAYOUT.holds(PAYLOAD + b"0")
    assert not LAYOUT.holds(PAYLOAD[:-1])


def test_characters_of_another_encoding_are_read() -> None:
    """EBCDIC comes out as text."""
    head = "0200".encode("cp500") + bytes(8)
    layout = Layout("0200", head, (41,), (8,), EBCDIC)

    assert {41: "S1ABC123"} == layout.elements(head + "S1ABC123".encode("cp500"))
