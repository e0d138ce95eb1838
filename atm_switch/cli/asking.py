"""Secrets asked for: unseen at a terminal, a line each from a pipe; never an argument."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from atm_switch.domain.card import Pan
    from atm_switch.domain.secret import Pin

T = TypeVar("T")


def ask(question: str, read: Callable[[str], T]) -> T:
    """Ask without echo at a terminal, else take the next line of standard input.

    Raises ``click.UsageError`` where there is none, ``Refused`` as ``checked`` does.
    """
    if not sys.stdin.isatty():
        line = sys.stdin.readline()
        if not line:
            wanted = question.strip().rstrip(":").lower()
            raise click.UsageError(f"standard input has no line for the {wanted}")
        return checked(read, line)
    import getpass

    return checked(read, getpass.getpass(question))


def checked(read: Callable[[str], T], line: str) -> T:
    """Read a line as a value.  Raises ``Refused``, without the line, for any other."""
    from atm_switch.domain.errors import Refused

    try:
        return read(line.strip())
    except ValueError as error:
        raise Refused(str(error)) from None


def pan_of(line: str) -> "Pan":
    """Read a card number."""
    from atm_switch.domain.card import Pan

    return Pan(line)


def pin_of(line: str) -> "Pin":
    """Read a clear PIN.  Raises ``ValueError``, without digits."""
    import re

    from atm_switch.domain.secret import Pin

    if not re.fullmatch(r"[0-9]{4,12}", line, re.ASCII):
        message = "a PIN has 4 to 12 digits"
        raise ValueError(message)
    return Pin(line.encode())
