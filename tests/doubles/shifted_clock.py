"""``atm-switch`` whose wall clock is so many days off: ``python -m ... DAYS COMMAND...``.

Only the wall clock moves, as when an operator sets it; the monotonic one goes on.
"""

import sys
from datetime import UTC, datetime, timedelta

from atm_switch.adapters import clock
from atm_switch.cli import main


def shift(days: int) -> None:
    """Move the one place where the switch reads the time; to be done before all else."""

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]  # noqa: ARG003
            return datetime.now(UTC) + timedelta(days=days)

    clock.datetime = Shifted  # type: ignore[attr-defined]


if __name__ == "__main__":
    shift(int(sys.argv[1]))
    sys.exit(main(sys.argv[2:]))
