"""How a load goes, while it goes: a block on a terminal, a line a second elsewhere.

Plan: figures of the last whole second, percentiles of the last three.  The block is one text
that rich puts in place of the one before it: a table of rich's own takes ten times as long to
draw, and while it is drawn no answer is read.
Limits: of many answers a part is sorted, every tenth say; the report at the end is exact.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from terminal_emulator.load.tally import PERCENTILES, Tally, percentile

SORTED_MAX = 2_000
CODES_SHOWN = 5
_LOOK_BACK = 3


@dataclass(frozen=True, slots=True)
class Glance:
    """What is shown of one moment of a run; milliseconds."""

    second: int
    asked: int
    got: int
    under_way: int
    percentiles: tuple[float, ...]
    codes: tuple[tuple[str, int], ...]
    faults: tuple[tuple[str, int], ...]

    @classmethod
    def at(cls, tally: Tally) -> "Glance":
        """Look at a run."""
        newest = max(tally.seconds, default=0)
        whole = max(newest - 1, 0)
        last = tally.seconds.get(whole)
        latest = [
            value
            for number in range(max(newest - _LOOK_BACK, 0), newest + 1)
            if (one := tally.seconds.get(number)) is not None
            for value in one.latencies[:: len(one.latencies) * _LOOK_BACK // SORTED_MAX + 1]
        ]
        latest.sort()
        return cls(
            second=newest,
            asked=last.due if last else 0,
            got=last.answered if last else 0,
            under_way=tally.under_way,
            percentiles=tuple(percentile(latest, one) * 1000 for one in PERCENTILES),
            codes=tuple(tally.codes.most_common(CODES_SHOWN)),
            faults=tuple(tally.faults.most_common(CODES_SHOWN)),
        )


def line_of(glance: Glance) -> str:
    """Write it as one line, for a log."""
    times = " ".join(
        f"p{name:g} {value:.1f}"
        for name, value in zip(PERCENTILES, glance.percentiles, strict=True)
    )
    faults = "".join(f"  {what}: {count:,}" for what, count in glance.faults)
    codes = " ".join(f"{code}:{count:,}" for code, count in glance.codes)
    return (
        f"{glance.second:>4} s  asked {glance.asked:,}/s got {glance.got:,}/s  "
        f"under way {glance.under_way:,}  {times} ms  {codes}{faults}"
    )


def block_of(glance: Glance, what: str) -> Text:
    """Write it as a block, for a terminal."""
    text = Text(no_wrap=True, overflow="crop")
    text.append(f"{what}\n", "bold")
    text.append(
        f"{glance.second:>6} s    asked {glance.asked:>8,}/s   got {glance.got:>8,}/s   "
        f"under way {glance.under_way:>8,}\n"
    )
    text.append("time      ")
    for name, value in zip(PERCENTILES, glance.percentiles, strict=True):
        text.append(f"p{name:g} ", "dim")
        text.append(f"{value:<10.2f}", "bold")
    text.append("ms\n", "dim")
    text.append("DE39      ")
    for code, count in glance.codes:
        text.append(f"{code} ", "green" if code == "00" else "yellow")
        text.append(f"{count:<11,}")
    text.append("\nwrong     ")
    for fault, count in glance.faults:
        text.append(f"{fault} {count:,}  ", "red")
    return text if glance.faults else text.append("none")


class Display:
    """Shows a run on ``out``; ``what`` is its headline."""

    def __init__(self, out: TextIO, what: str) -> None:
        """Look whether ``out`` is a terminal."""
        self._out = out
        self._what = what
        self.live: Live | None = None
        console = Console(file=out)
        # As little as needed besides: the loop that reads the answers pays for it.
        if console.is_terminal and not console.is_dumb_terminal:
            self.live = Live(
                console=console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )

    def show(self, tally: Tally) -> None:
        """Show how it goes now."""
        glance = Glance.at(tally)
        if self.live is None:
            self._out.write(line_of(glance) + "\n")
            self._out.flush()
        else:
            self.live.update(block_of(glance, self._what), refresh=True)


@contextmanager
def shown(what: str, out: TextIO | None = None) -> Iterator[Display]:
    """Show a run, on standard error if nowhere else, and clean up after it."""
    display = Display(out or sys.stderr, what)
    with display.live or nullcontext():
        yield display
