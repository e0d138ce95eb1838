"""The switch with a watch on the garbage collector, which it tells of when it stops.

    python -m tests.bench.watched DIR FILE     as ``atm-switch serve DIR``; FILE gets JSON

Plan: ``gc.callbacks`` hears the beginning and the end of every collection from the moment the
switch has frozen what it began with.  CPU time is what a collection takes from the loop; the
clock adds what other programs took from both.
"""

import gc
import json
import sys
import time
from pathlib import Path

from atm_switch.cli import main


class Watch:
    """Notes how long each collection took, in milliseconds: CPU, and by the clock."""

    def __init__(self) -> None:
        """Begin with none."""
        self.taken: list[tuple[float, float]] = []
        self._began = (0.0, 0.0)

    def hear(self, phase: str, info: dict[str, int]) -> None:
        """Hear of one; those before the switch has started count for nothing."""
        del info
        now = (time.thread_time(), time.perf_counter())
        if phase == "start":
            self._began = now
        elif gc.get_freeze_count():
            cpu, clock = (ended - began for began, ended in zip(self._began, now, strict=True))
            self.taken.append((cpu * 1000, clock * 1000))


if __name__ == "__main__":
    watch = Watch()
    gc.callbacks.append(watch.hear)
    code = main(["serve", sys.argv[1]])
    cpu, clock = (max(column, default=0.0) for column in zip(*watch.taken, strict=True))
    told = {"longest_cpu_ms": cpu, "longest_ms": clock, "count": len(watch.taken)}
    Path(sys.argv[2]).write_text(json.dumps(told))
    sys.exit(code)
