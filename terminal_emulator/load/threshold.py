"""Promises a run must keep, as the command line names them: ``p99<50ms``, ``errors<0.1%``."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from terminal_emulator.load.tally import Tally, percentile

_SHAPE = re.compile(
    r"(p[0-9]+(?:\.[0-9]+)?|max|mean|rate|errors|code:[0-9A-Z]{2})\s*(<=|>=|<|>)\s*"
    r"([0-9]+(?:\.[0-9]+)?)(us|ms|s|%|/s)?"
)
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
HELP = "p99<50ms, max<=1s, mean<5ms, errors<0.1%, rate>=990/s, code:00>99%"


@dataclass(frozen=True, slots=True)
class Threshold:
    """One promise; made by ``read``."""

    text: str
    what: str
    compare: str
    bound: float
    """Seconds, a share of 1, or a rate a second."""

    @classmethod
    def read(cls, text: str) -> "Threshold":
        """Read a promise.  Raises ``ValueError`` that says how it is written."""
        found = _SHAPE.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"a threshold is written like {HELP}")
        what, compare, number, unit = found.groups()
        wanted = _unit_of(what)
        if unit not in wanted:
            raise ValueError(f"{what} is counted in {' or '.join(wanted)}: like {HELP}")
        factor = _SECONDS.get(unit, 0.01 if unit == "%" else 1.0)
        return cls(text.strip(), what, compare, float(number) * factor)

    def value(self, tally: Tally, ordered: list[float]) -> float:
        """Return what was measured."""
        if self.what.startswith("p"):
            return percentile(ordered, float(self.what[1:]))
        if self.what.startswith("code:"):
            return tally.codes[self.what[5:]] / max(tally.due, 1)
        values: dict[str, Callable[[], float]] = {
            "max": lambda: ordered[-1] if ordered else 0.0,
            "mean": lambda: sum(ordered) / max(len(ordered), 1),
            "rate": lambda: tally.answered / tally.elapsed,
            "errors": lambda: tally.errors() / max(tally.due, 1),
        }
        return values[self.what]()

    def is_kept(self, tally: Tally, ordered: list[float]) -> bool:
        """Tell whether the run kept the promise; one without an answer keeps none of time."""
        is_of_time = self.what[0] == "p" or self.what in ("max", "mean")
        if is_of_time and not ordered:
            return False
        return _COMPARE[self.compare](self.value(tally, ordered), self.bound)


def _unit_of(what: str) -> tuple[str, ...]:
    if what == "errors" or what.startswith("code:"):
        return ("%",)
    return ("/s",) if what == "rate" else ("us", "ms", "s")
