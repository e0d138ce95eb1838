"""How a switch stops: what is under way is answered, banks are told, links end.

Plan: no frame is taken any more; when nothing is under way, or ``drain_seconds_max`` are
over, the switch signs off where it had signed on by itself, and listens there a moment for
the answer, so that the bank does not lose the sign-off to a reset; then it hangs up on every
link, and waits within the time there is until each peer has fetched what was sent and says no
more, for a socket closed over unread requests would take sent answers with it.
"""

import asyncio
from collections.abc import Callable

from atm_switch.server.desk import Desk

LOOK_SECONDS = 0.005
SIGN_OFF_SECONDS_MAX = 1.0
"""How long a bank's answer to our sign-off is waited for, within the time there is."""

WRITTEN_SECONDS_MAX = 0.5
"""How long a stop waits for events and records that a journal which fails does not take."""

ANSWERED_SECONDS_MAX = 0.1
"""How long it waits to be told that what the journal has been asked for is written."""
GONE_SECONDS_MAX = 0.1
"""Until the links that are cut off are gone, and the journal hears what they have not sent."""


async def drain(desk: Desk) -> None:
    """Take no more frames, answer what is under way, for a bounded time; end every link."""
    desk.is_draining = True
    for line, _ in desk.links():
        line.stop_listening()
    deadline = desk.clock().monotonic + desk.limits.drain_seconds_max
    await _until(desk, deadline, lambda: desk.in_flight == 0)
    desk.sign_off()
    leaving = [(line, session) for line, session in desk.links() if session and session.signing_off]
    for line, _ in leaving:
        line.listen()
    await _until(
        desk,
        min(deadline, desk.clock().monotonic + SIGN_OFF_SECONDS_MAX),
        lambda: desk.in_flight == 0 and not any(session.signing_off for _, session in leaving),
    )
    left = max(deadline - desk.clock().monotonic, 0.0)
    for line, _ in desk.links():
        line.hang_up("the switch stops", left)
    await _until(desk, deadline, lambda: _are_gone(desk))
    cut_off(desk)
    gone_by = desk.clock().monotonic + GONE_SECONDS_MAX
    await _until(desk, gone_by, lambda: not desk.connections)


async def last_written(desk: Desk) -> None:
    """Wait a moment for the journal to have what no request waits for; say what is given up.

    What it was asked for it writes when it is stopped, and a server that hangs may take as long.
    """
    began, pending = desk.clock().monotonic, desk.pending
    while len(pending):
        seconds_max = WRITTEN_SECONDS_MAX if pending.unasked else ANSWERED_SECONDS_MAX
        if desk.clock().monotonic - began >= seconds_max:
            break
        pending.again()
        await asyncio.sleep(LOOK_SECONDS)
    pending.end()


def cut_off(desk: Desk) -> None:
    """Take nothing more and end every link where it stands, whatever is under way."""
    desk.is_draining = True
    for line, _ in desk.links():
        line.cut_off()


def _are_gone(desk: Desk) -> bool:
    """Look after the links that end; true once none is left."""
    now = desk.clock().monotonic
    for line, _ in desk.links():
        line.check(now)
    return not desk.connections


async def _until(desk: Desk, deadline: float, is_done: Callable[[], bool]) -> None:
    while not is_done() and desk.clock().monotonic < deadline:
        await asyncio.sleep(LOOK_SECONDS)
