"""Explaining messages: whole ones, broken ones, and any bytes at all; nothing secret shows."""

import base64
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.profile.load import load_profile
from atm_switch.wire.framing import enclose
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from terminal_emulator.explain.capture import NothingFound, captured
from terminal_emulator.explain.dissection import dissect
from terminal_emulator.explain.guess import readings
from terminal_emulator.explain.show import difference, document_of, text_of

NAMES = ("bpjstk-jht-v1", "bpjstk-jht-v1-bcd", "bpjstk-jht-v1-ebcdic")
PROFILES = [load_profile(name) for name in NAMES]
VECTORS = Path(__file__).parents[3] / "specs" / "vectors"
REQUEST = json.loads((VECTORS / "balance_inquiry_request.json").read_text())
RESPONSE = json.loads((VECTORS / "balance_inquiry_response.json").read_text())
GOLDEN = REQUEST["payload"].encode()
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
@pytest.mark.parametrize("is_framed", [False, True])
def test_profile_and_framing_are_found_by_themselves(profile: object, is_framed: bool) -> None:  # noqa: FBT001 - a parameter
    """Golden request in each dialect, bare and framed: read by its own profile, clean."""
    own = next(one for one in PROFILES if one is profile)
    payload = Packager(own).pack(Packager(PROFILES[0]).unpack(GOLDEN))
    octets = enclose(own.framing, payload) if is_framed else payload

    best = readings(octets, PROFILES)[0]

    assert (own.name, is_framed, True) == (best.profile.name, best.is_framed, best.is_clean)


def test_every_byte_of_the_golden_request_has_a_place() -> None:
    """The pieces lie side by side from the first byte to the last."""
    dissection = dissect(GOLDEN, PROFILES[0])

    assert GOLDEN == b"".join(piece.octets for piece in dissection.pieces)
    assert dissection.is_clean


def test_golden_response_is_put_into_words() -> None:
    """Outcome, amounts, screen and slip are there as they may be shown."""
    text = text_of(readings(RESPONSE["payload"].encode(), PROFILES), "here")

    assert "approved: Transaksi berhasil / Approved" in text
    assert "currency 360: 21,629,644.73" in text
    assert "|SALDO JHT       Rp         21.629.644,73|" in text
    assert "receipt, 24 lines of 40" in text


def test_wrong_length_is_found_where_it_stands() -> None:
    """The place, what it says, what is left, and how well each profile fits."""
    spoilt = GOLDEN.replace(b"040JHTBAL", b"250JHTBAL", 1)

    text = text_of(readings(spoilt, PROFILES), "here")

    assert "byte 175: DE048 Inquiry data: its length says 250, 43 bytes are left" in text
    assert "the switch would answer 30: DE048" in text
    assert re.search(r"profile bpjstk-jht-v1-\w+ has a place for \d+% of the bytes", text)


def test_fault_of_content_is_named_and_not_shown() -> None:
    """A letter in a number: the element has a fault, the walk goes on to the end."""
    spoilt = GOLDEN.replace(b"000123142507", b"0001X3142507", 1)

    dissection = dissect(spoilt, PROFILES[0])

    assert [(11, "is not of class n")] == [(one.number, one.fault) for one in dissection.faults]
    assert not dissection.why_stopped
    assert "0001X3" not in told(spoilt)


def test_two_messages_in_one_capture_are_both_read() -> None:
    """Frames behind each other, and the beginning of a third."""
    frame = enclose(PROFILES[0].framing, GOLDEN)

    best = readings(frame + frame + frame[:9], PROFILES)[0]

    assert (2, 9) == (len(best.dissections), len(best.left_over))
    assert "then 9 bytes of a frame that is not whole" in told(frame + frame + frame[:9])


def test_length_header_that_lies_is_named() -> None:
    """The message behind it is read all the same, and said to have a wrong header."""
    for header in (b"\x00\x20", b"\x01\xff", b"\xff\xff"):
        shown = told(header + GOLDEN)

        assert "DE002 Primary account number" in shown
        assert "the error may start at byte 0" in shown


def test_header_of_another_profile_is_named() -> None:
    """Payload of one dialect behind the length of another: both are told."""
    binary = next(one for one in PROFILES if one.name.endswith("-bcd"))

    best = readings(enclose(binary.framing, GOLDEN), PROFILES)

    assert ("bpjstk-jht-v1", "bpjstk-jht-v1-bcd") == (best[0].profile.name, best[0].framed_as)
    assert "the length header is that of profile bpjstk-jht-v1-bcd" in text_of(best, "here")


def test_dump_with_lines_left_out_is_whole() -> None:
    """A dump has a star for lines like the one before; they count, also at its end."""
    octets = GOLDEN[:16] + b" " * 64 + GOLDEN[16:19] + b"|" * 45
    lines, last = [], b""
    for at in range(0, len(octets), 16):
        line = octets[at : at + 16]
        if line != last:
            lines.append(f"{at:08x}  {line.hex(' ')}  |{line.decode()}|")
        elif lines[-1] != "*":
            lines.append("*")
        last = line

    (found,) = captured("\n".join([*lines, f"{len(octets):08x}"]).encode())

    assert octets == found.octets


