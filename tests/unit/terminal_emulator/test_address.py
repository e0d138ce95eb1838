"""Claims about addresses on the command line."""

import errno
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from terminal_emulator.address import Address, why_not_listening
from terminal_emulator.cli.entry import cli

PAGES = [Path(__file__).parents[3] / name for name in ("README.md", "OPERATIONS.md")]


@pytest.mark.parametrize("text", ["127.0.0.1:8583", "switch.example:1", "[::1]:65535"])
def test_address_is_written_as_read(text: str) -> None:
    """Names, numbers and IPv6 in brackets come back as they were given."""
    assert text == str(Address.read(text))


@pytest.mark.parametrize(
    "text", ["", "host", "host:", ":1", "host:0", "host:65536", "::1:80", "a b:1", "h:8٣"]
)
def test_misshapen_address_is_refused(text: str) -> None:
    """What is no host and port is refused."""
    with pytest.raises(ValueError, match="an address is HOST:PORT"):
        Address.read(text)


def test_port_that_is_taken_says_which_option_to_change() -> None:
    """The address, why, and the option; other reasons by their own words."""
    address = Address("127.0.0.1", 8583)

    taken = why_not_listening(address, OSError(errno.EADDRINUSE, "in use"), "--listen")
    away = why_not_listening(address, OSError(errno.EADDRNOTAVAIL, "long words"), "--port")

    assert "another program listens at 127.0.0.1:8583; pass another --listen" == taken
    assert away.startswith("127.0.0.1:8583 cannot be listened on: ")
    assert away.endswith("; pass another --port")


def _examples(command: click.Command, context: click.Context) -> Iterator[str]:
    yield command.epilog or ""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _examples(below, context)


def test_every_address_that_is_shown_is_one() -> None:
    """What the pages and the helps say behind --listen and --connect is taken as it stands."""
    texts = [
        *(one.read_text(encoding="utf-8") for one in PAGES),
        *_examples(cli, click.Context(cli)),
    ]

    shown = re.findall(r"--(?:listen|connect) ([^\s]*:[0-9]+)", "\n".join(texts))

    assert len(shown) > 10
    assert shown == [str(Address.read(text)) for text in shown]
