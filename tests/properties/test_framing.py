"""Claims about framing that hold for every kind of length header and every cut."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.domain.errors import FramingError
from atm_switch.profile.load import load_profile
from atm_switch.profile.model import Framing
from atm_switch.wire.framing import Frame, FrameBuffer, answering_header, enclose

BASE = load_profile("bpjstk-jht-v1").framing
ETX = b"\x03"
ISO = b"ISO041000017"
TPDU = bytes.fromhex("6000030001")

KINDS = {
    "2-byte big-endian": BASE,
    "2-byte big-endian, inclusive": replace(BASE, counts_itself=True),
    "2-byte little-endian": replace(BASE, length="binary-little-endian"),
    "4-byte big-endian": replace(BASE, length_bytes=4),
    "4 ASCII digits": replace(BASE, length="ascii-digits", length_bytes=4),
    "4 ASCII digits, inclusive": replace(
        BASE, length="ascii-digits", length_bytes=4, counts_itself=True
    ),
    "4 ASCII digits, ETX counted": replace(
        BASE, length="ascii-digits", length_bytes=4, trailer=ETX
    ),
    "4 ASCII digits, ETX not counted": replace(
        BASE, length="ascii-digits", length_bytes=4, trailer=ETX, counts_trailer=False
    ),
    "4 ASCII hex digits": replace(BASE, length="ascii-hex", length_bytes=4),
    "2-byte BCD": replace(BASE, length="bcd"),
    "ISO literal": replace(
        BASE, header_bytes=12, header_starts=b"ISO", header_own=ISO, length="ascii-digits",
        length_bytes=4,
    ),
    "TPDU": replace(BASE, header_bytes=5, header_own=TPDU, header_is_tpdu=True),
}  # fmt: skip

kinds = st.sampled_from(sorted(KINDS)).map(KINDS.__getitem__)
payload_lists = st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=8)


def cut(framing: Framing, stream: bytes, places: list[int]) -> list[Frame]:
    """Give a buffer the stream in pieces and collect the frames."""
    buffer, frames, start = FrameBuffer(framing), [], 0
    for place in [*sorted(places), len(stream)]:
        buffer.receive(stream[start:place])
        start = max(start, place)
        frames += list(buffer.frames())
    assert 0 == buffer.pending
    return frames


@given(kinds, payload_lists, st.data())
def test_frames_come_out_whole_however_cut(
    framing: Framing, payloads: list[bytes], data: st.DataObject
) -> None:
    """Same frames, same order, for every kind and every cut of the stream."""
    stream = b"".join(enclose(framing, payload) for payload in payloads)
    places = data.draw(st.lists(st.integers(0, len(stream)), max_size=12))

    frames = cut(framing, stream, places)

    assert [Frame(framing.header_own, payload) for payload in payloads] == frames


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_single_byte_cut_gives_the_frame(kind: str) -> None:
    """Byte by byte, and cut in two at every place."""
    framing = KINDS[kind]
    stream = enclose(framing, b"0800" * 5)
    expected = [Frame(framing.header_own, b"0800" * 5)]

    assert expected == cut(framing, stream, list(range(len(stream))))
    for place in range(len(stream)):
        assert expected == cut(framing, stream, [place])


@given(kinds, st.binary(max_size=64))
def test_garbage_ends_in_a_framing_error_or_in_frames(framing: Framing, garbage: bytes) -> None:
    """No other exception, and never more kept than one frame and one read."""
    buffer = FrameBuffer(framing)
    buffer.receive(garbage)

    try:
        frames = list(buffer.frames())
    except FramingError:
        return

    assert len(garbage) >= sum(len(frame.payload) for frame in frames) + buffer.pending


@given(payload_lists)
def test_whoever_stops_early_loses_no_frame(payloads: list[bytes]) -> None:
    """Taking one frame at a time gives the same as taking all."""
    buffer = FrameBuffer(BASE)
    buffer.receive(b"".join(enclose(BASE, payload) for payload in payloads))
    taken = []

    for _ in payloads:
        for frame in buffer.frames():
            taken.append(frame.payload)
            break

    assert payloads == taken


@given(st.binary(min_size=5, max_size=5))
def test_tpdu_addresses_change_places_and_back(header: bytes) -> None:
    """Destination and source swap; twice is the header itself."""
    framing = KINDS["TPDU"]

    back = answering_header(framing, header)

    assert header[:1] + header[3:] + header[1:3] == back
    assert header == answering_header(framing, back)