def test_bars_in_the_readable_column_do_no_harm() -> None:
    """The slip's own lines hold bars; xxd shows them beside the digits."""
    octets = GOLDEN[:16] + b"||12 34 56 78|AB|"
    dump = "".join(
        f"{at:08x}: {octets[at : at + 16].hex(' ', 2):39}  {octets[at : at + 16].decode()}\n"
        for at in range(0, len(octets), 16)
    )

    assert [octets] == [one.octets for one in captured(dump.encode())]


def test_name_of_a_request_is_no_message() -> None:
    """A UUID in a log line is passed over, the message beside it is taken."""
    line = f"id=550e8400-e29b-41d4-a716-446655440000 raw={GOLDEN.hex()}"

    assert [GOLDEN] == [one.octets for one in captured(line.encode())]


@given(
    st.one_of(
        st.binary(max_size=200), st.text("0123456789abcdefx:|* \n-", max_size=200).map(str.encode)
    )
)
def test_any_input_is_taken_or_refused(octets: bytes) -> None:
    """Whatever is piped in: bytes, or ``NothingFound``."""
    try:
        found = captured(octets)
    except NothingFound:
        found = []

    assert all(one.octets for one in found)


@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_at_all_are_explained(octets: bytes) -> None:
    """No bytes make it fail, and all of them are accounted for."""
    best = readings(octets, PROFILES)[0]

    assert text_of([best], "here")
    assert all(0 <= one.stopped_at <= len(one.payload) for one in best.dissections)


@pytest.mark.parametrize(
    "text",
    [
        GOLDEN.hex(), GOLDEN.hex().upper(), GOLDEN.hex(" "), f"0x{GOLDEN.hex()}",
        GOLDEN.hex("-", 4), "\n".join(GOLDEN.hex()[at : at + 60] for at in range(0, 442, 60)),
        base64.b64encode(GOLDEN).decode(), GOLDEN.decode(),
        f'{{"event": "sent", "raw": "{GOLDEN.hex()}"}}',
        "".join(
            f"{at:08x}  {GOLDEN[at : at + 8].hex(' ')}  {GOLDEN[at + 8 : at + 16].hex(' ')}"
            f"  |{'.' * 16}|\n"
            for at in range(0, len(GOLDEN), 16)
        ) + f"{len(GOLDEN):08x}\n",
        "".join(
            f"{at:08x}: {GOLDEN[at : at + 16].hex(' ', 2)}  {'.' * 16}\n"
            for at in range(0, len(GOLDEN), 16)
        ),
    ],
    ids=[
        "hex", "upper", "spaced", "0x", "dashed", "lines", "base64", "text", "log", "hexdump",
        "xxd",
    ],
)  # fmt: skip
def test_message_is_found_in_every_spelling(text: str) -> None:
    """What testers have is taken as it is."""
    assert [GOLDEN] == [one.octets for one in captured(text.encode())]


@pytest.mark.parametrize("given_text", ["", "   \n", "hello", "no message here, 42", "1"])
def test_text_without_a_message_is_refused(given_text: str) -> None:
    """It says what would be taken."""
    with pytest.raises(NothingFound, match="give hex, base64, a log line or a pcap file"):
        captured(given_text.encode())


def test_recording_is_told_from_a_message() -> None:
    """What ``record -o`` writes holds no bytes of the line; the sentence says what does."""
    recording = b'{"recording": 1, "profile": "bpjstk-jht-v1", "began": "2026-11-30T03:31:54Z"}\n'

    with pytest.raises(NothingFound, match="explain what record --pcap writes"):
        captured(recording)


def test_difference_names_elements_and_masks_them() -> None:
    """MTI, a changed element, one that is missing, and a PAN that differs under its mask."""
    other = {**SECRET.elements, 11: "000124", 2: "9990090111110012"}
    del other[42]
    one, two = (
        dissect(Packager(PROFILES[0]).pack(IsoMessage(mti, elements)), PROFILES[0])
        for mti, elements in (("0200", SECRET.elements), ("0201", other))
    )

    lines = difference(one, two)

    assert "MTI    0200 | 0201" == lines[0]
    assert any("DE002" in line and "(differs where it is masked)" in line for line in lines)
    assert any("DE011" in line and "000123 | 000124" in line for line in lines)
    assert any("DE042" in line and line.endswith("| -") for line in lines)
    assert 4 == len(lines)


def test_hexadecimal_that_lost_half_a_byte_is_still_hexadecimal() -> None:
    """Its last digit is left out, and it says so."""
    (whole,) = captured(b"3032303037323341343434")
    (cut,) = captured(b"303230303732334134343")

    assert b"0200723A444" == whole.octets
    assert b"0200723A44" == cut.octets
    assert "21 are an odd number" in cut.where
