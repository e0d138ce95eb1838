"""What a stop of several processes is worth, by how each of them ended."""

import asyncio
from typing import Any

import pytest

from atm_switch.child import Child
from atm_switch.endings import Endings
from atm_switch.process_place import WRITER
from atm_switch.seat import LOST

NOTHING: Any = None
"""In place of a log, which nothing is told here."""


class Process:
    """One that has ended."""

    def __init__(self, code: int) -> None:
        """End so."""
        self.returncode = code

    async def wait(self) -> int:
        """Return at once."""
        return self.returncode


class Control:
    """The way to it."""

    def say(self, _message: dict[str, Any]) -> bool:
        """Say nothing to anybody."""
        return False


def ended(number: int, code: int, *, was_ready: bool = True) -> Child:
    """Return a process that ended so."""
    child = Child(number, Process(code), Control())  # type: ignore[arg-type]
    if was_ready:
        child.is_ready.set()
    return child


@pytest.mark.parametrize(
    ("children", "code"),
    [
        ([ended(WRITER, 0), ended(1, 0)], 0),
        ([ended(WRITER, 0), ended(1, -9)], 1),
        ([ended(WRITER, 0), ended(1, -15, was_ready=False)], 0),
        ([ended(WRITER, LOST), ended(1, 1)], LOST),
    ],
)
def test_exit_code_tells_what_became_of_the_processes(children: list[Child], code: int) -> None:
    """One that failed did not finish what was under way; one not ready had nothing to finish."""
    endings = Endings(NOTHING)

    asyncio.run(endings.wait(children, 1.0))

    assert code == endings.code
