"""Options that several commands of ``terminal-emulator`` share; light, the help needs them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from terminal_emulator.address import DEFAULT, Address
from terminal_emulator.options import DEFAULT_SECONDS

F = TypeVar("F", bound=Callable[..., Any])

SECONDS_MAX = 3600


def address(_context: click.Context, _option: click.Parameter, text: str) -> Address:
    """Read ``HOST:PORT``.  Raises ``click.BadParameter``."""
    try:
        return Address.read(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def digits(least: int, most: int) -> Callable[..., str | None]:
    """Make a check for digits that no error may quote: a PAN, a PIN, a KPJ."""

    def check(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
        if text is not None and not re.fullmatch(f"[0-9]{{{least},{most}}}", text, re.ASCII):
            span = f"{least}" if least == most else f"{least} to {most}"
            raise click.BadParameter(f"must be {span} digits")
        return text

    return check


def terminal_options(command: F) -> F:
    """Add the options that say whom to call and as which terminal."""
    options = [
        click.option(
            "--connect", callback=address, metavar="HOST:PORT", default=DEFAULT, show_default=True,
            help="Where the switch listens.",
        ),
        click.option(
            "--kit", type=click.Path(path_type=Path), metavar="FILE",
            help="DIR/terminal-kit.json of atm-switch init: terminal, profile, PIN key.",
        ),
        click.option("--profile", metavar="NAME|FILE", help="Dialect, in place of the kit's."),
        click.option("--terminal", metavar="ID", help="DE41, in place of the kit's."),
        click.option("--acquirer", metavar="ID", help="DE32, in place of the kit's."),
        click.option("--channel", metavar="CODE", help="DE18, in place of the kit's."),
        click.option(
            "--timeout", type=click.FloatRange(0, SECONDS_MAX, min_open=True),
            default=DEFAULT_SECONDS, show_default=True, metavar="SECONDS",
            help="How long to wait for an answer.",
        ),
        click.option(
            "--tls-ca", type=click.Path(path_type=Path), metavar="FILE",
            help="Call by TLS; PEM of the CA the host's certificate must be of.",
        ),
        click.option(
            "--tls-cert", type=click.Path(path_type=Path), metavar="FILE",
            help="PEM of the certificate to show the host.",
        ),
        click.option(
            "--tls-key", type=click.Path(path_type=Path), metavar="FILE",
            help="PEM of that certificate's key, not enciphered.",
        ),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
"""Adds ``--json``."""
