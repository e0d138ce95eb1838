"""What the customer presses: lines, and digits that are not shown.

Plan: bytes are read one at a time from the descriptor, never ahead, so a script may send
everything at once and a change of terminal mode loses nothing.  Where the input is a
terminal, its echo is off and shown is only what we show: stars for hidden digits.  The
modes are set before the prompt and put back on every way out.  Where the input is a pipe,
a hidden entry is just a line.
Why ``quiet`` for a whole session: a PIN typed ahead of its prompt must not be echoed.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from atm_switch.security.tdes import wipe_buffer

ENTER, CTRL_C, CTRL_D, CTRL_U = b"\r\n", 0x03, 0x04, 0x15
ERASE = b"\x7f\x08"
DIGITS = b"0123456789"
PRINTABLE = bytes(range(0x20, 0x7F))
LINE_BYTES_MAX = 1_000
RUB_OUT = "\b \b"


class Keypad:
    """A descriptor to read from and a stream to prompt on."""

    def __init__(self, descriptor: int, out: TextIO) -> None:
        """Take standard input, or a terminal of a test."""
        self._descriptor = descriptor
        self._out = out
        self.is_terminal = os.isatty(descriptor)

    def line(self, prompt: str) -> str:
        """Ask for one line.  Raises ``EOFError`` where there is none."""
        typed = self._ask(prompt, PRINTABLE, LINE_BYTES_MAX)
        return typed.decode("utf-8", errors="replace").strip()

    def hidden(self, prompt: str, shown: int = 0) -> bytearray:
        """Ask for digits, showing the first ``shown`` and stars for the rest.

        The caller wipes what it gets.  Raises ``EOFError`` and ``KeyboardInterrupt``.
        """
        return self._ask(prompt, DIGITS, shown)

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Hold a terminal's echo off for a block; may be nested; nothing for a pipe."""
        if not self.is_terminal:
            yield
            return
        import termios

        before = termios.tcgetattr(self._descriptor)
        modes = termios.tcgetattr(self._descriptor)
        modes[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN)
        # No suspending: the shell would echo what is typed after it.  No quitting with a
        # core dump either: a PIN may be in memory.
        modes[6][termios.VSUSP] = modes[6][termios.VQUIT] = b"\0"
        termios.tcsetattr(self._descriptor, termios.TCSANOW, modes)
        try:
            yield
        finally:
            with suppress(termios.error):  # the terminal itself may have gone
                termios.tcsetattr(self._descriptor, termios.TCSANOW, before)

    def _ask(self, prompt: str, allowed: bytes, shown: int) -> bytearray:
        with self.quiet():
            self._say(prompt)
            typed = self._typed(allowed, shown) if self.is_terminal else self._line_bytes()
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

    def _typed(self, allowed: bytes, shown: int) -> bytearray:
        typed = bytearray()
        while (key := self._key()) not in ENTER:
            if key in allowed and len(typed) < LINE_BYTES_MAX:
                typed.append(key)
                self._say(chr(key) if len(typed) <= shown else "*")
            elif key in ERASE and typed:
                typed.pop()
                self._say(RUB_OUT)
            elif key == CTRL_U:
                self._say(RUB_OUT * len(typed))
                wipe_buffer(typed)
                typed.clear()
            elif key == CTRL_D and not typed:
                raise EOFError
        return typed

    def _key(self) -> int:
        key = os.read(self._descriptor, 1)
        if not key:
            raise EOFError
        if key[0] == CTRL_C:  # where no controlling terminal turns it into a signal
            raise KeyboardInterrupt
        return key[0]
