"""What stands above every figure: on which machine, interpreter and commit it was taken."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import click


def print_banner(title: str) -> None:
    """Print ``title``, the machine, the interpreter and the commit, a line each."""
    click.echo(title)
    click.echo(f"machine  {platform.platform()}, {os.cpu_count()} CPUs")
    click.echo(f"python   {_interpreter()}")
    click.echo(f"commit   {_commit()}")


def taken_on() -> str:
    """Say the same in one line that may stand in a committed file."""
    return f"{os.cpu_count()} x {_processor()}, {_interpreter()}, commit {_commit()}"


def _interpreter() -> str:
    """Name the interpreter and whose build it is: that matters more than its version.

    A distribution's build is optimised by profile, one made at home mostly is not, and the
    interpreter itself cannot tell.
    """
    whose = "the system's" if sys.base_prefix == "/usr" else "not the system's"
    name, version = platform.python_implementation(), platform.python_version()
    return f"{name} {version}, {platform.python_compiler()}, {whose}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


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
