"""``terminal-emulator atm``: options and help; the work is imported when it runs."""

from typing import Any

import click

from terminal_emulator.cli.given import terminal_options
from terminal_emulator.options import TerminalOptions

WEB_PORT = 8590


@click.command(
    epilog="""\b
Examples:
  terminal-emulator atm --kit bank/terminal-kit.json
  terminal-emulator atm --kit bank/terminal-kit.json --web
  terminal-emulator atm --kit bank/terminal-kit.json --plain < typed.txt

\b
Keys of the full screen:
  F1-F8 or a-h   the keys beside the glass      0-9, Enter, Backspace   the pad
  Esc            cancel, the card comes back    F9 or x   the ISO 8583 exchange
  F10 or t       dark, light                    Ctrl-Q    switch off

The sample cards of `atm-switch init --sample` lie beside the kit and are offered."""
)
@terminal_options
@click.option("--plain", is_flag=True, help="A dialogue of lines in place of the full screen.")
@click.option("--web", is_flag=True, help="Show it in a browser of this machine (loopback only).")
@click.option(
    "--port", type=click.IntRange(1, 65_535), default=WEB_PORT, show_default=True, metavar="PORT",
    help="Where --web listens.",
)  # fmt: skip
def atm(*, plain: bool, web: bool, port: int, **given: Any) -> int:
    """Be an ATM: card, PIN, menu, screen and slip, in Indonesian or English.

    A full screen of at least 80x24 in a terminal; a plain dialogue over a pipe.
    """
    from terminal_emulator.atm_screen import command

    if plain and web:
        raise click.UsageError("--plain and --web exclude each other")
    options = TerminalOptions(**given)
    if web:
        return command.in_browser(options, port)
    return command.plain(options) if plain else command.full(options)
