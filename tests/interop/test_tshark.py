"""tshark, which knows nothing of this project, decodes a whole conversation.

Frames of the default profile (two-byte big-endian length, ASCII, hexadecimal bitmap) are
written as a hex dump, made a capture by text2pcap, and read by Wireshark's dissector.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from atm_switch.wire.framing import enclose
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import PAN, Bench

pytestmark = pytest.mark.skipif(
    shutil.which("tshark") is None or shutil.which("text2pcap") is None,
    reason="tshark is not installed; on Debian: apt-get install --no-install-recommends tshark",
)

PORT = 8583
OPTIONS = (
    "-d", f"tcp.port=={PORT},iso8583",
    "-o", "iso8583.len_endian:Big endian",
    "-o", "iso8583.charset:Digits represented as ASCII Characters",
    "-o", "iso8583.binencode:Bin data represented as Hex Ascii characters",
)  # fmt: skip
FIELDS = ("iso8583.mti", "iso8583.map1", "iso8583.bit2", "iso8583.bit11", "iso8583.bit39")


def hex_dump(data: bytes) -> str:
    """Write bytes as text2pcap wants them."""
    lines = []
    for start in range(0, len(data), 16):
        part = data[start : start + 16].hex(" ")
        lines.append(f"{start:06x} {part}")
    return "\n".join(lines) + "\n"


def capture(folder: Path, segments: list[bytes]) -> Path:
    """Make a capture of one TCP stream, a packet a segment."""
    dump, pcap = folder / "stream.txt", folder / "stream.pcap"
    dump.write_text("\n".join(hex_dump(segment) for segment in segments))
    run("text2pcap", "-q", "-T", f"40000,{PORT}", str(dump), str(pcap))
    return pcap


def run(*command: str) -> str:
    """Run a command to its end."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def rows(pcap: Path) -> list[list[str]]:
    """Return a row of fields for every packet with ISO 8583 in it."""
    chosen = [word for field in FIELDS for word in ("-e", field)]
    out = run(
        "tshark", "-r", str(pcap), *OPTIONS, "-Y", "iso8583", "-T", "fields",
        "-E", "separator=|", *chosen,
    )  # fmt: skip
    return [line.split("|") for line in out.splitlines()]


def conversation() -> list[bytes]:
    """Sign-on, echo, an approved and a declined inquiry, sign-off: both directions, framed."""
    bench = Bench()
    said: list[bytes] = []

    def turn(message: IsoMessage) -> None:
        payload = bench.dialect.packager.pack(message)
        bench.feed(payload)
        said.extend([payload, bench.sent[-1].payload])

    for code, stan in (("001", "000001"), ("301", "000002")):
        turn(IsoMessage("0800", {7: "0630072507", 11: stan, 70: code}))
    turn(bench.inquiry())
    turn(bench.inquiry({11: "000124", 37: "518107000124", 52: bench.pin_block("999999")}))
    turn(IsoMessage("0800", {7: "0630072507", 11: "000003", 70: "002"}))
    return [enclose(bench.dialect.profile.framing, payload) for payload in said]


def test_tshark_reads_the_whole_conversation(tmp_path: Path) -> None:
    """MTIs, STANs, PAN and DE39 come out as they went in, in order."""
    found = rows(capture(tmp_path, conversation()))

    mti = ["0800", "0810"] * 2 + ["0200", "0210"] * 2 + ["0800", "0810"]
    assert mti == [row[0] for row in found]
    assert ["", "", "", "", PAN, PAN, PAN, PAN, "", ""] == [row[2] for row in found]
    assert ["00", "00", "00", "55", "00"] == [row[4] for row in found[1::2]]


def test_tshark_finds_nothing_malformed(tmp_path: Path) -> None:
    """No element of no message is malformed, unknown or left over."""
    pcap = capture(tmp_path, conversation())

    text = run("tshark", "-r", str(pcap), *OPTIONS, "-O", "iso8583", "-V")

    assert "malformed" not in text.lower()
    assert 10 == text.count("ISO 8583-1") + text.count("Iso 8583")


def test_tshark_reads_the_slip_in_full(tmp_path: Path) -> None:
    """DE48, DE54, DE62 and DE63 are whole: the last words of the slip are there."""
    pcap = capture(tmp_path, conversation()[4:6])

    text = run("tshark", "-r", str(pcap), *OPTIONS, "-T", "fields", "-e", "iso8583.bit63")

    assert "R4024" in text
    assert text.rstrip().endswith("TERIMA KASIH")


def test_tshark_reads_frames_cut_and_joined(tmp_path: Path) -> None:
    """One message over two segments and two messages in one are the same messages."""
    first, second, third, *_ = conversation()

    cut = rows(capture(tmp_path, [first[:30], first[30:] + second, third]))

    # A packet with two messages is one row, its fields joined by a comma.
    assert ["0800", "0810", "0800"] == ",".join(row[0] for row in cut).split(",")
    assert ["000001", "000001", "000002"] == ",".join(row[3] for row in cut).split(",")
