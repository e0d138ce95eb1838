"""How far an import is, on a terminal: a bar with rate and time left.

Plan: reading goes by bytes; checking and booking are passes over the rows, and go together by
the pace of ``import_pace.py``.
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
from atm_switch.ledger.csv_meter import Progress
from atm_switch.ledger.csv_passes import Phase


class _Left(TimeRemainingColumn):
    """The time left: of passes by their pace."""

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
        pace, told, is_reading = Pace(time.monotonic()), 0, True

        def show(at: Progress) -> None:
            nonlocal task, told, is_reading, pace
            now = time.monotonic()
            if at.resumed > told:
                told = at.resumed
                bar.console.print(resumed_line(at))
            if is_reading and at.passes:
                is_reading, pace = False, Pace(now)
                bar.remove_task(task)
                task = bar.add_task("", total=1.0, rows=at.rows, rate=0, pace=None)
            if is_reading:
                rate = (at.rows - at.resumed) / max(now - pace.began, 1e-3)
                done, total = at.bytes_done, at.bytes_total
                bar.update(task, completed=done, total=total, rows=at.rows, rate=rate)
            else:
                pace.note(at.passes_done, at.passes, now)
                bar.update(
                    task, description=pace.told(at.phase.value), completed=pace.share(),
                    rate=pace.rate(), pace=pace, refresh=True,
                )  # fmt: skip

        yield show
