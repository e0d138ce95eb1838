"""``terminal-emulator record`` and ``replay``: options and help."""

import re
from pathlib import Path
from typing import Any

import click

from terminal_emulator.address import DEFAULT, Address
from terminal_emulator.cli.given import address, json_option, terminal_options
from terminal_emulator.cli.mock_host import listen_address
from terminal_emulator.options import TerminalOptions

_file = click.Path(path_type=Path)


def _speed(_context: click.Context, _option: click.Parameter, text: str) -> str:
    if not re.fullmatch(r"max|x?[0-9]+(\.[0-9]+)?", text) or text.strip("x0.") == "":
        raise click.BadParameter("is 1, a number like x10, or max")
    return text


@click.command(
    epilog="""\b
Examples:
  terminal-emulator record --listen 127.0.0.1:9000 --connect 127.0.0.1:8583 -o line.jsonl
  terminal-emulator record --listen 0.0.0.0:9000 --connect 10.1.2.3:8583 -o a.jsonl --pcap a.pcap

Cards are numbered in the order they come; PAN, PIN block, track, KPJ, names and MAC are not
in the recording, nor in the capture.  Ctrl-C ends it."""
)
@click.option("--listen", callback=listen_address, required=True, metavar="HOST:PORT",
              help="Where terminals call; port 0 takes any free one.")  # fmt: skip
@click.option("--connect", callback=address, default=DEFAULT, show_default=True,
              metavar="HOST:PORT", help="The host.")  # fmt: skip
@click.option("--profile", metavar="NAME|FILE", help="Dialect of the line.")
@click.option("-o", "--out", type=_file, required=True, metavar="FILE", help="The recording.")
@click.option("--pcap", type=_file, metavar="FILE", help="A capture for Wireshark, masked.")
def record(
    listen: Address, connect: Address, profile: str | None, out: Path, pcap: Path | None
) -> int:
    """Stand between terminals and a host, pass everything on, and write down what passes."""
    from terminal_emulator.recording import command

    return command.record(listen, connect, profile, out, pcap)


@click.command(
    "replay",
    epilog="""\b
Examples:
  terminal-emulator replay line.jsonl --kit bank/terminal-kit.json
  terminal-emulator replay line.jsonl --kit kit.json --cards cards.txt --speed max

The first card of the list stands for the recording's card 1, and so on.  Exits 0 only if
every request is answered with the recorded DE39.""",
)
@click.argument("file", type=_file)
@terminal_options
@json_option
@click.option("--cards", "cards_file", type=_file, metavar="FILE",
              help="Cards, a line each: PAN PIN; the kit's sample cards if left out.")  # fmt: skip
@click.option("--speed", callback=_speed, default="max", show_default=True, metavar="1|xN|max",
              help="Recorded pace, N times faster, or as fast as answers come.")  # fmt: skip
def replay(**given: Any) -> int:
    """Play a recording against a host and compare what it says."""
    names = TerminalOptions.__dataclass_fields__.keys()
    terminal = TerminalOptions(**{name: given.pop(name) for name in names})
    from terminal_emulator.recording import command

    return command.play(terminal, given["file"], given["cards_file"], given["speed"])
