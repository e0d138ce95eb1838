"""The kit and the TLS context that the shared options ask for; for the commands' work."""

import ssl

import click

from terminal_emulator.kit import BARE_KIT, Kit, read_kit
from terminal_emulator.options import TerminalOptions
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
