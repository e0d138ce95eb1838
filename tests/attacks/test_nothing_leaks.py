"""No sink of a running switch holds a card number, a PIN, a PIN block, a track, a key or a NIK.

Real processes; approvals, declines, garbage and refusals go through, the canaries in every
place a peer can put them; then every file the switch wrote and every line it said is
searched, in text, BCD, hexadecimal and base64.
"""

import base64
import csv
import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from atm_switch.domain.card import Pan
from atm_switch.domain.secret import Key, Pin
from atm_switch.profile.load import load_profile
from atm_switch.security.pin_block import encipher
from atm_switch.wire.framing import FrameBuffer, enclose
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from tests.doubles.served import make_folder, run, serve

PAN = "9990090000000012"
UNKNOWN_PAN = "9990090000099999"
TRACK_2 = PAN + "=30121019876543210123"
WRITTEN_FOR_PEOPLE = ("sample", "terminal-kit.json")
"""What ``init`` writes into a lab folder on purpose: the sample's CSV files, the kit."""


def luhn_valid(body: str) -> str:
    """Give 15 digits their check digit."""
    for digit in "0123456789":
        try:
            return Pan(body + digit).digits
        except ValueError:
            continue
    raise AssertionError(body)


class Talk:
    """A link that sends what it is told and collects what comes back."""

    def __init__(self, port: int) -> None:
        """Connect."""
        profile = load_profile("bpjstk-jht-v1")
        self.framing, self.packager = profile.framing, Packager(profile)
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.heard = b""
        self._buffer = FrameBuffer(self.framing)

    def ask_raw(self, payload: bytes) -> bytes:
        """Send one payload, return the next one heard."""
        self.socket.sendall(enclose(self.framing, payload))
        while True:
            for frame in self._buffer.frames():
                return frame.payload
            data = self.socket.recv(65_536)
            assert data, "the switch hung up"
            self.heard += data
            self._buffer.receive(data)

    def ask(self, message: IsoMessage) -> IsoMessage:
        """Send one message, return the next one heard."""
        return self.packager.unpack(self.ask_raw(self.packager.pack(message)))


def inquiries(pin_key: Key) -> Iterator[tuple[str, dict[int, str]]]:
    """Every way a canary can come in: expected DE39 and the elements."""
    block = encipher(Pin(b"123456"), Pan(PAN), pin_key)
    wrong = encipher(Pin(b"654321"), Pan(PAN), pin_key)
    stranger = luhn_valid(UNKNOWN_PAN[:15])
    yield "00", {2: PAN, 52: block}
    yield "00", {2: PAN, 52: block, 35: TRACK_2}
    yield "55", {2: PAN, 52: wrong}
    yield "56", {2: stranger, 52: encipher(Pin(b"123456"), Pan(stranger), pin_key)}
    yield "14", {2: "9990090000000013", 52: block}
    yield "30", {2: PAN, 52: block, 35: "9990090000000020=30121019876543210123"}
    yield "30", {2: PAN, 52: block, 48: f"JHTBAL{PAN}{TRACK_2[:18]}".ljust(40, "0")}
    yield "30", {2: PAN, 52: block, 45: f"B{PAN}^SANTOSO/BUDI"}
    yield "40", {2: PAN, 52: block, 18: "6012"}
    yield "30", {2: PAN, 52: block, 37: PAN[:12], 60: TRACK_2}


def base_elements(stan: int) -> dict[int, str]:
    """What every inquiry needs besides the canaries."""
    now = datetime.now(UTC)
    return {
        3: "310000", 4: "0" * 12, 7: f"{now:%m%d%H%M%S}", 11: f"{stan:06d}", 12: "142507",
        13: "0630", 18: "6011", 22: "051", 32: "009", 37: f"518107{stan:06d}", 41: "S1ABC123",
        42: "BNI000000000001", 48: "JHTBAL0000000000000000000000000000ID0040", 49: "360",
    }  # fmt: skip


def disguises(canary: str) -> Iterator[bytes]:
    """A canary as text, hexadecimal of the text, BCD and base64."""
    raw = canary.encode()
    yield raw
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    if len(canary) % 2 == 0 and all(c in "0123456789abcdefABCDEF" for c in canary):
        yield bytes.fromhex(canary)
    for shift in range(3):
        whole = base64.b64encode(b"x" * shift + raw)
        yield whole[4 if shift else 0 : len(whole) // 4 * 4 - 4]


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, list[str]]:
    """Run it all; return the folder, everything the switch said to operators, the canaries."""
    folder = make_folder(tmp_path_factory.mktemp("leak"))
    pin_key = Key.from_hex(json.loads((folder / "terminal-kit.json").read_text())["pin_key"])
    canaries = [PAN, TRACK_2, "9990090000000020", pin_key.reveal().hex()]
    said = b""
    with serve(folder) as served:
        talk = Talk(served.port)
        sign_on = {7: f"{datetime.now(UTC):%m%d%H%M%S}", 11: "000001", 70: "001"}
        assert "00" == talk.ask(IsoMessage("0800", sign_on))[39]
        for at, (code, elements) in enumerate(inquiries(pin_key), 100):
            message = IsoMessage("0200", base_elements(at) | elements)
            assert code == talk.ask(message)[39], elements.keys()
            canaries += [v for n, v in elements.items() if n == 52]
        for garbage in (PAN.encode(), b"0200" + TRACK_2.encode(), b"0200" + b"F" * 16 + b"9" * 99):
            talk.socket.sendall(enclose(talk.framing, garbage))
        talk.ask(IsoMessage("0800", sign_on | {70: "301"}))
        for command in (
            ("journal", "tail", folder), ("journal", "verify", folder), ("config", "show", folder),
            ("config", "check", folder),
        ):  # fmt: skip
            done = run(*command)
            said += done.stdout.encode() + done.stderr.encode()
        talk.socket.close()
        served.stop()
        said += served.log.read_bytes()
    with (folder / "sample" / "participants.csv").open() as file:
        canaries += [row["nik"] for row in csv.DictReader(file)]
    return folder, said, canaries


def test_no_file_of_the_folder_holds_a_canary(traffic: tuple[Path, bytes, list[str]]) -> None:
    """Database, write-ahead log, sealed keys: nothing, in any disguise."""
    folder, _, canaries = traffic
    files = [
        path
        for path in folder.rglob("*")
        if path.is_file() and not set(WRITTEN_FOR_PEOPLE) & set(path.relative_to(folder).parts)
    ]
    assert {"journal.db", "ledger.db", "keys.sealed"} <= {path.name for path in files}

    hits = [
        (path.name, len(canary))
        for path in files
        for canary in canaries
        if any(disguise in path.read_bytes() for disguise in disguises(canary))
    ]

    assert [] == hits


def test_nothing_said_to_operators_holds_a_canary(traffic: tuple[Path, bytes, list[str]]) -> None:
    """Log and commands show masks; the search itself finds what is there."""
    _, said, canaries = traffic

    assert [] == [len(c) for c in canaries if any(d in said for d in disguises(c))]
    assert b"999009******0012" in said
