"""A run drawn over time, as SVG: p50 and p99 of each second over its answers.

Plan: one picture with two scales: milliseconds at the left for the lines, requests a second at
the right for the bars and for what was asked, a dashed line.  Ticks are round numbers.
Limits: no outside font or style sheet; every second is drawn, however many there are.
"""

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from terminal_emulator.load.report import Report
from terminal_emulator.load.tally import percentile

WIDTH, HEIGHT = 960, 460
LEFT, RIGHT, TOP, BOTTOM = 84, 84, 76, 56
P50, P99, BAR, ASKED, GRID, FAINT = "#1f6f4a", "#b5341e", "#c8d6e5", "#4a5a6a", "#e6eaee", "#5b6670"
HEAD = (
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
    'font-family="sans-serif" font-size="13" fill="#222222">'
)
TITLE = 'font-size="17" font-weight="bold"'
TICKS_MOST = 5
SECONDS_NAMED_MOST = 12


@dataclass(frozen=True, slots=True)
class Scale:
    """From 0 to ``top``, with a tick every ``step``."""

    top: float
    step: float

    @classmethod
    def of(cls, most: float) -> "Scale":
        """Choose round ticks, at most five, the last of them not below ``most``."""
        rough = max(most, 1e-6) / TICKS_MOST
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * one for one in (1, 2, 5, 10) if power * one >= rough * (1 - 1e-9))
        return cls(math.ceil(max(most, 1e-6) / step - 1e-9) * step, step)

    def ticks(self) -> list[float]:
        """Return the ticks from 0 up."""
        return [self.step * at for at in range(round(self.top / self.step) + 1)]

    def y(self, value: float) -> float:
        """Return where a value is, from above."""
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self.top


def chart(report: Report) -> str:
    """Draw the run."""
    seconds = report.tally.seconds
    count = max(seconds, default=-1) + 1
    rows = [seconds.get(number) for number in range(count)]
    latencies = [sorted(row.latencies) if row else [] for row in rows]
    answered = [row.answered if row else 0 for row in rows]
    due = [float(row.due) if row else 0.0 for row in rows]
    asking = max((at for at, one in enumerate(due) if one), default=-1) + 1
    times = Scale.of(max([percentile(one, 99) * 1000 for one in latencies], default=0.0))
    rates = Scale.of(float(max([*answered, *due, 1])))
    lines = [
        HEAD,
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="28" {TITLE}>{html.escape(report.what)}</text>',
        *_legend(),
        *_grid(times, rates),
        *_bars(answered, rates),
        _line(due[:asking], rates, ASKED, count, 'stroke-dasharray="5 4" '),
        _line([percentile(one, 50) * 1000 for one in latencies], times, P50, count),
        _line([percentile(one, 99) * 1000 for one in latencies], times, P99, count),
        *_seconds(count),
        "</svg>",
    ]
    return "\n".join(line for line in lines if line) + "\n"


def _legend() -> Iterator[str]:
    at = LEFT
    for name, colour in (
        ("p50", P50), ("p99", P99), ("answers a second", BAR), ("asked a second", ASKED),
    ):  # fmt: skip
        yield f'<rect x="{at}" y="43" width="14" height="10" fill="{colour}"/>'
        yield f'<text x="{at + 20}" y="52">{name}</text>'
        at += 44 + 8 * len(name)


def _grid(times: Scale, rates: Scale) -> Iterator[str]:
    for tick in times.ticks():
        y = times.y(tick)
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{GRID}"/>'
        yield _word(LEFT - 8, y + 4, f"{tick:,.6g} ms", "end")
    for tick in rates.ticks():
        yield _word(WIDTH - RIGHT + 8, rates.y(tick) + 4, f"{tick:,.6g}/s", "start")


def _bars(answered: Sequence[int], rates: Scale) -> Iterator[str]:
    wide = (WIDTH - LEFT - RIGHT) / max(len(answered), 1) * 0.7
    for at, rate in enumerate(answered):
        y = rates.y(rate)
        yield (
            f'<rect x="{_x(at, len(answered)) - wide / 2:.1f}" y="{y:.1f}" width="{wide:.1f}" '
            f'height="{HEIGHT - BOTTOM - y:.1f}" fill="{BAR}"/>'
        )


def _line(values: Sequence[float], scale: Scale, colour: str, count: int, more: str = "") -> str:
    """Draw values from second to second of ``count``; one alone is a dot."""
    points = [(_x(at, count), scale.y(value)) for at, value in enumerate(values)]
    if len(points) == 1:
        return f'<circle cx="{points[0][0]:.1f}" cy="{points[0][1]:.1f}" r="4" fill="{colour}"/>'
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return (
        f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="2" '
        f'{more}stroke-linejoin="round"/>'
    )


def _seconds(count: int) -> Iterator[str]:
    y = HEIGHT - BOTTOM
    yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="#222222"/>'
    step = max(math.ceil(count / SECONDS_NAMED_MOST), 1)
    for at in range(0, count, step):
        yield _word(_x(at, count), y + 18, f"{at} s", "middle")
    yield _word(WIDTH / 2, HEIGHT - 12, "second of the run", "middle")


def _word(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{FAINT}">{text}</text>'


def _x(at: int, count: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (at + 0.5) / max(count, 1)
