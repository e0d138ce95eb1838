"""tshark, which knows nothing of this project, decodes a whole conversation.

Frames of the default profile (two-byte big-endian length, ASCII, hexadecimal bitmap) are
written as a hex dump, made a capture by text2pcap, and read by Wireshark's dissector.
Wireshark does not check that a message ends where its elements end, so the values are
compared one by one, not only looked at for complaints.
"""

import json
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
VECTORS = Path(__file__).parents[2] / "specs" / "vectors"
MTIS = ["0800", "0810"] * 2 + ["0200", "0210"] * 2 + ["0800", "0810"]


def vector(name: str) -> bytes:
    """Return a golden frame, made by hand."""
    return bytes.fromhex(json.loads((VECTORS / f"{name}.json").read_text())["framed_hex"])


def run(*command: str) -> str:
    """Run a command to its end."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def hex_dump(data: bytes) -> str:
    """Write bytes as text2pcap wants them."""
    lines = [f"{at:06x} {data[at : at + 16].hex(' ')}" for at in range(0, len(data), 16)]
    return "\n".join(lines) + "\n"


def capture(folder: Path, segments: list[bytes]) -> Path:
    """Make a capture of one TCP stream, a packet a segment."""
    dump, pcap = folder / "stream.txt", folder / "stream.pcap"
    dump.write_text("\n".join(hex_dump(segment) for segment in segments))
    run("text2pcap", "-q", "-T", f"40000,{PORT}", str(dump), str(pcap))
    return pcap


def columns(pcap: Path, *fields: str) -> list[list[str]]:
    """Return every value of each field, in the order of the stream."""
    chosen = [word for field in fields for word in ("-e", f"iso8583.{field}")]
    out = run(
        "tshark", "-r", str(pcap), *OPTIONS, "-Y", "iso8583", "-T", "fields",
        "-E", "separator=/t", "-E", "aggregator=|", *chosen,
    )  # fmt: skip
    rows = [line.split("\t") for line in out.splitlines()]
    return [
        [value for cell in cells for value in cell.split("|")] for cells in zip(*rows, strict=True)
    ]


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
    """
    MTIs, STANs, PAN and DE39 come out as they went in, in order.
    """
    pcap = capture(tmp_path, conversation())

    mti, pan, stan, code = columns(pcap, "mti", "bit2", "bit11", "bit39")

    assert MTIS == mti
    stans = ["000001"] * 2 + ["000002"] * 2 + ["000123"] * 2 + ["000124"] * 2 + ["000003"] * 2
    assert stans == stan
    assert ["", "", "", "", PAN, PAN, PAN, PAN, "", ""] == pan
    assert ["00", "00", "00", "55", "00"] == code[1::2]
    assert {""} == set(code[0::2])


def test_tshark_reads_the_golden_vectors_exactly(tmp_path: Path) -> None:
    """
    Lengths, bitmaps and DE48, 54, 62 and 63 of the frames made by hand, to the character.
    """
    names = ("echo_request", "balance_inquiry_request", "balance_inquiry_response")
    elements = json.loads((VECTORS / f"{names[2]}.json").read_text())["elements"]
    pcap = capture(tmp_path, [vector(name) for name in names])

    length, mti, first, second = columns(pcap, "len", "mti", "map1", "map2")

    assert ["0800", "0200", "0210"] == mti
    assert [str(len(vector(name)) - 2) for name in names] == [str(int(n, 0)) for n in length]
    bitmaps = ["8220000000000000", "723A448108E18000", "723A44810AE18406"]
    assert bitmaps == [bitmap.upper().removeprefix("0X") for bitmap in first]
    assert "0400000000000000" == second[0].upper().removeprefix("0X")
    for number in ("48", "54", "62", "63"):
        (values,) = columns(pcap, f"bit{number}")
        assert elements[number].strip() == values[-1].strip()


def test_tshark_finds_nothing_malformed(tmp_path: Path) -> None:
    """
    No element of no message is malformed or unknown, and every message is dissected.
    """
    pcap = capture(tmp_path, conversation())

    text = run("tshark", "-r", str(pcap), *OPTIONS, "-V").lower()
    marked = run("tshark", "-r", str(pcap), *OPTIONS, "-Y", "_ws.malformed || _ws.expert")

    assert "malformed" not in text
    assert "" == marked
    assert len(MTIS) == text.count("mti:")


@pytest.mark.parametrize("cut", [1, 2, 3, 6, 30, 56])
def test_tshark_joins_what_segments_cut(tmp_path: Path, cut: int) -> None:
    """
    A message over two segments, and the rest of it with the next in one, are read alike.
    """
    first, second, third, *_ = conversation()
    stream = first + second + third
    whole = columns(capture(tmp_path, [first, second, third]), "mti", "bit11", "bit70")

    pieces = [stream[:cut], stream[cut : len(first + second)], third]
    found = columns(capture(tmp_path, pieces), "mti", "bit11", "bit70")

    assert ["0800", "0810", "0800"] == found[0]
    assert whole == found


def test_tshark_reads_messages_in_one_segment(tmp_path: Path) -> None:
    """
    A whole conversation in one packet is as many messages.
    """
    said = conversation()[:6]

    mti, stan = columns(capture(tmp_path, [b"".join(said)]), "mti", "bit11")

    assert MTIS[:6] == mti
    assert ["000001"] * 2 + ["000002"] * 2 + ["000123"] * 2 == stan
