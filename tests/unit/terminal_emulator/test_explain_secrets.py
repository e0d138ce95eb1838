"""Explaining messages shows no secret, however they are spoilt."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.profile.load import load_profile
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from terminal_emulator.explain.guess import readings
from terminal_emulator.explain.show import document_of, text_of

NAMES = ("bpjstk-jht-v1", "bpjstk-jht-v1-bcd", "bpjstk-jht-v1-ebcdic")
PROFILES = [load_profile(name) for name in NAMES]
PAN, KPJ, TRACK, BLOCK = (
    "9990090000000012",
    "12345678901",
    "9990090000000012D3012",
    "0A1B2C3D4E5F6071",
)
SECRET = IsoMessage(
    "0200",
    {
        2: PAN, 3: "310000", 4: "0" * 12, 7: "0630072507", 11: "000123", 35: TRACK,
        37: "518107000123", 41: "S1ABC123", 42: "BNI000000000001",
        48: f"JHTBAL{KPJ}1{'0' * 16}ID0040".ljust(40),
        52: BLOCK,
    },
)  # fmt: skip


def told(octets: bytes) -> str:
    """Everything that is shown of some bytes, for people and for programs."""
    found = readings(octets, PROFILES)
    return text_of(found, "here") + json.dumps(document_of(found, "here"))


@pytest.mark.parametrize("profile", PROFILES, ids=NAMES)
def test_no_secret_is_shown_in_any_form(profile: object) -> None:
    """PAN, track 2, PIN block and KPJ: not as text, hexadecimal, BCD or EBCDIC."""
    own = next(one for one in PROFILES if one is profile)
    elements = {**SECRET.elements}
    shown = told(Packager(own).pack(IsoMessage("0200", elements))).lower()

    for secret in (PAN, KPJ, TRACK, BLOCK):
        forms = (secret, secret.encode().hex(), secret.encode("cp500").hex(), secret[1:-1])
        assert not any(form.lower() in shown for form in forms)
    assert "999009******0012" in shown


@given(
    st.sampled_from(PROFILES),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4),
    st.integers(0, 400),
)
def test_spoilt_messages_show_no_secret_either(
    profile: object, changes: list[tuple[int, int]], cut: int
) -> None:
    """However a message is spoilt or cut, the PAN and the PIN block stay masked."""
    own = next(one for one in PROFILES if one is profile)
    octets = bytearray(Packager(own).pack(SECRET))
    for at, value in changes:
        octets[at % len(octets)] = value

    shown = told(bytes(octets[: max(cut, 8)])).lower()

    for secret in (PAN[:-1], PAN[1:], BLOCK, TRACK):
        assert secret.lower() not in shown
        assert secret.encode().hex() not in shown


LAID_BARE = IsoMessage(
    "0200",
    {**SECRET.elements, 2: "9990094827153608", 35: "9990094827153608D3012", 4: "0" * 11 + "1"},
)


@given(
    st.sampled_from(PROFILES),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 7)), min_size=1, max_size=3),
    st.sampled_from([b"", b"\x00", b"0", b"00"]),
)
def test_moved_card_number_is_shown_nowhere(
    profile: object, flips: list[tuple[int, int]], extra: bytes
) -> None:
    """Bits of bitmaps and lengths flip, a byte comes in: no other element shows the digits."""
    own = next(one for one in PROFILES if one is profile)
    octets = bytearray(Packager(own).pack(LAID_BARE))
    width = 20 if own.encoding.bitmap == "hex" else 10
    for at, bit in flips:
        octets[at % (width + 4)] ^= 1 << bit
    octets[width:width] = extra

    found = readings(bytes(octets), PROFILES)

    (*_, message) = document_of(found, "here")["messages"]
    shown = "".join(str(one["value"]) for one in message["pieces"])
    raw = bytes.fromhex("".join(one["hex"] or "" for one in message["pieces"]))
    assert "4827153" not in shown
    assert not any(form in raw for form in (b"4827153", "4827153".encode("cp500")))
    assert "4827153" not in raw.hex()


@pytest.mark.parametrize(
    "spoilt",
    [(b"040JHTBAL", b"250JHTBAL"), (b"S1ABC123BNI", b"S1ABC1BNI")],
    ids=["length of DE48", "two bytes too few"],
)
def test_known_card_hides_nothing_else(spoilt: tuple[bytes, bytes]) -> None:
    """Where DE2 is right, times, codes and references before the fault are shown as they are."""
    elements = {**SECRET.elements, 12: "142507", 13: "0630", 18: "6011", 22: "051", 25: "02"}
    del elements[35]
    octets = Packager(PROFILES[0]).pack(IsoMessage("0200", dict(sorted(elements.items()))))

    (message,) = document_of(readings(octets.replace(*spoilt, 1), PROFILES), "here")["messages"]

    shown = {one["element"]: one["value"] for one in message["pieces"]}
    assert message["why_stopped"]
    assert ("142507", "0630", "518107000123") == (shown[12], shown[13], shown[37])
    assert "2 3 4 7 11" in shown[None]
    assert "999009******0012" == shown[2]


def test_second_message_run_into_the_first_shows_no_card() -> None:
    """A lost length header: the card of the message behind is not shown in the first one's."""
    other = IsoMessage("0200", {**SECRET.elements, 2: "9990094827153608", 35: LAID_BARE[35]})
    octets = Packager(PROFILES[0]).pack(SECRET) + Packager(PROFILES[0]).pack(other)

    shown = told(octets)

    assert "999009******0012" in shown
    assert "4827153" not in shown
    assert b"4827153".hex() not in shown
