"""One row of the table: what was promised, what came out, and what to call that."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Goal:
    """A promise: ``least`` must be reached, ``aim`` is hoped for.

    With ``less_is_better`` both are upper bounds.  A goal without numbers is shown and not
    judged: a figure that explains another.
    """

    name: str
    least: float | None = None
    aim: float | None = None
    unit: str = "x"
    less_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Got:
    """What came out for the goal of that name: a value for each round, or why there is none.

    ``parts`` are what the value was made of, e.g. the microseconds of each side, for the
    chart; they are measured too, and never judged.
    """

    name: str
    rounds: Sequence[float] = ()
    note: str = ""
    parts: Mapping[str, float] = field(default_factory=dict)
    parts_unit: str = "us"

    @classmethod
    def left_out(cls, name: str, why: str) -> "Got":
        """Say why a figure cannot be had here."""
        return cls(name, note=why)

    @property
    def value(self) -> float | None:
        """The median of the rounds."""
        return statistics.median(self.rounds) if self.rounds else None


@dataclass(frozen=True, slots=True)
class Bench:
    """What a figure is given."""

    rounds: int
    folder: Path
    """For its files; removed afterwards."""
    say: Callable[[str], None]


AIM, LEAST, SHORT, SHOWN, LEFT_OUT = "aim reached", "reached", "SHORT", "shown", "left out"


def verdict(goal: Goal, value: float | None) -> str:
    """Judge a value."""
    if value is None:
        return LEFT_OUT
    if goal.least is None:
        return SHOWN
    if goal.aim is not None and _is_met(goal.aim, value, goal):
        return AIM
    return LEAST if _is_met(goal.least, value, goal) else SHORT


def row_of(module: str, goal: Goal, got: Got) -> dict[str, Any]:
    """Make the row that goes into the JSON file and, from there, into table and chart."""
    value = got.value
    return {
        "module": module,
        "figure": goal.name,
        "least": goal.least,
        "aim": goal.aim,
        "unit": goal.unit,
        "less_is_better": goal.less_is_better,
        "got": value,
        "rounds": list(got.rounds),
        "note": got.note,
        "parts": dict(got.parts),
        "parts_unit": got.parts_unit,
        "verdict": verdict(goal, value),
    }


def _is_met(bound: float, value: float, goal: Goal) -> bool:
    return value <= bound if goal.less_is_better else value >= bound
