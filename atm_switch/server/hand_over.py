"""The way from the journal's writer back into the loop: one call for each batch.

Why a later call even where a process writes and its answers come in the loop: what this turn
reads it may read as of a moment before them (``turn_reads.py``); a repeat would not be found.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from atm_switch.switch.effects import Ticket

Batch = list[tuple[Ticket, Any]]


def hand_over(
    loop: asyncio.AbstractEventLoop, *hearers: Callable[[Batch], None]
) -> Callable[[Batch], None]:
    """Return what the writer calls: each hearer, in this order, hears the batch in the loop."""

    def deliver(batch: Batch) -> None:
        for hear in hearers:
            hear(batch)

    def from_the_thread(batch: Batch) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody is left to hear it
            loop.call_soon_threadsafe(deliver, batch)

    return from_the_thread
