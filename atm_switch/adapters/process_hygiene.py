"""What the process does to itself before it holds a key: no core image, no missing asserts.

Plan: ``RLIMIT_CORE`` 0, soft and hard, so that no later code can raise it, and
``PR_SET_DUMPABLE`` 0, so that a core pattern that pipes into a program gets nothing either
and only root may trace the process or read its memory.
Limits: Linux has both calls, other systems may have the first only.  Pages are not locked
in memory: ``mlockall`` makes later allocations fail where its limit is small, so swap is
to be encrypted or off (SECURITY.md).
Why at all: a core image holds every software key (security.md 2, process hygiene).
"""

import ctypes
import os
import resource
import sys
from contextlib import suppress

from atm_switch.domain.errors import Refused

GIVING_WAY = 10
"""Steps of nice(2): a tenth of the processor where somebody else wants it, all of it else."""
_PR_SET_DUMPABLE = 4
"""From ``linux/prctl.h``."""


def forbid_core_dumps() -> None:
    """Let a crash of this process, and of whatever it starts, leave no image of its memory.

    Raises ``Refused`` where the system does not allow it.
    """
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError):
        raise Refused(
            "core dumps cannot be turned off for this process; start it with: ulimit -c 0"
        ) from None
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None and prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise Refused("this process cannot be made undumpable; allow prctl(PR_SET_DUMPABLE) to it")


def give_way() -> None:
    """Let other processes go first: what takes minutes must not make inquiries wait."""
    with suppress(OSError):  # where it may not be, all are equal
        os.nice(GIVING_WAY)


def refuse_optimised() -> None:
    """Raise ``Refused`` where the interpreter leaves out assertions: some of them guard."""
    if sys.flags.optimize:
        raise Refused(
            "the switch does not run without its assertions; leave out -O and PYTHONOPTIMIZE"
        )
