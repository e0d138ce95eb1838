"""``atm``: the full screen where one can be shown, else the dialogue of lines.

Plan: Textual is an extra; who has not got it is told once how to get it, and served all
the same.  A browser's screen is this very program, started by textual-serve once for each
visitor, which tells its child by ``TEXTUAL_DRIVER`` that its pipe is a screen.
"""

import importlib.util
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from terminal_emulator.atm import Booth, serve_customers
from terminal_emulator.hotline import Hotline
from terminal_emulator.keypad import Keypad
from terminal_emulator.wanted import kit_of, look_of_stdout, manner_of

if TYPE_CHECKING:
    from types import FrameType

    from terminal_emulator.kit import Kit
    from terminal_emulator.options import TerminalOptions

DONE = 0
NO_TEXTUAL = "for the full screen do: pip install 'atm-switch[tui]'; this is the plain dialogue"


def full(options: "TerminalOptions") -> int:
    """Be an ATM on the full screen, or in lines where there is no screen."""
    if not _has_screen():
        return plain(options)
    if importlib.util.find_spec("textual") is None:
        click.echo(NO_TEXTUAL, err=True)
        return plain(options)
    from terminal_emulator.atm_screen.start import run_screen

    kit = kit_of(options)
    _tell_of_pin(kit)
    run_screen(options.connect, kit, manner_of(options))
    return DONE


def in_browser(options: "TerminalOptions", port: int) -> int:
    """Be an ATM in the browsers of this machine until interrupted."""
    if importlib.util.find_spec("textual_serve") is None:
        raise click.UsageError("for --web do: pip install 'atm-switch[web]'")
    from terminal_emulator.atm_screen.web import serve

    kit_of(options)
    serve(options, port)
    return DONE


def plain(options: "TerminalOptions") -> int:
    """Be an ATM in lines until somebody switches it off."""
    kit = kit_of(options)
    keypad = Keypad(sys.stdin.fileno(), sys.stdout)
    with (
        _leaving_politely(),
        Hotline(options.connect, kit, manner_of(options)) as hotline,
        keypad.quiet(),
    ):
        _tell_of_pin(kit)
        serve_customers(
            Booth(
                keypad=keypad,
                out=sys.stdout,
                look=look_of_stdout(),
                inquire=hotline.inquire,
                takes_pin=kit.pin_key is not None,
                seconds=options.timeout,
            )
        )
    return DONE


def _has_screen() -> bool:
    if "TEXTUAL_DRIVER" in os.environ:
        return True
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def _tell_of_pin(kit: "Kit") -> None:
    if kit.pin_key is None:
        click.echo("no PIN will be asked: it needs --kit DIR/terminal-kit.json", err=True)


@contextmanager
def _leaving_politely() -> Iterator[None]:
    """Turn a hang-up or a kill into an ordinary exit, so that the terminal is put back."""

    def leave(number: int, _frame: "FrameType | None") -> None:
        raise SystemExit(128 + number)

    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, leave) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
