"""Golden bytes that our own packager did not make, both directions, exact."""

import json
from pathlib import Path
from typing import Any

import pytest

from atm_switch.profile.load import load_profile
from atm_switch.switch.policy import PinPolicy
from atm_switch.wire.framing import Frame, FrameBuffer, enclose
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from tests.doubles.bench import Bench, bank

FILES = sorted((Path(__file__).parents[2] / "specs" / "vectors").glob("*.json"))


def read(name: str) -> dict[str, Any]:
    """Read one vector."""
    path = next(path for path in FILES if path.stem == name)
    return dict(json.loads(path.read_text()))


def payload_of(vector: dict[str, Any]) -> bytes:
    """Return a vector's payload."""
    if "payload" in vector:
        return str(vector["payload"]).encode("ascii")
    return bytes.fromhex(vector["payload_hex"])


def message_of(vector: dict[str, Any]) -> IsoMessage:
    """Return a vector's message."""
    return IsoMessage(vector["mti"], {int(n): text for n, text in vector["elements"].items()})


def test_vectors_are_there() -> None:
    """An empty folder proves nothing."""
    assert 5 <= len(FILES)


@pytest.mark.parametrize("name", [path.stem for path in FILES])
def test_vector_unpacks_to_its_elements(name: str) -> None:
    """Every element, and none besides."""
    vector = read(name)

    message = Packager(load_profile(vector["profile"])).unpack(payload_of(vector))

    assert message_of(vector) == message


@pytest.mark.parametrize("name", [path.stem for path in FILES])
def test_vector_is_packed_to_its_bytes(name: str) -> None:
    """Byte for byte."""
    vector = read(name)

    packed = Packager(load_profile(vector["profile"])).pack(message_of(vector))

    assert payload_of(vector) == packed


@pytest.mark.parametrize("name", [path.stem for path in FILES])
def test_vector_is_framed_both_ways(name: str) -> None:
    """The length header, and the header behind it where there is one."""
    vector = read(name)
    framing = load_profile(vector["profile"]).framing
    frame = Frame(bytes.fromhex(vector.get("header_hex", "")), payload_of(vector))
    buffer = FrameBuffer(framing)
    buffer.receive(bytes.fromhex(vector["framed_hex"]))

    assert [frame] == list(buffer.frames())
    assert vector["framed_hex"] == enclose(framing, frame.payload, frame.header).hex()


def test_golden_request_is_221_bytes() -> None:
    """The length in the design page."""
    assert "00dd" == read("balance_inquiry_request")["framed_hex"][:4]
    assert 221 == len(payload_of(read("balance_inquiry_request")))


def test_golden_request_gets_the_golden_response() -> None:
    """The whole 0210, DE48, DE54, screen and slip, byte for byte."""
    banks = (bank(pin=PinPolicy.ACQUIRER, unmasked_kpj=True),)
    bench = Bench("bpjstk-jht-v1-golden", banks)
    bench.sign_on()

    bench.feed(payload_of(read("balance_inquiry_request")))

    assert payload_of(read("balance_inquiry_response")) == bench.sent[-1].payload


def test_golden_echo_is_answered_before_sign_on() -> None:
    """DE7, DE11 and DE70 come back with DE39 00; the answer is written by hand."""
    bench = Bench("bpjstk-jht-v1-golden")

    bench.feed(payload_of(read("echo_request")))

    expected = b"0810" + b"8220000002000000" + b"0400000000000000" + b"063007250700000100301"
    assert expected == bench.sent[-1].payload
