"""The processes of a switch: which of them answers, which writes its journal, how to hit them."""

import os
import signal
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Final

from atm_switch.process_place import ProcessPlace

AS_PROCESS = b"--as-process"
WRITER_KILLS_MAX = 3
"""How often a minute the writer beside one switch may be killed: soon after, the switch ends."""


class Victim(Enum):
    """Whom a signal is meant for."""

    ANSWERING = "answering"
    """The first process: of several workers, the one that listens for them."""
    WRITER = "writer"
    BOTH = "both"
    """All there are, where there are several workers."""
    WORKER = "worker 1"
    OTHER_WORKER = "worker 2"


BESIDE_ONE: Final = (Victim.ANSWERING, Victim.WRITER, Victim.BOTH)
"""Whom there is to hit in a switch of one worker."""


def family(pid: int) -> list[int]:
    """Return a process and all that descend from it; what ends meanwhile may be missing."""
    found = [pid]
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += family(int(child))
    return found


def processes_of(pid: int) -> dict[str, int]:
    """Return those of a switch by name: ``answering``, ``writer`` and ``worker N`` as they are."""
    answering, *others = family(pid)
    named = {name: other for other in others if (name := _name(other))}
    return {Victim.ANSWERING.value: answering, **named}


def send(pid: int, number: signal.Signals, victim: Victim) -> None:
    """Signal one process of the switch ``pid`` or all; one that is gone is passed over."""
    for name, process in processes_of(pid).items():
        if victim is Victim.BOTH or victim.value == name:
            with suppress(ProcessLookupError):
                os.kill(process, number)


def _name(pid: int) -> str:
    with suppress(FileNotFoundError, ProcessLookupError):
        told = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if AS_PROCESS in told:
            place = ProcessPlace.of(told[told.index(AS_PROCESS) + 1].decode())
            return Victim.WRITER.value if place.is_writer else f"worker {place.number}"
    return ""
