"""The bound of the outbox second after second, with what is missing in it by then."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from atm_switch.adapters.journal_batch import JournalQuestion
from atm_switch.adapters.outbox_page import MarkTold
from tests.adapters.test_publishing import OUTBOX_MAX, Desk, active, answered, desk, transaction
from tests.doubles.brokers import free_port


async def looked_after(laid: Desk, second: int) -> int:
    """Have it relieved to the end, a second later; return how many events are left."""
    laid.tick(seconds=second)
    async with asyncio.timeout(60):
        while laid.publishing._turns.asked or laid.publishing._turns._next is not None:
            await asyncio.sleep(0.01)
    return len(laid.events())


@pytest.mark.parametrize("first", [active, transaction])
async def test_outbox_keeps_its_bound_while_the_broker_is_away(
    tmp_path: Path, first: Callable[[int], JournalQuestion]
) -> None:
    """What went is taken off what waits once, be it before the oldest there is or behind it."""
    broker = f'broker = "mqtt://127.0.0.1:{free_port()}"\noutbox_max = {OUTBOX_MAX}'
    with desk(tmp_path, broker) as laid:
        answered(laid)
        laid.publishing.start()
        laid.fill(1, first)
        laid.fill(OUTBOX_MAX - 1, active)
        left = []
        for second in (2, 4, 6):
            laid.fill(40, active)
            left.append(await looked_after(laid, second))
        await laid.publishing.stop()

    assert [OUTBOX_MAX] * 3 == left


async def test_broker_that_is_back_costs_no_status_event(tmp_path: Path) -> None:
    """What went while it was away is known of also where the first events before it are told."""
    broker = f'broker = "mqtt://127.0.0.1:{free_port()}"\noutbox_max = {OUTBOX_MAX}'
    with desk(tmp_path, broker) as laid:
        answered(laid)
        laid.publishing.start()
        laid.fill(3, transaction)
        laid.fill(OUTBOX_MAX + 40, active)
        away = await looked_after(laid, 2)
        assert laid.publishing._publisher is not None
        laid.publishing._publisher.told_through = 2
        laid.bench.ask(MarkTold(2))
        back = await looked_after(laid, 4)
        await laid.publishing.stop()

    assert (OUTBOX_MAX, OUTBOX_MAX) == (away, back)
