"""What stands above every figure: on which machine, interpreter and commit it was taken."""

import os
import platform
import subprocess
from pathlib import Path

import click


def print_banner(title: str) -> None:
    """Print ``title``, the machine, the interpreter and the commit, a line each."""
    click.echo(title)
    click.echo(f"machine  {platform.platform()}, {os.cpu_count()} CPUs")
    click.echo(f"python   {platform.python_version()} ({platform.python_implementation()})")
    click.echo(f"commit   {_commit()}")


def _commit() -> str:
    root = Path(__file__).parents[2]
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--exclude=*"],
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "no commit"
    return found.stdout.strip()
