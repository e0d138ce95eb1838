"""Kit, TLS context, manner and look that the shared options ask for; for the commands' work."""

import os
import ssl
import sys

import click

from terminal_emulator.flow import Manner
from terminal_emulator.kit import BARE_KIT, Kit, read_kit
from terminal_emulator.options import TerminalOptions
from terminal_emulator.screen import Look
from terminal_emulator.tls import client_context


def kit_of(options: TerminalOptions) -> Kit:
    """Return the kit, with the words of the command line in it.

    Raises ``KitError`` and ``click.UsageError``.
    """
    kit = BARE_KIT
    if options.kit is not None:
        kit = read_kit(options.kit, lambda sentence: click.echo(f"warning: {sentence}", err=True))
    try:
        return kit.with_words(
            profile=options.profile,
            terminal=options.terminal,
            acquirer=options.acquirer,
            channel=options.channel,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def tls_of(options: TerminalOptions) -> ssl.SSLContext | None:
    """Return how to call by TLS; ``None`` for not.  Raises ``click.UsageError``."""
    try:
        return client_context(options.tls_ca, options.tls_cert, options.tls_key)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def manner_of(options: TerminalOptions) -> Manner:
    """Return how to talk.  Raises ``click.UsageError``."""
    return Manner(options.timeout, tls=tls_of(options))


def look_of_stdout() -> Look:
    """Tell what whoever reads standard output can see."""
    colour = (
        sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )
    try:
        "╔═║╲│".encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return Look(unicode=False, colour=colour)
    return Look(unicode=True, colour=colour)
