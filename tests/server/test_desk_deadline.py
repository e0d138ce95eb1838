"""Claims about what happens to a question when the deadline of its request comes."""

import asyncio
from typing import Any

import pytest

from atm_switch.domain.card import Pan
from atm_switch.security.key_ring import KeyName, KeyUsage, Ladder, LineKey
from atm_switch.switch.effects import Asked
from atm_switch.switch.hsm_port import CheckMac
from atm_switch.switch.ports import FindCard, KeepKeys
from tests.doubles.bench import BNI, PAN, Bench
from tests.doubles.open_house import open_house

NOBODYS_TICKET = 999_999


def keeping(bench: Bench) -> KeepKeys:
    """A writing."""
    return KeepKeys(KeyName(KeyUsage.MAC, BNI), Ladder(LineKey.clear(bench.mac_key)), None)


@pytest.mark.parametrize("kind", ["ledger", "HSM", "writing"])
async def test_reading_ends_at_the_deadline_and_a_writing_goes_on(kind: str) -> None:
    """
    A ledger or an HSM that is not done by then is left, however long it may take by its own
    settings; keys half kept would be worse than late.
    """
    async with open_house() as house:
        key = LineKey.clear(house.bench.mac_key)
        questions: dict[str, Any] = {
            "ledger": FindCard(house.bench.vault.card_ref(Pan(PAN))),
            "HSM": CheckMac("x919", (key,), b"covered", bytes(8)),
            "writing": keeping(house.bench),
        }
        answer: asyncio.Future[Any] = house.loop.create_future()
        now = house.clock().monotonic

        house.desk._performer._await(Asked(NOBODYS_TICKET, questions[kind], now + 0.01), answer)
        await asyncio.wait({answer}, timeout=0.1 if kind == "writing" else 5)

        assert answer.cancelled() is (kind != "writing")
        answer.cancel()
