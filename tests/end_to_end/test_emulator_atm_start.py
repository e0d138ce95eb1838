"""Claims about how ``terminal-emulator atm`` starts and ends on a real terminal (a pty)."""

import asyncio
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from textual.widgets import Static

from terminal_emulator.address import Address
from terminal_emulator.atm_screen.faces import Page
from terminal_emulator.atm_screen.start import build_app
from terminal_emulator.flow import Manner
from terminal_emulator.kit import read_kit
from tests.doubles.workers import wait_for
from tests.unit.terminal_emulator.emulator import PROGRAM, environment, run, write_kit
from tests.unit.terminal_emulator.host import PAN, PIN, TinyHost, approving

SECONDS = 90
HIDE_TEXTUAL = """
import sys
sys.modules["textual"] = None
from terminal_emulator.cli import main
sys.exit(main())
"""
WITHOUT_TEXTUAL = (sys.executable, "-c", HIDE_TEXTUAL)


class Terminal:
    """A program on a terminal of 80x24."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        """Watch it."""
        self.process = process
        self._master = master
        self.output = b""

    def until(self, words: str) -> None:
        """Read until the program has written these words."""
        deadline = time.monotonic() + SECONDS
        while words.encode() not in self.output:
            assert time.monotonic() < deadline, self.output[-2000:]
            if select.select([self._master], [], [], 0.1)[0]:
                with suppress(OSError):
                    self.output += os.read(self._master, 65_536)

    def type(self, keys: bytes) -> None:
        """Type keys."""
        os.write(self._master, keys)

    def ended(self) -> int:
        """Wait for the end; whatever is still written is read away."""
        deadline = time.monotonic() + SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            if select.select([self._master], [], [], 0.1)[0]:
                with suppress(OSError):
                    self.output += os.read(self._master, 65_536)
        return self.process.wait(1)


@contextmanager
def on_terminal(*words: str, program: tuple[str, ...] = PROGRAM) -> Iterator[Terminal]:
    """Run the emulator on a terminal for a block."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 80))
    process = subprocess.Popen(
        [*program, *words],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment(TERM="xterm-256color"),
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(SECONDS)
        os.close(master)


@pytest.mark.parametrize("way", ["key", "terminate", "hang up"])
def test_full_screen_signs_off_at_its_end(tmp_path: Path, way: str) -> None:
    """On a terminal the full screen comes up; Ctrl-Q or a signal ends it, signed off, exit 0."""
    with TinyHost(approving) as host:
        words = ("atm", "--connect", host.address, "--kit", write_kit(tmp_path))
        with on_terminal(*words) as terminal:
            terminal.until("Ketik nomor kartu")
            terminal.until(" up")
            if way == "key":
                terminal.type(b"\x11")
            else:
                number = signal.SIGTERM if way == "terminate" else signal.SIGHUP
                terminal.process.send_signal(number)
            code = terminal.ended()
        wait_for(lambda: ["001", "002"] == host.network_codes)  # it reads in a thread of its own

    assert 0 == code
    assert b"Traceback" not in terminal.output


def test_screen_never_writes_a_canary(tmp_path: Path) -> None:
    """Neither card number nor PIN nor PIN block is in anything written to the terminal."""
    with TinyHost(approving) as host:
        words = ("atm", "--connect", host.address, "--kit", write_kit(tmp_path))
        with on_terminal(*words) as terminal:
            terminal.until(" up")
            terminal.type(b"x")
            for keys, words_next in (
                (b"hx", "NOMOR KARTU"), (PAN.encode() + b"\r", "PILIH BAHASA"),
                (b"d", "MASUKKAN PIN"), (PIN.encode() + b"\r", "PILIH TRANSAKSI"),
                (b"a", "CETAK STRUK"), (b"d", "19.409.470,47"),
            ):  # fmt: skip
                terminal.type(keys)
                terminal.until(words_next)
            terminal.type(b"x\x11")
            code = terminal.ended()
        block = host.requests[1][52]

    written = terminal.output.decode(errors="replace")
    assert 0 == code
    assert not any(canary in written for canary in (PAN, PIN, block))


def test_without_textual_the_dialogue_serves(tmp_path: Path) -> None:
    """Where Textual is not installed, one sentence says how to get it, and the ATM works."""
    with TinyHost(approving) as host:
        words = ("atm", "--connect", host.address, "--kit", write_kit(tmp_path))
        with on_terminal(*words, program=WITHOUT_TEXTUAL) as terminal:
            terminal.until("atm-switch[tui]")
            terminal.until("Pilih / Choose")
            terminal.type(b"0\n")
            code = terminal.ended()

    assert 0 == code


def test_plain_is_the_dialogue_on_a_terminal(tmp_path: Path) -> None:
    """``--plain`` asks line by line, also on a terminal."""
    with TinyHost(approving) as host:
        words = ("atm", "--plain", "--connect", host.address, "--kit", write_kit(tmp_path))
        with on_terminal(*words) as terminal:
            terminal.until("Pilih / Choose")
            terminal.type(b"0\n")
            code = terminal.ended()

    assert 0 == code


def test_plain_and_web_exclude_each_other() -> None:
    """Both together are a usage error."""
    done = run("atm", "--plain", "--web")

    assert 2 == done.returncode
    assert "exclude each other" in done.stderr


async def test_absent_host_closes_until_it_listens(tmp_path: Path) -> None:
    """Without a host the ATM is out of service and says why; a key calls again."""
    kit = Path(write_kit(tmp_path))
    app, line = build_app(Address.read("127.0.0.1:1"), read_kit(kit), Manner(1.0))
    async with app.run_test(size=(80, 24)) as pilot:
        async with asyncio.timeout(SECONDS):
            while app.visit.page is not Page.CLOSED:
                await pilot.pause(0.02)
        await pilot.press("f8")
        text = str(app.query_one("#glass", Static).render())

    await line.close()
    assert "OUT OF SERVICE" in text
    assert "nobody listens at" in text
