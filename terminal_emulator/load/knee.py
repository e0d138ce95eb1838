"""Find the rate at which a host stops keeping up.

Plan: raise the rate by half until a step is lost, then halve the gap a few times.  A step is
lost when less than 98 in a hundred of what was due was answered properly, or the last answer
came more than a twentieth of the step after its end (beyond a p99 of the first step: a queue
has grown), or its p99 is ten times that of the first step and above 50 ms.  A step is lost
only if it is lost twice: once may be the machine.
"""

from collections.abc import Callable

from terminal_emulator.load import schedule
from terminal_emulator.load.run import Load
from terminal_emulator.load.tally import Tally, percentile

GROWTH, HALVINGS = 1.5, 4
KEPT_SHARE, SLOWER, SLOW_SECONDS, TAIL_SHARE = 0.98, 10.0, 0.05, 0.05
STEPS_MAX = 40


async def find_knee(
    load: Load,
    rate: float,
    seconds: float,
    tell: Callable[[str], None],
) -> tuple[Tally, list[str]]:
    """Return the tally of the best step that was kept, and what to say of the knee."""
    best, tally = 0.0, Tally()
    lost: float | None = None
    doubted: float | None = None
    calm: float | None = None
    for _ in range(STEPS_MAX):
        if load.is_stopped:
            break
        step = await load.open_loop(schedule.constant(rate, seconds))
        high = percentile(step.ordered(), 99)
        calm = high if calm is None else calm
        is_kept = _is_kept(step, seconds, high, calm)
        tell(
            f"{rate:>10,.0f}/s  answered {step.answered:,} of {step.due:,}  "
            f"p99 {high * 1000:.1f} ms  {'kept' if is_kept else 'lost'}"
        )
        if is_kept:
            best, tally = rate, step
        elif doubted != rate:
            doubted = rate
            continue
        else:
            lost = rate
        following = _next(best, lost)
        if following is None:
            break
        rate = following
    if lost is None:
        return tally, [f"no knee up to {best:,.0f}/s"]
    if not best:
        return tally, [f"the knee is below {lost:,.0f}/s: begin with a lower --rate"]
    return tally, [f"the knee is between {best:,.0f}/s (kept) and {lost:,.0f}/s (lost)"]


def _is_kept(step: Tally, seconds: float, high: float, calm: float) -> bool:
    share = step.answered / max(step.due, 1)
    in_time = step.last_answered <= seconds * (1 + TAIL_SHARE) + max(calm, SLOW_SECONDS)
    return share >= KEPT_SHARE and in_time and high <= max(SLOWER * calm, SLOW_SECONDS)


def _next(best: float, lost: float | None) -> float | None:
    """Return the next rate to try; ``None`` where the gap is small enough."""
    if lost is None:
        return best * GROWTH
    if not best:
        return lost / 2 if lost > 1 else None
    if lost / best < 1 + (GROWTH - 1) / 2**HALVINGS:
        return None
    return (best + lost) / 2
