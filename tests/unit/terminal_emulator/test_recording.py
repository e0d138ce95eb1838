"""Lines and packets of a recording: what they keep, and that no secret is in them."""

import json
import struct
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.messages.text_block import TextBlock
from atm_switch.profile.load import load_profile
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from terminal_emulator.explain.pcap import streams
from terminal_emulator.recording.compare import differences
from terminal_emulator.recording.packets import Capture
from terminal_emulator.recording.tape import Tape

NAMES = ("bpjstk-jht-v1", "bpjstk-jht-v1-bcd", "bpjstk-jht-v1-ebcdic")
PROFILES = [load_profile(name) for name in NAMES]
PAN, KPJ, TRACK = "9990094827153608", "12345678901", "9990094827153608D3012"
BLOCK, MAC, NAME = "0A1B2C3D4E5F6071", "A1B2C3D4E5F60718", "SITI RAHAYU"
SECRET = IsoMessage(
    "0200",
    {
        2: PAN, 3: "310000", 4: "0" * 12, 7: "0630072507", 11: "000123", 14: "3012", 35: TRACK,
        37: "518107000123", 41: "S1ABC123", 42: "BNI000000000001", 43: NAME.ljust(40),
        48: f"JHTBAL{KPJ}1{'0' * 16}ID0040".ljust(40), 52: BLOCK, 55: "9F2701" * 4,
        62: TextBlock("S", 40, (NAME, KPJ)).text(), 64: MAC,
    },
)  # fmt: skip
SECRETS = (PAN, PAN[6:-4], KPJ, TRACK, BLOCK, MAC, NAME, "9F2701")


@pytest.mark.parametrize("profile", PROFILES, ids=NAMES)
def test_no_secret_is_in_line_or_packet(profile: object) -> None:
    """Every masked or hidden element of each dialect is out of both, in any encoding."""
    own = next(one for one in PROFILES if one is profile)
    payload = Packager(own).pack(SECRET)

    line = Tape(own).line(payload, 1, 0.5, is_from_host=False)
    packet = Capture(own).packet(payload, 1, 1, 0.5, is_from_host=False)

    for secret in SECRETS:
        assert secret not in line
        assert secret.encode() not in packet
        assert secret.encode("cp500") not in packet
        assert secret.lower() not in packet.hex()


@pytest.mark.parametrize("profile", PROFILES, ids=NAMES)
def test_packet_is_as_long_as_what_passed(profile: object) -> None:
    """The masked message reads under its profile, element by element in its place."""
    own = next(one for one in PROFILES if one is profile)
    payload, capture = Packager(own).pack(SECRET), Capture(own)

    packet = capture.packet(payload, 3, 1, 0.5, is_from_host=False)

    (stream,) = streams(capture.head() + packet)
    masked = Packager(own).unpack(stream.octets[-len(payload) :])
    assert SECRET.elements.keys() == masked.elements.keys()
    assert "999009900000003" == masked[2][:-1]
    assert "310000" == masked[3]


@given(st.binary(min_size=1, max_size=200))
def test_unreadable_frame_leaves_length_and_digest(payload: bytes) -> None:
    """No byte of it is kept: zeros in the packet; the digest tells the same bytes again."""
    tape, capture = Tape(PROFILES[0]), Capture(PROFILES[0])

    first, again = (
        json.loads(tape.line(payload, 1, at, is_from_host=True)) for at in (0.1, 0.2)
    )  # fmt: skip
    other = json.loads(Tape(PROFILES[0]).line(payload, 1, 0.1, is_from_host=True))
    packet = capture.packet(payload, 0, 1, 0.1, is_from_host=True)

    assert ("unreadable from host", len(payload)) == (first["way"], first["bytes"])
    assert first["digest"] == again["digest"] != other["digest"]
    assert bytes(len(payload)) == packet[-len(payload) :]


def test_head_and_time_are_those_of_a_capture() -> None:
    """Microseconds since 1970; raw IP (101)."""
    capture = Capture(PROFILES[0])
    at = datetime(2026, 6, 30, 7, 25, 7, 250_000, tzinfo=UTC).timestamp()

    packet = capture.packet(b"x", 0, 1, at, is_from_host=False)

    assert 101 == struct.unpack_from("<I", capture.head(), 20)[0]
    assert (int(at), 250_000) == struct.unpack_from("<II", packet)


def test_answers_are_compared_by_what_hosts_decide() -> None:
    """Time, reference, terminal and MAC may be others; amount, currency and slip may not."""
    asked = IsoMessage("0200", {3: "310000", 7: "0630072507", 11: "000001", 41: "S1ABC124"})
    echo = {3: "310000", 7: "0630072507", 11: "000001", 41: "S1ABC124", 39: "00"}
    recorded = {
        "elements": {"3": "310000", "7": "0629072507", "11": "000123", "39": "00", "49": "360"},
        "left_out": [62, 64],
        "asked": [3, 7, 11, 12],
    }

    same = IsoMessage("0210", {**echo, 49: "360", 62: "S"})
    other = IsoMessage("0210", {**echo, 49: "840", 63: "R"})

    assert [] == list(differences(recorded, same, asked, PROFILES[0]))
    assert [
        "DE049: recorded 360, got 840",
        "DE062: missing now",
        "DE063: not recorded, now there",
    ] == (list(differences(recorded, other, asked, PROFILES[0])))
