"""The processes of a switch: which of them answers, which writes its journal, how to hit them."""

import os
import signal
from contextlib import suppress
from enum import Enum
from pathlib import Path

from atm_switch.process_place import ProcessPlace

AS_PROCESS = b"--as-process"
WRITER_KILLS_MAX = 3
"""How often a minute the writer beside one switch may be killed: soon after, the switch ends."""


class Victim(Enum):
    """Whom a signal is meant for."""

    ANSWERING = "answering"
    WRITER = "writer"
    BOTH = "both"


def family(pid: int) -> list[int]:
    """Return a process and all that descend from it; what ends meanwhile may be missing."""
    found = [pid]
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += family(int(child))
    return found


def processes_of(pid: int) -> dict[str, int]:
    """Return those of a switch by name: ``answering``, and ``writer`` where there is one by now."""
    answering, *others = family(pid)
    writers = [(Victim.WRITER.value, other) for other in others if _is_writer(other)]
    return dict([(Victim.ANSWERING.value, answering), *writers])


def send(pid: int, number: signal.Signals, victim: Victim) -> None:
    """Signal one process of the switch ``pid`` or both; one that is gone is passed over."""
    for name, process in processes_of(pid).items():
        if victim in {Victim.BOTH, Victim(name)}:
            with suppress(ProcessLookupError):
                os.kill(process, number)


def _is_writer(pid: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        told = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if AS_PROCESS in told:
            return ProcessPlace.of(told[told.index(AS_PROCESS) + 1].decode()).is_writer
    return False
