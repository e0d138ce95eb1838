"""SECURITY.md says what is so: the files it names exist, and so do the commands."""

import re
from pathlib import Path

import pytest

from tests.doubles.served import run

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text()
FILES = sorted(set(re.findall(r"`((?:atm_switch|terminal_emulator|tests)/[\w/]+(?:\.py)?)`", PAGE)))
FIGURES = sorted(set(re.findall(r"python -m (tests\.figures\.\w+)", PAGE)))
COMMANDS = sorted(set(re.findall(r"`(?:atm-switch )?((?:keys|audit) [a-z]+)", PAGE)))


@pytest.mark.parametrize("name", FILES)
def test_file_of_the_page_exists(name: str) -> None:
    """A reviewer who follows the page finds what it names."""
    assert (ROOT / name).exists()


def test_page_names_files_figures_and_commands() -> None:
    """The patterns above find what they are meant to find."""
    assert 40 <= len(FILES)
    assert 5 == len(FIGURES)
    assert {"keys ceremony", "keys export", "keys import", "keys generate"} <= set(COMMANDS)


@pytest.mark.parametrize("name", FIGURES)
def test_figure_of_the_page_is_a_command(name: str) -> None:
    """Each figure is there, and the Makefile's target runs it."""
    assert (ROOT / (name.replace(".", "/") + ".py")).is_file()
    assert f"-m {name} " in (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("command", COMMANDS)
def test_command_of_the_page_is_one(command: str) -> None:
    """Each command answers to --help."""
    assert 0 == run(*command.split(), "--help").returncode
