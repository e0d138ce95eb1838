"""How far an import is, on a terminal: a bar for each of its phases, with rate and time left.

Plan: reading goes by bytes; checking and booking are passes over all rows, and their time left
goes by the mean of the passes that are done.  Before the first one is done, and once the
guess is over, none is told, for none is known.
Limits: rich is imported here, so import this where a terminal is.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar
from rich.text import Text

from atm_switch.cli.import_pace import Pace
from atm_switch.ledger.csv_meter import Phase, Progress


class _Left(TimeRemainingColumn):
    """The time left: of a phase of passes by its pace."""

    def render(self, task: Task) -> Text:
        """Write it."""
        pace: Pace | None = task.fields["pace"]
        if pace is None:
            return super().render(task)
        left = pace.seconds_left(time.monotonic())
        if left is None:
            return Text("-:--:--", style="progress.remaining")
        minutes, seconds = divmod(int(left), 60)
        hours, minutes = divmod(minutes, 60)
        return Text(f"{hours}:{minutes:02}:{seconds:02}", style="progress.remaining")


@contextmanager
def import_bar(resumed_line: Callable[[Progress], str]) -> Iterator[Callable[[Progress], None]]:
    """Lend what shows the progress; ``resumed_line`` says what an earlier try had read."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows, {task.fields[rate]:,.0f} rows/s, left:"),
        _Left(),
        TextColumn("since:"),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(Phase.READING.value, total=None, rows=0, rate=0, pace=None)
        pace, told, phase = Pace(time.monotonic()), 0, Phase.READING

        def show(at: Progress) -> None:
            nonlocal task, told, phase, pace
            now = time.monotonic()
            if at.resumed > told:
                told = at.resumed
                bar.console.print(resumed_line(at))
            if at.phase is not phase:
                phase, pace = at.phase, Pace(now)
                bar.remove_task(task)
                task = bar.add_task("", total=None, rows=at.rows, rate=0, pace=None)
            if phase is Phase.READING:
                rate = (at.rows - at.resumed) / max(now - pace.began, 1e-3)
                done, total = at.bytes_done, at.bytes_total
                bar.update(task, completed=done, total=total, rows=at.rows, rate=rate)
            else:
                pace.note(at.passes_done, at.passes, now)
                bar.update(
                    task, description=pace.told(phase.value), completed=at.passes_done,
                    total=at.passes, rows=at.rows, rate=pace.rate(at.rows, now), pace=pace,
                )  # fmt: skip

        yield show
