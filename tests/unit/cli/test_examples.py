"""The help of every command of both programs."""

import re
from collections.abc import Iterator

import click
import pytest

from atm_switch.cli.entry import cli as switch
from atm_switch.retention import KEEP_DAYS_MIN
from terminal_emulator.cli.entry import cli as emulator


def leaves(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """Give every command that is no group, each with its whole name."""
    if not isinstance(command, click.Group):
        yield name, command
        return
    context = click.Context(command)
    for word in command.list_commands(context):
        below = command.get_command(context, word)
        assert below is not None
        yield from leaves(f"{name} {word}", below)


ALL = dict([*leaves("atm-switch", switch), *leaves("terminal-emulator", emulator)])


@pytest.mark.parametrize("name", ALL)
def test_help_ends_in_an_example(name: str) -> None:
    """What can be typed begins with the program's name, two spaces in, line by line."""
    told = ALL[name].epilog or ""

    assert told.startswith("\b\nExamples:\n")
    assert re.search(f"^  {name}( |$)", told, re.MULTILINE)


@pytest.mark.parametrize("name", ALL)
def test_example_shows_no_card_number(name: str) -> None:
    """Wrong usage repeats an example, and nothing it prints may be taken for a card's number."""
    assert not re.search("[0-9]{16,}", ALL[name].epilog or "")


def test_help_says_how_many_days_a_purge_leaves() -> None:
    """The least that --keep-days takes is what the purge itself asks for."""
    purge = ALL["atm-switch journal purge"]
    (days,) = (one.type for one in purge.params if one.name == "keep_days")

    assert isinstance(days, click.IntRange)
    assert KEEP_DAYS_MIN == days.min
