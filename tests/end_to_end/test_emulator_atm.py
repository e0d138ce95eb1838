"""Claims about ``terminal-emulator atm``, through a pipe and through a real terminal."""

import os
import pty
import select
import signal
import subprocess
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from atm_switch.wire.message import IsoMessage
from tests.unit.terminal_emulator.emulator import PROGRAM, SECONDS, environment, run, write_kit
from tests.unit.terminal_emulator.host import (
    APPROVAL,
    HANG_UP,
    PAN,
    PIN,
    SEVERAL,
    Sent,
    TinyHost,
    approving,
    declining,
    on_inquiry,
    reply,
)

ONE_INQUIRY = ("1", PAN, PIN, "1", "y", "0", "0")
"""Indonesian, card, PIN, balance, a slip please, no more, switch off."""


def keys(*pressed: str) -> str:
    """Join what is typed, a line each."""
    return "".join(line + "\n" for line in pressed)


def test_scripted_customer_gets_the_slip(tmp_path: Path) -> None:
    """Over a pipe one customer gets screen, slip and card, and the ATM signs off."""
    with TinyHost(approving) as host:
        done = run(
            "atm", "--connect", host.address, "--kit", write_kit(tmp_path), keys=keys(*ONE_INQUIRY)
        )

    assert (0, "") == (done.returncode, done.stderr)
    assert "SALDO AWAL THN  Rp         19.409.470,47" in done.stdout
    assert "Silakan ambil kartu Anda" in done.stdout
    assert ["001", "002"] == host.network_codes


def test_output_holds_no_canary(tmp_path: Path) -> None:
    """Neither card number nor PIN nor PIN block is in anything the ATM prints."""
    with TinyHost(approving) as host:
        done = run(
            "atm", "--connect", host.address, "--kit", write_kit(tmp_path), keys=keys(*ONE_INQUIRY)
        )
        block = host.requests[1][52]

    assert not any(canary in done.stdout + done.stderr for canary in (PAN, PIN, block))


def test_english_customer_without_slip(tmp_path: Path) -> None:
    """In English, without a slip, the request says both."""
    with TinyHost(approving) as host:
        done = run(
            *("atm", "--connect", host.address, "--kit", write_kit(tmp_path)),
            keys=keys("2", PAN, PIN, "1", "n", "0", "0"),
        )
        sent = host.requests[1][48]

    assert sent.endswith("EN0000")
    assert "Please take your card" in done.stdout
    assert "STRUK" not in done.stdout.split("Please wait")[1]


def test_several_kpj_may_be_chosen(tmp_path: Path) -> None:
    """A card with several KPJ offers the others, and the choice goes out as its index."""
    several = on_inquiry(lambda request, _host: [reply(request, added={**APPROVAL, 48: SEVERAL})])
    with TinyHost(several) as host:
        done = run(
            *("atm", "--connect", host.address, "--kit", write_kit(tmp_path)),
            keys=keys("1", PAN, PIN, "1", "y", "9", "2", "", "0", "0"),
        )
        indices = [sent[48][36:38] for sent in host.requests if sent.mti == "0200"]

    assert (0, ["00", "02"]) == (done.returncode, indices)
    assert "Anda memiliki 3 nomor KPJ" in done.stdout
    assert "Pilihan tidak ada" in done.stdout


def test_wrong_pin_is_explained_and_asked_again(tmp_path: Path) -> None:
    """After a 55 the customer reads what to do and may type another PIN."""
    with TinyHost(declining("55", "PIN salah")) as host:
        done = run(
            *("atm", "--connect", host.address, "--kit", write_kit(tmp_path)),
            keys=keys("1", PAN, PIN, "1", "n", "1", "97531", "1", "n", "0", "0"),
        )
        blocks = {sent[52] for sent in host.requests if sent.mti == "0200"}

    assert (0, 2) == (done.returncode, len(blocks))
    assert "Ulangi dengan PIN yang benar" in done.stdout


def test_impossible_entries_are_asked_again(tmp_path: Path) -> None:
    """Letters for a card number and a PIN of three digits are asked for again."""
    with TinyHost(approving) as host:
        done = run(
            *("atm", "--connect", host.address, "--kit", write_kit(tmp_path)),
            keys=keys("7", "1", "card", PAN, "123", PIN, "x", "0", "0"),
        )

    assert (0, ["0800", "0800"]) == (done.returncode, host.mtis)
    assert "Nomor kartu terdiri dari" in done.stdout
    assert "PIN terdiri dari" in done.stdout


def test_without_key_no_pin_is_asked() -> None:
    """Without a kit the ATM asks for no PIN, sends none, and says why on stderr."""
    with TinyHost(approving) as host:
        done = run("atm", "--connect", host.address, keys=keys("1", PAN, "1", "y", "0", "0"))

    assert (0, False) == (done.returncode, 52 in host.requests[1])
    assert "no PIN will be asked" in done.stderr


