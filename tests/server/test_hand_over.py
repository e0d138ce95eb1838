"""Claims about how the journal's answers come back into the loop."""

import asyncio
from typing import Any

from atm_switch.server.hand_over import hand_over


async def test_answers_are_told_behind_what_was_to_be_called() -> None:
    """
    Also where they are handed over in the loop's own thread: a snapshot that this turn began,
    and whose end is to be called, is older than they are.
    """
    loop, told = asyncio.get_running_loop(), []

    def hear(batch: list[tuple[int, Any]]) -> None:
        told.append(("answers", batch))

    loop.call_soon(told.append, ("the snapshot's end", []))
    hand_over(loop, hear, hear)([(7, None)])
    assert [] == told
    await asyncio.sleep(0)

    answers = ("answers", [(7, None)])
    assert [("the snapshot's end", []), answers, answers] == told


def test_answers_for_a_loop_that_is_closed_are_nobodys() -> None:
    """The journal's thread may outlive the loop, and must not fall over that."""
    loop = asyncio.new_event_loop()
    loop.close()

    hand_over(loop, lambda _batch: None)([(7, None)])
