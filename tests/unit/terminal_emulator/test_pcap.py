"""TCP streams out of captures written by hand and by Wireshark's own tools."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminal_emulator.explain.pcap import Stream, is_capture, streams
from tests.doubles.packets import CLIENT, SERVER, ethernet, pcap, pcapng, tcp_packet

HELLO = [b"first ", b"second ", b"third"]


def segments(start: int = 1000) -> list[bytes]:
    """Three packets of one direction."""
    packets, at = [], start
    for octets in HELLO:
        packets.append(tcp_packet(octets, at % 2**32))
        at += len(octets)
    return packets


@pytest.mark.parametrize(
    "written",
    [
        pcap,
        lambda packets: pcap(packets, order=">"),
        pcapng,
        lambda packets: pcap([ethernet(one) for one in packets], link_type=1),
        lambda packets: pcap([ethernet(one, vlan=7) for one in packets], link_type=1),
        lambda packets: pcap([b"\2\0\0\0" + one for one in packets], link_type=0),
        lambda packets: pcap([b"\0" * 14 + b"\x08\0" + one for one in packets], link_type=113),
    ],
    ids=["little", "big", "pcapng", "ethernet", "vlan", "loopback", "cooked"],
)
def test_segments_become_one_stream(written: Callable[[list[bytes]], bytes]) -> None:
    """In every kind of file and link, one run of bytes with both ends named."""
    capture = written(segments())

    assert is_capture(capture)
    assert [Stream(b"first second third", "10.0.0.1:40001 > 10.0.0.2:8583")] == streams(capture)


@given(st.permutations(range(3)), st.integers(0, 2**32 - 1))
def test_order_repeats_and_wrap_do_not_matter(order: list[int], start: int) -> None:
    """Segments in any order, each twice, from any sequence number on: the same bytes."""
    packets = segments(start)

    found = streams(pcap([packets[at] for at in [*order, *reversed(order)]]))

    assert [b"first second third"] == [one.octets for one in found]


def test_gap_ends_a_run_and_is_told() -> None:
    """What was not captured is counted; what comes after is a run of its own."""
    packets = segments()

    found = streams(pcap([packets[0], packets[2]]))

    assert [b"first ", b"third"] == [one.octets for one in found]
    assert found[1].where.endswith("after 7 bytes that were not captured")


def test_directions_are_kept_apart() -> None:
    """Question and answer are two streams."""
    answer = tcp_packet(b"answer", 5, SERVER, CLIENT)

    assert [b"first second third", b"answer"] == [
        one.octets for one in streams(pcap([*segments(), answer]))
    ]


def test_handshake_counts_one_and_six_is_read_too() -> None:
    """A SYN takes one number; IPv6 hosts are written in brackets."""
    ends = (("fe80::1", 1), ("fe80::2", 2))
    packets = [tcp_packet(b"", 9, *ends, flags=2), tcp_packet(b"six", 10, *ends)]

    assert [Stream(b"six", "[fe80::1]:1 > [fe80::2]:2")] == streams(pcap(packets))


@given(st.binary(max_size=200), st.integers(0, 400))
def test_spoilt_captures_give_what_there_is(noise: bytes, cut: int) -> None:
    """Cut anywhere, or with noise behind: no exception, no bytes that were not there."""
    capture = pcap([ethernet(one) for one in segments()], link_type=1)

    for spoilt in (capture[:cut], capture + noise, capture[:24] + noise, pcapng([noise])):
        for one in streams(spoilt) if is_capture(spoilt) else []:
            assert len(one.octets) <= len(spoilt)


@pytest.mark.skipif(shutil.which("text2pcap") is None, reason="Wireshark's tools are not installed")
@pytest.mark.parametrize("form", ["pcap", "pcapng"])
def test_captures_of_wireshark_are_read(tmp_path: Path, form: str) -> None:
    """A capture that text2pcap has written gives the very bytes back."""
    octets = bytes(range(200))
    dump = "".join(f"{at:06x} {octets[at : at + 16].hex(' ')}\n" for at in range(0, 200, 16))
    (tmp_path / "dump.txt").write_text(dump)
    subprocess.run(
        ["text2pcap", "-F", form, "-T", "40001,8583", tmp_path / "dump.txt", tmp_path / "out"],
        check=True,
        capture_output=True,
    )

    assert [octets] == [one.octets for one in streams((tmp_path / "out").read_bytes())]
