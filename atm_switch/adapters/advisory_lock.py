"""Waiting for an advisory lock that a process before this one may still hold at the server.

Plan: the server hears of the end of a process only behind the statement under way, and a lock
goes with the process that serves it.  It is waited for in steps, each well below the longest
statement that a session may run; the server serves who waits in their order.
"""

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any, Final

ENDING_SECONDS: Final = 15
"""How long the server may take to notice that a process was killed, and to undo what it did."""
STEP_SECONDS: Final = 3

_NUMBERED: Final = "SELECT pg_advisory_lock(?)"
_NAMED: Final = "SELECT pg_advisory_lock(?, hashtext(?))"
_USUAL: Final = "SELECT current_setting('lock_timeout')"
_WAIT: Final = "SELECT set_config('lock_timeout', ?, false)"

Run = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]
"""Runs a statement with ``?`` for its values; returns its rows."""


def took_lock(run: Run, key: Sequence[int | str], held: type[Exception], seconds: float) -> bool:
    """Take a lock for as long as the session lasts; ``False`` where another keeps it.

    ``key`` is its number, or a space and a name in it; ``held`` is what ``run`` raises where a
    lock was waited for in vain.
    """
    sql = _NUMBERED if len(key) == 1 else _NAMED
    ((usual,),) = run(_USUAL, ())
    step = min(STEP_SECONDS, seconds)
    run(_WAIT, (f"{round(1000 * step)}ms",))
    try:
        return any(_took(run, sql, key, held) for _ in range(ceil(seconds / step)))
    finally:
        run(_WAIT, (usual,))


def _took(run: Run, sql: str, key: Sequence[int | str], held: type[Exception]) -> bool:
    try:
        run(sql, key)
    except held:
        return False
    return True
