"""``terminal-emulator mock-host``: options and help."""

import re
from pathlib import Path

import click

from terminal_emulator.address import Address

_file = click.Path(path_type=Path)


def listen_address(_context: click.Context, _option: click.Parameter, text: str) -> Address:
    """Read where to listen.  Raises ``click.BadParameter``."""
    # Port 0 takes any free one, which an address to call cannot be.
    free = re.fullmatch(r"([^\s\[\]:]+):0", text)
    if free:
        return Address(free[1], 0)
    try:
        return Address.read(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command(
    "mock-host",
    epilog="""\b
Examples:
  terminal-emulator mock-host --listen 127.0.0.1:8583
  terminal-emulator mock-host --example > rules.toml
  terminal-emulator mock-host --listen 127.0.0.1:8583 --rules rules.toml --kit kit.json

It prints "listening on HOST:PORT", a line on standard error for each request, and the
counts when it ends.""",
)
@click.option("--listen", callback=listen_address, default="127.0.0.1:8583", show_default=True,
              metavar="HOST:PORT", help="Where to listen; port 0 takes any free one.")  # fmt: skip
@click.option("--kit", type=_file, metavar="FILE",
              help="Kit whose profile and MAC key it has.")  # fmt: skip
@click.option("--profile", metavar="NAME|FILE", help="Dialect, in place of the kit's.")
@click.option("--rules", type=_file, metavar="FILE", help="What becomes of which request.")
@click.option("--seed", default="1", show_default=True, help="Of chances and garbage.")
@click.option("--example", is_flag=True, help="Print a commented rules file, and end.")
def mock_host(
    listen: Address, kit: Path | None, profile: str | None, rules: Path | None, seed: str,
    example: bool,  # noqa: FBT001 - click hands flags in so
) -> int:  # fmt: skip
    """Play the host: answer by rules, so that a bank can test its own side alone."""
    from terminal_emulator.mock_host import command

    if example:
        click.echo(command.example(), nl=False)
        return 0
    return command.serve(listen, kit, profile, rules, seed)