def test_lost_line_is_called_again(tmp_path: Path) -> None:
    """After the host dropped the line, the next inquiry connects and signs on anew."""
    drops = [[HANG_UP]]

    def once(request: IsoMessage, _host: TinyHost) -> Sequence[Sent]:
        return drops.pop() if drops else approving(request, _host)

    with TinyHost(on_inquiry(once)) as host:
        done = run(
            *("atm", "--connect", host.address, "--kit", write_kit(tmp_path)),
            keys=keys("1", PAN, PIN, "1", "n", "1", "1", "y", "0", "0"),
        )

    assert (0, ["001", "001", "002"]) == (done.returncode, host.network_codes)
    assert "Mesin tidak dapat menghubungi host" in done.stdout
    assert "19.409.470,47" in done.stdout


def test_absent_host_ends_the_atm() -> None:
    """Without a host the ATM does not open: one sentence, exit 1."""
    done = run("atm", "--connect", "127.0.0.1:1")

    assert 1 == done.returncode
    assert "nobody listens at 127.0.0.1:1" in done.stderr


@pytest.mark.parametrize("pressed", [(), ("1",), ("1", PAN), ("1", PAN, PIN, "1")])
def test_end_of_input_leaves_politely(tmp_path: Path, pressed: Sequence[str]) -> None:
    """Whenever the input ends, the ATM signs off and exits 130."""
    with TinyHost(approving) as host:
        done = run(
            "atm", "--connect", host.address, "--kit", write_kit(tmp_path), keys=keys(*pressed)
        )

    assert (130, ["001", "002"]) == (done.returncode, host.network_codes)
    assert "Traceback" not in done.stderr


class Booth:
    """An ATM on a terminal of its own."""

    def __init__(self, host: TinyHost, kit: str) -> None:
        """Start it."""
        self._master, self._slave = pty.openpty()
        self.before = termios.tcgetattr(self._slave)
        self.seen = ""
        self.process = subprocess.Popen(
            [*PROGRAM, "atm", "--connect", host.address, "--kit", kit],
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            start_new_session=True,
            env=environment(TERM="xterm"),
        )

    def expect(self, text: str) -> None:
        """Read until ``text`` was shown."""
        deadline = time.monotonic() + SECONDS
        while text not in self.seen:
            ready, _, _ = select.select([self._master], [], [], deadline - time.monotonic())
            assert ready, f"{text!r} never came"
            self.seen += os.read(self._master, 4096).decode("utf-8", errors="replace")

    def press(self, text: str) -> None:
        """Type."""
        os.write(self._master, text.encode())

    @property
    def is_as_before(self) -> bool:
        """Whether the terminal's modes are what they were at the start."""
        return termios.tcgetattr(self._slave) == self.before

    def close(self) -> None:
        """Give the terminal back."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(SECONDS)
        os.close(self._master)
        os.close(self._slave)


@contextmanager
def booth(host: TinyHost, kit: str) -> Iterator[Booth]:
    """Hold a booth for a block."""
    held = Booth(host, kit)
    try:
        yield held
    finally:
        held.close()


def test_terminal_shows_stars_for_the_pin(tmp_path: Path) -> None:
    """On a terminal the PIN shows as stars, the card as its first six; the host gets both."""
    with TinyHost(approving) as host, booth(host, write_kit(tmp_path)) as atm:
        atm.expect("[1/2/0]: ")
        atm.press("1\n")
        atm.expect("batal): ")
        atm.press(PAN + "\r")
        atm.expect("PIN: ")
        atm.press("99\x7f\x7f" + PIN + "\r")
        atm.expect("[1/0]: ")
        atm.press("1\n")
        atm.expect("[y/t]: ")
        atm.press("y\n")
        atm.expect("19.409.470,47")

        assert ("999009", PAN) == (PAN[:6], host.requests[1][2])
        assert "999009**********" in atm.seen
        assert not any(canary in atm.seen for canary in (PAN, PIN, host.requests[1][52]))


@pytest.mark.parametrize("key", ["\x03", "\x04"], ids=["Ctrl-C", "Ctrl-D"])
def test_leaving_at_the_pin_restores_terminal(tmp_path: Path, key: str) -> None:
    """Ctrl-C and Ctrl-D in the middle of the PIN leave with 130, echo back, signed off."""
    with TinyHost(approving) as host, booth(host, write_kit(tmp_path)) as atm:
        atm.expect("[1/2/0]: ")
        atm.press("1\n")
        atm.expect("batal): ")
        atm.press(PAN + "\r")
        atm.expect("PIN: ")
        atm.press(key)

        assert 130 == atm.process.wait(SECONDS)
        assert atm.is_as_before
        assert ["001", "002"] == host.network_codes


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_killing_at_the_pin_restores_terminal(tmp_path: Path, number: signal.Signals) -> None:
    """A signal in the middle of the PIN leaves the terminal as it was, and signs off."""
    code = 128 + number
    with TinyHost(approving) as host, booth(host, write_kit(tmp_path)) as atm:
        atm.expect("[1/2/0]: ")
        atm.press("1\n")
        atm.expect("batal): ")
        atm.press(PAN + "\r")
        atm.expect("PIN: ")
        atm.press("13")
        atm.expect("**")
        atm.process.send_signal(number)

        assert code == atm.process.wait(SECONDS)
        assert atm.is_as_before
        assert ["001", "002"] == host.network_codes
