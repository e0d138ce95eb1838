"""``terminal-emulator explain`` as a tester types it."""

import json
from pathlib import Path

import pytest

from atm_switch.profile.load import load_profile
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from tests.doubles.packets import ethernet, pcap, tcp_packet
from tests.doubles.served import run

VECTORS = Path(__file__).parents[2] / "specs" / "vectors"
REQUEST = json.loads((VECTORS / "balance_inquiry_request.json").read_text())
FRAMED = bytes.fromhex(REQUEST["framed_hex"])
SPOILT = REQUEST["payload"].replace("040JHTBAL", "250JHTBAL").encode()


def explain(*words: str | Path, typed: str = ""):  # type: ignore[no-untyped-def]  # noqa: ANN201 - as run
    """Run the command to its end."""
    return run("explain", *words, module="terminal_emulator", typed=typed)


def test_hex_on_standard_input_is_explained() -> None:
    """Whole and clean: exit 0, every element on a line, the PAN masked."""
    done = explain(typed=FRAMED.hex())

    assert 0 == done.returncode, done.stderr
    assert "DE002 Primary account number             999009******0012" in done.stdout
    assert "profile bpjstk-jht-v1, framed" in done.stdout


def test_message_that_does_not_decode_exits_one(tmp_path: Path) -> None:
    """It is explained as far as it goes, and one sentence says that it is not whole."""
    (tmp_path / "spoilt.hex").write_text(SPOILT.hex())

    done = explain(tmp_path / "spoilt.hex")

    assert 1 == done.returncode
    assert "the error may start at byte 175" in done.stdout
    assert "not every byte has its place" in done.stderr


def test_profile_that_fits_better_than_the_one_asked_for_is_named(tmp_path: Path) -> None:
    """The bytes of another dialect: read as asked, and told whose they are; no card shows."""
    binary = Packager(load_profile("bpjstk-jht-v1-bcd"))
    message = IsoMessage("0800", {7: "0630072507", 11: "000001", 70: "301"})
    (tmp_path / "theirs.hex").write_text(binary.pack(message).hex())

    asked = explain(tmp_path / "theirs.hex", "--profile", "bpjstk-jht-v1")
    free = explain(tmp_path / "theirs.hex")

    assert "the bytes fit profile bpjstk-jht-v1-bcd better: it has a place for 100%" in asked.stdout
    assert "profile bpjstk-jht-v1, without" in asked.stdout
    assert (1, 0) == (asked.returncode, free.returncode)


def test_digits_alone_are_what_can_be_read() -> None:
    """A sign-on is digits only: as it stands or in hexadecimal, never base64."""
    message = IsoMessage("0800", {7: "0630072507", 11: "000001", 32: "009", 70: "001"})
    plain = Packager(load_profile("bpjstk-jht-v1")).pack(message).decode()
    packed = Packager(load_profile("bpjstk-jht-v1-bcd")).pack(message).hex()

    texts, digits = explain(typed=plain), explain(typed=packed)

    assert plain.isdecimal()
    assert packed.isdecimal()
    assert (0, "text: 1 message, profile bpjstk-jht-v1,") == (texts.returncode, texts.stdout[:39])
    assert (0, "hex: 1 message, profile bpjstk-jht-v1-bcd,") == (
        digits.returncode, digits.stdout[:42]
    )  # fmt: skip


def test_json_is_one_list_with_stable_keys() -> None:
    """Each capture an object, each piece with its place; nothing hidden in hexadecimal."""
    told = json.loads(explain("--json", typed=FRAMED.hex()).stdout)

    assert {
        "where", "profile", "framed", "framed_as", "clean", "left_over_bytes", "messages",
        "diagnosis",
    } == told[0].keys()  # fmt: skip
    pieces = {one["element"]: one for one in told[0]["messages"][0]["pieces"]}
    assert ("999009******0012", None, 20) == tuple(pieces[2][k] for k in ("value", "hex", "offset"))
    assert {
        "element", "name", "offset", "bytes", "hex", "value", "meaning", "fault"
    } == pieces[2].keys()  # fmt: skip


def test_capture_file_is_explained_stream_by_stream(tmp_path: Path) -> None:
    """A frame over two packets is read whole, with both ends named."""
    packets = [tcp_packet(FRAMED[:50], 1), tcp_packet(FRAMED[50:], 51)]
    (tmp_path / "line.pcap").write_bytes(pcap([ethernet(one) for one in packets], link_type=1))

    done = explain(tmp_path / "line.pcap")

    assert 0 == done.returncode, done.stderr
    assert "10.0.0.1:40001 > 10.0.0.2:8583: 1 message" in done.stdout


def test_two_messages_are_compared_element_by_element(tmp_path: Path) -> None:
    """Exit 1 and a line for each difference; 0 for none."""
    (tmp_path / "one.hex").write_text(FRAMED.hex())
    (tmp_path / "two.hex").write_text(
        REQUEST["payload"].replace("0630072507000123", "0630072507000124").encode().hex()
    )

    differs = explain(tmp_path / "one.hex", "--diff", tmp_path / "two.hex")
    same = explain(tmp_path / "one.hex", "--diff", tmp_path / "one.hex")

    assert (1, 0) == (differs.returncode, same.returncode)
    assert "000123 | 000124" in differs.stdout
    assert "1 difference" in differs.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("nowhere.hex",), "No such file"),
        (("--profile", "no-such"), "no profile 'no-such' ships"),
        (("--format", "base64"), "that is not base64"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_sentence(words: tuple[str, ...], sentence: str) -> None:
    """Exit 1, no traceback."""
    done = explain(*words, typed="hello")

    assert 1 == done.returncode
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
