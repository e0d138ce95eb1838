"""Claims about answers nobody fetches: they are bounded, and do not count as told."""

import socket
import struct
from dataclasses import replace

import pytest

from atm_switch.server.draining import drain
from atm_switch.server.line import Line
from atm_switch.server.way_out import WRITE_BYTES, Waiting
from atm_switch.switch.policy import PinPolicy
from atm_switch.switch.ports import Commit
from atm_switch.switch.untold import NOT_SENT
from atm_switch.wire.framing import enclose
from tests.doubles.bank_host import until
from tests.doubles.bench import Bench, bank
from tests.doubles.inquiries import commits
from tests.doubles.open_house import GENEROUS, Caller, OpenHouse, caller, open_house

LITTLE = 4096
"""What the kernel is told to hold; it takes twice that."""
KERNELS_MAX = 64 * 1024
"""More than the two kernels hold that were told so."""
ANSWERS = 400
LEFT_MIN = 30_000


def vouched() -> Bench:
    """A bank that has verified the PIN, so that one card's requests need not take turns."""
    return Bench(banks=(bank(pin=PinPolicy.ACQUIRER),))


def line_of(house: OpenHouse) -> Line:
    """The only one."""
    (line,) = house.desk._lines.values()
    return line


def stop_reading(house: OpenHouse, client: Caller) -> None:
    """Have the client read no more, and the kernels hold little of what it does not read."""
    transport = line_of(house)._transport
    assert transport is not None
    wires = transport.get_extra_info("socket"), client.writer.get_extra_info("socket")
    for wire, option in zip(wires, (socket.SO_SNDBUF, socket.SO_RCVBUF), strict=True):
        wire.setsockopt(socket.SOL_SOCKET, option, LITTLE)
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]


async def ask(house: OpenHouse, client: Caller, count: int) -> None:
    """Ask as many inquiries, and wait until each is answered or its link is gone."""
    pack, inquiry = client.dialect.packager.pack, house.bench.inquiry
    for at in range(count):
        asked = pack(inquiry({11: f"{at:06d}", 37: f"5181{at:08d}"}))
        client.writer.write(enclose(client.framing, asked))
    await until(lambda: len(house.logged("transaction")) == count or not house.desk.connections)


@pytest.mark.parametrize("end", ["cut off", "reset by the peer", "stop"])
async def test_answers_that_never_left_count_as_untold(end: str) -> None:
    """
    A peer reads nothing: what the kernels did not take is noted as not sent when the switch lets
    go, the peer breaks off, or the switch stops over it; what they took counts as told.
    """
    max_bytes = 32_768 if end == "cut off" else 10_000_000
    line = replace(GENEROUS.line, write_buffer_bytes_max=max_bytes, in_flight_per_link_max=1_000)
    limits = replace(GENEROUS, drain_seconds_max=0.5, line=line)
    async with open_house(vouched(), limits) as house, caller(house) as client:
        stop_reading(house, client)
        await ask(house, client, ANSWERS)
        if end == "reset by the peer":
            house.pass_time(0)
            linger = struct.pack("ii", 1, 0)
            wire = client.writer.get_extra_info("socket")
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            client.writer.transport.abort()
        if end == "stop":
            await drain(house.desk)
        await until(lambda: not house.desk.connections and not house.desk.in_flight)
    untold, rows = house.bench.memory.untold, commits(house.bench)

    assert {NOT_SENT} == set(untold.values())
    assert {one.entry.key for one in rows} >= untold.keys()
    late = [one for one in house.logged("transaction") if "unsent" in one]  # the link was gone
    left = house.logged("link closed")[0]["answers_not_sent"]
    assert len(untold) == left + len(late)
    assert left * len(rows[0].ending.payload or b"") > LEFT_MIN
    assert 0 < (len(rows) - len(untold)) * len(rows[0].ending.payload or b"") < KERNELS_MAX


async def test_answers_that_were_fetched_in_the_end_count_as_told() -> None:
    """They waited here for long; then the peer read all, and the link ended as usual."""
    line = replace(GENEROUS.line, write_buffer_bytes_max=10_000_000, in_flight_per_link_max=1_000)
    limits = replace(GENEROUS, line=line)
    async with open_house(vouched(), limits) as house, caller(house) as client:
        stop_reading(house, client)
        await ask(house, client, ANSWERS)
        assert line_of(house)._waiting is not None

        client.writer.write_eof()
        wire = client.writer.get_extra_info("socket")
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        transport = line_of(house)._transport
        assert transport is not None
        ours = transport.get_extra_info("socket")
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        heard = [(await client.hear())[39] for _ in range(ANSWERS)]
        await until(lambda: bool(house.logged("link closed")))

    assert ["00"] * ANSWERS == heard
    assert {} == house.bench.memory.untold
    assert "answers_not_sent" not in house.logged("link closed")[0]


async def test_peer_that_reads_leaves_nothing_to_remember() -> None:
    """Its answers are forgotten as they are written."""
    async with open_house(vouched()) as house, caller(house) as client:
        await ask(house, client, 3)
        for _ in range(3):
            await client.hear()

        assert line_of(house)._waiting is None
        assert () == line_of(house).unsent


def three_rows() -> list[Commit]:
    """Of three inquiries."""
    bench = vouched()
    bench.sign_on()
    for at in range(3):
        bench.ask(bench.inquiry({11: f"{at:06d}", 37: f"5181{at:08d}"}))
    return commits(bench)


def test_waiting_keeps_what_is_left_of_the_newest_writes() -> None:
    """A write of which a byte is left is kept whole."""
    first, second, third = (commit.entry for commit in three_rows())
    waiting = Waiting()
    waiting.add(100, [first])
    waiting.add(100, [second])
    waiting.add(100, [third])

    waiting.keep(201)
    assert [first, second, third] == waiting.entries()
    waiting.keep(200)
    assert [second, third] == waiting.entries()
    waiting.keep(1)
    assert [third] == waiting.entries()
    waiting.keep(0)
    assert [] == waiting.entries()


def test_each_write_counts_with_what_is_kept_beside_it() -> None:
    """Short ones weigh more than their bytes, and nothing once they are written."""
    entries = [commit.entry for commit in three_rows()]
    waiting = Waiting()
    waiting.add(100, entries)
    waiting.add(100, [])

    assert 2 * WRITE_BYTES == waiting.weight
    waiting.keep(100)
    assert WRITE_BYTES == waiting.weight
    waiting.keep(0)
    assert 0 == waiting.weight
