"""One tick's look after many links, in short goes over the time of the tick.

Why: what waits behind a long go is an answer to somebody.  A thousand links in one go made
the slowest hundredth of all answers several times slower than ten in the same time.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from atm_switch.switch.rounds import AT_ONCE

TICK_SECONDS: Final = 0.25
"""How often time passes for idle, overdue and dripping links."""
GOES_MOST: Final = 10
"""A tick has no more; what it does not get round to, the next ticks do."""


def spread(loop: asyncio.AbstractEventLoop, look: Callable[[], None], count: int) -> None:
    """Have ``look`` called again, as often as ``count`` links want beyond the first look.

    The calls are spread evenly over the time until the next tick.
    """
    for go in range(1, min(-(-count // AT_ONCE), GOES_MOST)):
        loop.call_later(go * TICK_SECONDS / GOES_MOST, look)
