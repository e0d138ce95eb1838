"""What the customer presses: lines, and digits that are not shown.

Plan: bytes are read one at a time from the descriptor, never ahead, so a script may send
everything at once and a change of terminal mode loses nothing.  Where the input is a
terminal, hidden digits are read with echo off and shown as stars; the terminal's modes
are put back on every way out.  Where it is a pipe, a hidden entry is just a line.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from atm_switch.security.tdes import wipe_buffer

ENTER, CTRL_C, CTRL_D, CTRL_U = b"\r\n", 0x03, 0x04, 0x15
ERASE = b"\x7f\x08"
DIGITS = b"0123456789"
LINE_BYTES_MAX = 1_000


class Keypad:
    """A descriptor to read from and a stream to prompt on."""

    def __init__(self, descriptor: int, out: TextIO) -> None:
        """Take standard input, or a terminal of a test."""
        self._descriptor = descriptor
        self._out = out
        self.is_terminal = os.isatty(descriptor)

    def line(self, prompt: str) -> str:
        """Ask for one line.  Raises ``EOFError`` where there is none."""
        self._say(prompt)
        raw = self._line_bytes()
        if not self.is_terminal:
            self._say("\n")
        return raw.decode("utf-8", errors="replace").strip()

    def hidden(self, prompt: str, shown: int = 0) -> bytearray:
        """Ask for digits, showing the first ``shown`` and stars for the rest.

        The caller wipes what it gets.  Raises ``EOFError`` and ``KeyboardInterrupt``.
        """
        self._say(prompt)
        if self.is_terminal:
            with _no_echo(self._descriptor):
                typed = self._digits(shown)
        else:
            typed = self._line_bytes()
        self._say("\n")
        return typed

    def _say(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()

    def _line_bytes(self) -> bytearray:
        line = bytearray()
        while key := os.read(self._descriptor, 1):
            if key == b"\n":
                if line.endswith(b"\r"):
                    line.pop()
                return line
            if len(line) < LINE_BYTES_MAX:
                line += key
        if not line:
            raise EOFError
        return line

    def _digits(self, shown: int) -> bytearray:
        typed = bytearray()
        while (key := self._key()) not in ENTER:
            if key in DIGITS and len(typed) < LINE_BYTES_MAX:
                typed.append(key)
                self._say(chr(key) if len(typed) <= shown else "*")
            elif key in ERASE and typed:
                typed.pop()
                self._say("\b \b")
            elif key == CTRL_U:
                self._say("\b \b" * len(typed))
                wipe_buffer(typed)
                typed.clear()
            elif key == CTRL_D and not typed:
                raise EOFError
        return typed

    def _key(self) -> int:
        key = os.read(self._descriptor, 1)
        if not key:
            raise EOFError
        if key[0] == CTRL_C:
            raise KeyboardInterrupt
        return key[0]


@contextmanager
def _no_echo(descriptor: int) -> Iterator[None]:
    # ISIG goes too: a suspended ATM would leave the shell without echo.
    import termios

    before = termios.tcgetattr(descriptor)
    quiet = termios.tcgetattr(descriptor)
    quiet[3] &= ~(termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN)
    termios.tcsetattr(descriptor, termios.TCSADRAIN, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
