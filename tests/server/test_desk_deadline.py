"""Claims about what happens to a question when the deadline of its request comes."""

import asyncio
from typing import Any

import pytest

from atm_switch.domain.card import Pan
from atm_switch.security.key_ring import KeyName, KeyUsage, Ladder, LineKey
from atm_switch.switch.effects import Asked
from atm_switch.switch.ports import FindCard, KeepKeys
from tests.doubles.bench import BNI, PAN, Bench
from tests.doubles.open_house import open_house

NOBODYS_TICKET = 999_999


def keeping(bench: Bench) -> KeepKeys:
    """A writing."""
    return KeepKeys(KeyName(KeyUsage.MAC, BNI), Ladder(LineKey.clear(bench.mac_key)), None)


@pytest.mark.parametrize("kind", ["reading", "writing"])
async def test_reading_ends_at_the_deadline_and_a_writing_goes_on(kind: str) -> None:
    """A ledger that is not done by then is left; keys half kept would be worse than late."""
    async with open_house() as house:
        question: Any = (
            FindCard(house.bench.vault.card_ref(Pan(PAN)))
            if kind == "reading"
            else keeping(house.bench)
        )
        answer: asyncio.Future[Any] = house.loop.create_future()
        now = house.clock().monotonic

        house.desk._await(Asked(NOBODYS_TICKET, question, now + 0.01), answer)
        await asyncio.wait({answer}, timeout=5 if kind == "reading" else 0.1)

        assert answer.cancelled() is (kind == "reading")
        answer.cancel()
