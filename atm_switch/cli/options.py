"""Arguments several commands share; light, because the help needs them."""

from pathlib import Path

import click

data_folder = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
"""The data folder, first argument of most commands."""


def acquirer_id(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    """Read the id of a bank, if one was given.  Raises ``click.BadParameter``."""
    from atm_switch.domain.identifiers import AcquirerId

    try:
        return AcquirerId(text).text if text else text
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def terminal_id(_context: click.Context, _option: click.Parameter, text: str) -> str:
    """Read the id of a terminal, if one was given.  Raises ``click.BadParameter``."""
    from atm_switch.domain.identifiers import TerminalId

    try:
        return TerminalId(text).text if text else text
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _rrn(_context: click.Context, _argument: click.Parameter, text: str) -> str:
    if not (text.isascii() and text.isprintable() and len(text) == 12):
        message = "a retrieval reference number (DE37) has twelve characters"
        raise click.BadParameter(message)
    return text


rrn = click.argument("rrn", metavar="RRN", callback=_rrn)
"""The request a command is about, as slip and journal name it."""


def examples(*lines: str) -> str:
    """Write the examples below a command's help, line by line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
