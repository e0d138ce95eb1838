"""The journal's bell: one ring for all that one turn of the loop brings."""

import asyncio
from typing import Any

import pytest

from atm_switch.domain.errors import JournalUnavailable
from atm_switch.server.journal_bell import JournalBell


class Queue:
    """Notes what it is asked and told."""

    def __init__(self) -> None:
        """Take questions until it is full."""
        self.told: list[Any] = []
        self.is_full = False

    def submit(self, question: Any, token: int, *, rings: bool = True) -> None:
        """Take one."""
        if self.is_full:
            raise JournalUnavailable("full")
        self.told.append((question, token, rings))

    def ring(self) -> None:
        """Be woken."""
        self.told.append("ring")


async def test_one_ring_for_the_questions_of_a_turn() -> None:
    """They are queued at once, in order, and the writer is woken behind the last."""
    queue = Queue()
    bell = JournalBell(asyncio.get_running_loop(), queue)

    bell.submit("a", 1)
    bell.submit("b", 2)
    before = list(queue.told)
    await asyncio.sleep(0)
    bell.submit("c", 3)
    await asyncio.sleep(0)

    assert [("a", 1, False), ("b", 2, False)] == before
    assert [*before, "ring", ("c", 3, False), "ring"] == queue.told


async def test_full_queue_is_said_at_once() -> None:
    """And nobody is woken for a question that was not taken."""
    queue = Queue()
    queue.is_full = True
    bell = JournalBell(asyncio.get_running_loop(), queue)

    with pytest.raises(JournalUnavailable):
        bell.submit("a", 1)
    await asyncio.sleep(0)

    assert [] == queue.told
