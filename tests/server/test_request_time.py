"""How long a request took is counted from its first byte, and told the same everywhere."""

import asyncio

import pytest

from atm_switch.switch.ports import Commit
from tests.doubles.bank_host import until
from tests.doubles.open_house import OpenHouse, caller, open_house
from tests.server.test_line_behind import inquiries, narrow_link, vouched

WAITED = 1.5
"""Seconds: less than the quarter of a request's time after which a full link declines."""


def transactions(house: OpenHouse) -> tuple[float, float, float]:
    """Return the time of the last one, in seconds, as the log, its row and the page have it."""
    logged = house.logged("transaction")[-1]["ms"] / 1000
    rows = [row for row in house.bench.memory.rows if isinstance(row, Commit)]
    counted = house.desk.meters.request_seconds["transaction", "009"]
    before = sum(line["ms"] / 1000 for line in house.logged("transaction")[:-1])
    return logged, rows[-1].ending.elapsed_us / 1e6, counted.total - before


async def test_time_of_a_request_that_waited_to_be_read_begins_when_it_came() -> None:
    """
    A link that may have one under way is not read while that waits; the next has come by then,
    and is taken up 1.5 s later: that is in its row, in the log and on the page.
    """
    async with narrow_link(1) as (house, client):
        client.writer.write(inquiries(house, client, 1))
        await until(lambda: bool(house.journal.held))
        client.writer.write(inquiries(house, client, 1, first=2))
        await asyncio.sleep(0.05)
        house.skew += WAITED
        house.journal.release()
        codes = [(await client.hear())[39] for _ in range(2)]
        logged, row, counted = transactions(house)

    assert ["00", "00"] == codes
    assert [pytest.approx(WAITED, abs=0.001)] * 3 == [row, logged, counted]


async def test_time_of_a_request_in_pieces_begins_with_its_first_byte() -> None:
    """The first byte of a frame comes, and all others 1.5 s later."""
    async with open_house(vouched()) as house, caller(house) as client:
        frame = inquiries(house, client, 1)
        house.stop_clock()
        client.writer.write(frame[:1])
        await until(lambda: any(line._partial_since for line in house.desk._lines.values()))
        house.skew += WAITED
        client.writer.write(frame[1:])
        await client.hear()
        logged, row, counted = transactions(house)

    assert [pytest.approx(WAITED, abs=0.001)] * 3 == [row, logged, counted]
