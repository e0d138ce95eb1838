"""Claims about the emulator's keys on a real (pseudo) terminal: what shows, what is put back."""

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

from tests.unit.terminal_emulator.emulator import PROGRAM, SECONDS, environment, keys, write_kit
from tests.unit.terminal_emulator.host import PAN, PIN, TinyHost, approving, on_inquiry, silent

ONE_INQUIRY = ("1", PAN, PIN, "1", "y", "0", "0")
"""Indonesian, card, PIN, balance, a slip please, no more, switch off."""

SET_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)
IN_A_SESSION = (
    PROGRAM[0],
    "-c",
    SET_TERMINAL,
)
"""Makes the terminal on standard input the controlling one, then runs what follows."""


class Booth:
    """An ATM on a terminal of its own."""

    def __init__(self, host: TinyHost, kit: str, command: Sequence[str]) -> None:
        """Start it."""
        self._master, self._slave = pty.openpty()
        self.before = termios.tcgetattr(self._slave)
        self.seen = ""
        self.process = subprocess.Popen(
            [*IN_A_SESSION, *PROGRAM, *command, "--connect", host.address, "--kit", kit],
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
def booth(host: TinyHost, kit: str, command: Sequence[str] = ("atm", "--plain")) -> Iterator[Booth]:
    """Hold a booth for a block."""
    held = Booth(host, kit, command)
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


def test_keys_typed_ahead_are_not_echoed(tmp_path: Path) -> None:
    """A customer who types everything at once is served, and shows no secret for it."""
    with TinyHost(approving) as host, booth(host, write_kit(tmp_path)) as atm:
        atm.expect("[1/2/0]: ")
        atm.press(keys(*ONE_INQUIRY))

        assert 0 == atm.process.wait(SECONDS)
        atm.expect("ambil kartu Anda")
        assert not any(canary in atm.seen for canary in (PAN, PIN, host.requests[1][52]))


def test_inquire_asks_for_a_missing_pin(tmp_path: Path) -> None:
    """On a terminal ``inquire`` with a kit asks for the PIN it was not given, masked."""
    command = ("inquire", "--pan", PAN)
    with TinyHost(approving) as host, booth(host, write_kit(tmp_path), command) as atm:
        atm.expect("PIN: ")
        atm.press(PIN + "\r")
        atm.expect("19.409.470,47")

        assert (0, True) == (atm.process.wait(SECONDS), 52 in host.requests[1])
        assert "PIN: " + "*" * len(PIN) in atm.seen


def test_waiting_for_the_host_can_be_left(tmp_path: Path) -> None:
    """Ctrl-C while the host is silent leaves at once with 130, signed off."""
    with TinyHost(on_inquiry(silent)) as host, booth(host, write_kit(tmp_path)) as atm:
        atm.expect("[1/2/0]: ")
        atm.press(keys("1", PAN, PIN, "1", "y"))
        atm.expect("30 detik ...")
        atm.press("\x03")

        assert 130 == atm.process.wait(SECONDS)
        assert atm.is_as_before
        deadline = time.monotonic() + SECONDS  # the host reads in a thread of its own
        while host.network_codes != ["001", "002"] and time.monotonic() < deadline:
            time.sleep(0.01)
        assert ["001", "002"] == host.network_codes


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
        deadline = time.monotonic() + SECONDS  # the host reads in a thread of its own
        while host.network_codes != ["001", "002"] and time.monotonic() < deadline:
            time.sleep(0.01)
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
        deadline = time.monotonic() + SECONDS  # the host reads in a thread of its own
        while host.network_codes != ["001", "002"] and time.monotonic() < deadline:
            time.sleep(0.01)
        assert ["001", "002"] == host.network_codes
