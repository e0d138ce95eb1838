"""How a switch stops: what is under way is answered, banks are told, links end.

Plan: no frame is taken any more; when nothing is under way the switch signs off where it had
signed on by itself, and listens there a moment for the answer, so that the bank does not lose
the sign-off to a reset; then it hangs up on every link, and waits within the time there is until
each peer has fetched what was sent and says no more, for a socket closed over unread requests
would take sent answers with it.
All of that within ``drain_seconds_max``: what has no answer when that is nearly over is given up,
as at its deadline, so that it is told 96, or 91 where the ledger or the HSM is waited for, and the
journal is to note of a row that may be written all the same that nobody was told (``untold``).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

from atm_switch.server.desk import Desk
from atm_switch.switch.case import STOPPED_SECONDS

LOOK_SECONDS = 0.005
SIGN_OFF_SECONDS_MAX = 1.0
"""How long a bank's answer to our sign-off is waited for, within the time there is."""

GIVE_UP_SECONDS: Final = 1.5
"""So long before the end of a drain is the deadline of all that is under way."""
LAST_SECONDS: Final = 0.5
"""So long before it the rows and MACs asked for lately are given up, too: that is what peers have
to fetch what they are told."""
SHARES: Final = 0.5, 0.25
"""Of a short drain these are at most such shares."""
STEPS_MAX: Final = 32
"""More questions no request has, with those that go on when it ends."""

WRITTEN_SECONDS_MAX = 0.5
"""How long a stop waits for events and records that a journal which fails does not take."""

ANSWERED_SECONDS_MAX = 0.1
"""How long it waits to be told that what the journal has been asked for is written."""
NOTED_SECONDS_MAX = 2.0
"""How long, to be told so of the notes that answers did not leave."""
GONE_SECONDS_MAX = 0.1
"""Until the links that are cut off are gone, and the journal hears what they have not sent."""


@dataclass(frozen=True, slots=True)
class _Times:
    """When what is under way is given up, and when a drain is over.  Monotonic seconds."""

    give_up_at: float
    last_at: float
    over_at: float

    @classmethod
    def of(cls, began: float, seconds: float) -> Self:
        """Tell the times of a drain that may take so long."""
        first, last = SHARES
        over_at = began + seconds
        return cls(
            over_at - min(GIVE_UP_SECONDS, first * seconds),
            over_at - min(LAST_SECONDS, last * seconds),
            over_at,
        )


async def drain(desk: Desk) -> None:
    """Take no more frames, answer what is under way, for a bounded time; end every link."""
    desk.is_draining = True
    for line, _ in desk.links():
        line.stop_listening()
    times = _Times.of(desk.clock().monotonic, desk.limits.drain_seconds_max)
    await _until(desk, times, times.over_at, lambda: desk.in_flight == 0)
    desk.sign_off()
    leaving = [(line, session) for line, session in desk.links() if session and session.signing_off]
    for line, _ in leaving:
        line.listen()
    await _until(
        desk,
        times,
        min(times.over_at, desk.clock().monotonic + SIGN_OFF_SECONDS_MAX),
        lambda: desk.in_flight == 0 and not any(session.signing_off for _, session in leaving),
    )
    give_up_all(desk)  # whoever has asked meanwhile
    left = max(times.over_at - desk.clock().monotonic, 0.0)
    for line, _ in desk.links():
        line.hang_up("the switch stops", left)
    await _until(desk, times, times.over_at, lambda: _are_gone(desk))
    cut_off(desk)
    gone_by = desk.clock().monotonic + GONE_SECONDS_MAX
    await _until(desk, times, gone_by, lambda: not desk.connections)


async def last_written(desk: Desk) -> None:
    """Wait a moment for the journal to have what no request waits for; say what is given up.

    What it was asked for it writes when it is stopped, and a server that hangs may take as long.
    Notes of answers that did not leave are waited for: one that fails can be asked again.
    """
    began, pending, tellings = desk.clock().monotonic, desk.pending, desk.tellings
    while len(pending) or len(tellings):
        seconds_max = WRITTEN_SECONDS_MAX if pending.unasked else ANSWERED_SECONDS_MAX
        if desk.clock().monotonic - began >= (NOTED_SECONDS_MAX if len(tellings) else seconds_max):
            break
        pending.again()
        if len(tellings):
            desk.look_after()
        await asyncio.sleep(LOOK_SECONDS)
    desk.end()


def give_up_all(desk: Desk) -> None:
    """Give up all that is under way, and what comes of that, whatever it waits for."""
    for _ in range(STEPS_MAX):
        if not desk.in_flight:
            break
        desk.look_after(desk.clock().monotonic - STOPPED_SECONDS)


def cut_off(desk: Desk) -> None:
    """Take nothing more and end every link where it stands, whatever is under way.

    The journal is to note what nobody is told any more.
    """
    desk.is_draining = True
    for line, session in desk.links():
        line.cut_off()
        if session is not None and session.in_flight:
            desk.lost(line, "the switch stops at once")
    give_up_all(desk)


def _are_gone(desk: Desk) -> bool:
    """Look after the links that end; true once none is left."""
    now = desk.clock().monotonic
    for line, _ in desk.links():
        line.check(now)
    return not desk.connections


async def _until(desk: Desk, times: _Times, end: float, is_done: Callable[[], bool]) -> None:
    """Wait, and give up what is due meanwhile."""
    while not is_done() and (now := desk.clock().monotonic) < end:
        if now >= times.last_at:
            give_up_all(desk)
        elif now >= times.give_up_at:
            desk.look_after(times.give_up_at)
        await asyncio.sleep(LOOK_SECONDS)
