"""Arguments several commands share; light, because the help needs them."""

from pathlib import Path

import click

data_folder = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
"""The data folder, first argument of most commands."""


def examples(*lines: str) -> str:
    """Write the examples below a command's help, line by line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
