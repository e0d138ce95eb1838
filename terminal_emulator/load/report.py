"""What a run measured, written down: text, JSON, percentile file.

The percentile file has the columns of HdrHistogram's text form (value, percentile, count,
1/(1-percentile)), so its plotters read it; values are milliseconds, of every request.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from terminal_emulator.load.tally import PERCENTILES, Tally, percentile
from terminal_emulator.load.threshold import Threshold

BLOCKS = "▁▂▃▄▅▆▇█"
_TICKS_EACH_HALVING = 5


@dataclass(frozen=True, slots=True)
class Report:
    """One run and what was asked of it."""

    tally: Tally
    what: str
    """E.g. ``open loop, 500/s for 10 s``."""
    terminals: int
    links: int
    thresholds: Sequence[Threshold] = ()
    notes: Sequence[str] = ()
    ordered: list[float] = field(default_factory=list, repr=False)

    @classmethod
    def of(cls, tally: Tally, what: str, terminals: int, links: int, **more: Any) -> "Report":
        """Sort the latencies once."""
        return cls(tally, what, terminals, links, ordered=tally.ordered(), **more)

    @property
    def broken(self) -> list[Threshold]:
        """The thresholds the run did not keep."""
        return [one for one in self.thresholds if not one.is_kept(self.tally, self.ordered)]


def text_of(report: Report) -> str:
    """Write the report for people."""
    tally, ordered = report.tally, report.ordered
    lags = sorted(tally.lags)
    lines = [
        f"{report.what}: {report.terminals:,} terminals on {report.links:,} links",
        (
            f"  due {tally.due:,}   sent {tally.sent:,}   answered {tally.answered:,} "
            f"in {tally.elapsed:.1f} s ({tally.answered / tally.elapsed:,.0f}/s)"
        ),
        "  time from when each was due:  "
        + "  ".join(f"p{p:g} {_time(percentile(ordered, p))}" for p in PERCENTILES)
        + f"  max {_time(ordered[-1] if ordered else 0.0)}",
        "  of that, leaving late:  "
        + "  ".join(f"p{p:g} {_time(percentile(lags, p))}" for p in PERCENTILES),
        "  DE39:  " + ("  ".join(f"{c} {n:,}" for c, n in tally.codes.most_common()) or "none"),
    ]
    if tally.faults:
        lines.append("  wrong: " + "  ".join(f"{w} {n:,}" for w, n in tally.faults.most_common()))
    if len(tally.seconds) > 1:
        lines += list(_sparks(tally))
    lines += [f"  {note}" for note in report.notes]
    for one in report.thresholds:
        kept = "kept  " if one.is_kept(tally, ordered) else "BROKEN"
        lines.append(f"  {kept} {one.text} (was {_measured(one, tally, ordered)})")
    return "\n".join(lines) + "\n"


def document_of(report: Report) -> dict[str, Any]:
    """Return the report for JSON; times are milliseconds."""
    tally, ordered = report.tally, report.ordered
    lags = sorted(tally.lags)
    return {
        "what": report.what,
        "terminals": report.terminals,
        "links": report.links,
        "due": tally.due,
        "sent": tally.sent,
        "answered": tally.answered,
        "seconds": round(tally.elapsed, 3),
        "rate": round(tally.answered / tally.elapsed, 3),
        "milliseconds": {
            **{f"p{p:g}": round(percentile(ordered, p) * 1000, 3) for p in PERCENTILES},
            "max": round((ordered[-1] if ordered else 0.0) * 1000, 3),
            "mean": round(sum(ordered) / max(len(ordered), 1) * 1000, 3),
        },
        "left_late_milliseconds": {
            f"p{p:g}": round(percentile(lags, p) * 1000, 3) for p in PERCENTILES
        },
        "codes": dict(sorted(tally.codes.items())),
        "faults": dict(sorted(tally.faults.items())),
        "thresholds": [
            {"text": one.text, "kept": one.is_kept(tally, ordered)} for one in report.thresholds
        ],
        "notes": list(report.notes),
        "by_second": [
            {
                "second": number,
                "due": second.due,
                "sent": second.sent,
                "answered": second.answered,
                "p50": round(percentile(sorted(second.latencies), 50) * 1000, 3),
                "p99": round(percentile(sorted(second.latencies), 99) * 1000, 3),
            }
            for number, second in sorted(tally.seconds.items())
        ],
    }


def percentile_file(ordered: Sequence[float]) -> str:
    """Write the distribution in the text form of HdrHistogram; values in milliseconds."""
    lines = [f"{'Value':>12} {'Percentile':>14} {'TotalCount':>10} {'1/(1-Percentile)':>16}", ""]
    count = len(ordered)
    for share in _ticks(count):
        rank = min(max(math.ceil(share * count), 1), count)
        inverse = f"{1 / (1 - share):>16.2f}" if share < 1 else f"{'inf':>16}"
        lines.append(f"{ordered[rank - 1] * 1000:>12.3f} {share:>14.12f} {rank:>10} {inverse}")
    mean = sum(ordered) / max(count, 1)
    spread = math.sqrt(sum((one - mean) ** 2 for one in ordered) / max(count, 1))
    longest = ordered[-1] * 1000 if ordered else 0.0
    lines += [
        f"#[Mean    = {mean * 1000:12.3f}, StdDeviation   = {spread * 1000:12.3f}]",
        f"#[Max     = {longest:12.3f}, Total count    = {count:>12}]",
        "#[Buckets =            0, SubBuckets     =            0]",
    ]
    return "\n".join(lines) + "\n"


def write_json(report: Report) -> str:
    """Write the report as JSON."""
    return json.dumps(document_of(report), indent=2) + "\n"


def _sparks(tally: Tally) -> Iterator[str]:
    rows = [second for _, second in sorted(tally.seconds.items())]
    highs = [percentile(sorted(one.latencies), 99) for one in rows]
    rates = [float(one.answered) for one in rows]
    yield f"  p99 by second      {_spark(highs)}  to {_time(max(highs))}"
    yield f"  answers by second  {_spark(rates)}  to {max(rates):,.0f}"


def _spark(values: Sequence[float], width: int = 50) -> str:
    """Draw values as blocks, several to one where there are many; each the highest of its own."""
    step = max(math.ceil(len(values) / width), 1)
    highest = [max(values[at : at + step]) for at in range(0, len(values), step)]
    top = max([*highest, 1e-12])
    return "".join(BLOCKS[min(int(one / top * 7.999), 7)] for one in highest)


def _measured(one: Threshold, tally: Tally, ordered: list[float]) -> str:
    value = one.value(tally, ordered)
    if one.what[0] == "p" or one.what in ("max", "mean"):
        return _time(value)
    return f"{value:,.1f}/s" if one.what == "rate" else f"{value:.3%}"


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.2f} ms"


def _ticks(count: int) -> Iterator[float]:
    """Yield shares that come closer and closer to all, five for each halving of the rest."""
    share, rest = 0.0, 1.0
    while count and rest * count >= 1:
        for step in range(_TICKS_EACH_HALVING):
            yield share + rest / 2 * step / _TICKS_EACH_HALVING
        share, rest = share + rest / 2, rest / 2
    if count:
        yield 1.0
