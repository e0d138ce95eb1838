"""Claims about the whole switch: real processes, real files, frames written by hand."""

import json
import signal
import socket
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.doubles.served import Served, make_folder, run, serve

SIGN_ON = "08008220000000000000" + "0400000000000000" + "{de7}000001001"
"""MTI, bitmaps for 1, 7, 11, 70; then DE7, STAN, code: written by hand."""

INQUIRY = (
    "0200723A448108E18000"
    "169990090000000012310000000000000000{de7}{stan}142507063007016011051"
    "0203009518107{stan}S1ABC123BNI000000000001"
    "ATM KC HARMONI        JAKARTA       ID  "
    "040JHTBAL0000000000000000000000000000ID0040360"
)
"""The golden request of domain.md 6 with DE7 and STAN left open; no DE52."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bank that verifies PINs itself, as the hand-made frame has none."""
    return make_folder(tmp_path_factory.mktemp("switch"), "--pin", "acquirer")


@pytest.fixture(scope="module")
def switch(folder: Path) -> Iterator[Served]:
    """The switch of that bank."""
    with serve(folder) as served:
        yield served


class Wire:
    """A socket that speaks two-byte lengths; nothing of the project's is used."""

    def __init__(self, port: int) -> None:
        """Connect."""
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=90)

    def say(self, text: str) -> None:
        """Send one frame."""
        payload = text.encode("ascii")
        self.socket.sendall(struct.pack(">H", len(payload)) + payload)

    def hear(self) -> str:
        """Read one frame."""
        (length,) = struct.unpack(">H", self._exactly(2))
        return self._exactly(length).decode("ascii")

    def ask(self, text: str) -> str:
        """Send one frame and read one."""
        self.say(text)
        return self.hear()

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            assert part, "the switch hung up"
            data += part
        return data


def stamp() -> str:
    """DE7 now."""
    return f"{datetime.now(UTC):%m%d%H%M%S}"


@pytest.fixture
def wire(switch: Served) -> Iterator[Wire]:
    """A signed-on line."""
    line = Wire(switch.port)
    assert "00" == line.ask(SIGN_ON.format(de7=stamp()))[-5:-3]
    yield line
    line.socket.close()


def test_hand_made_inquiry_is_answered_with_the_published_balance(wire: Wire) -> None:
    """A frame nobody's packager made gets the sample member's slip."""
    answer = wire.ask(INQUIRY.format(de7=stamp(), stan="000123"))

    assert "0210" == answer[:4]
    assert "SALDO AWAL THN  Rp         19.409.470,47" in answer
    assert "JHTBAL*******8901BU** SAN****" in answer


def test_inquiry_before_sign_on_gets_58(switch: Served) -> None:
    """Without sign-on the answer is 58 and holds no balance."""
    line = Wire(switch.port)

    answer = line.ask(INQUIRY.format(de7=stamp(), stan="000124"))
    line.socket.close()

    assert "58" == answer[answer.index("518107000124") + 12 :][:2]
    assert "19.409.470" not in answer


def test_pin_block_with_a_pan_is_not_logged_or_journaled(wire: Wire, folder: Path) -> None:
    """After an inquiry no file of the folder and no log line holds the PAN."""
    wire.ask(INQUIRY.format(de7=stamp(), stan="000125"))

    files = [path for path in folder.rglob("*") if path.is_file() and "sample" not in path.parts]
    sinks = b"".join(path.read_bytes() for path in [*files, folder.parent / "bank.log"])
    assert b"9990090000000012" not in sinks
    assert b"999009******0012" in sinks


def test_emulator_reads_what_the_switch_wrote(switch: Served, folder: Path) -> None:
    """``inquire --json`` shows the published opening balance and exits 0."""
    done = run(
        "inquire", "--connect", switch.address, "--kit", folder / "terminal-kit.json",
        "--pan", "9990090000000012", "--json", module="terminal_emulator",
    )  # fmt: skip

    assert 0 == done.returncode, done.stderr
    assert "19.409.470,47" in "".join(json.loads(done.stdout)["receipt"])


def test_answered_request_is_repeated_byte_for_byte_after_kill_nine(tmp_path: Path) -> None:
    """The stored 0210 outlives the process; other content under the same key is 94."""
    folder = make_folder(tmp_path, "--pin", "acquirer")
    request = INQUIRY.format(de7=stamp(), stan="000777")
    with serve(folder) as served:
        line = Wire(served.port)
        line.ask(SIGN_ON.format(de7=stamp()))
        first = line.ask(request)
        line.socket.close()
        assert -signal.SIGKILL == served.stop(signal.SIGKILL)

    with serve(folder) as served:
        line = Wire(served.port)
        line.ask(SIGN_ON.format(de7=stamp()))
        again = line.ask(request)
        as_0201 = line.ask("0201" + request[4:])
        other = line.ask(request.replace("ATM KC HARMONI", "ATM KC MONAS  "))
        line.socket.close()

    assert first == again == as_0201
    assert "94" == other[other.index("518107000777") + 12 :][:2]


def test_sigterm_ends_the_switch_with_exit_code_0(tmp_path: Path) -> None:
    """A stop asked for is no failure, and the port is free again."""
    with serve(make_folder(tmp_path)) as served:
        assert 0 == served.stop()

        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", served.port), timeout=2)
