"""Claims about links that are ended by the switch: nothing it took stays without its answer."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from atm_switch.server.draining import drain
from atm_switch.server.limits import ServerLimits
from atm_switch.server.line import QUIET_SECONDS
from atm_switch.switch.policy import PinPolicy
from atm_switch.wire.framing import enclose
from atm_switch.wire.message import IsoMessage
from tests.doubles.bare_tls import BareTls, bare_tls
from tests.doubles.bench import Bench, bank
from tests.doubles.certificates import LabCa
from tests.doubles.open_house import GENEROUS, SECONDS_MAX, Caller, OpenHouse, caller, open_house

FRAME_MISTAKES = 60
"""So many a minute end a link."""
ANSWERS = 300
"""More than a kernel holds that was told to hold little."""
SIGN_ON = IsoMessage("0800", {7: "0630072507", 11: "000001", 70: "001"})


def vouched() -> Bench:
    """A bank that has verified the PIN, so that one card's requests need not take turns."""
    return Bench(banks=(bank(pin=PinPolicy.ACQUIRER),))


def inquiries(house: OpenHouse, count: int) -> list[IsoMessage]:
    """As many requests, each with a STAN of its own."""
    changes = [{11: f"{at:06d}", 37: f"51810700{at:04d}"} for at in range(1, count + 1)]
    return [house.bench.inquiry({**one}) for one in changes]


async def until(holds: Callable[[], object]) -> None:
    """Wait until something holds; fail after ``SECONDS_MAX``."""
    async with asyncio.timeout(SECONDS_MAX):
        while not holds():
            await asyncio.sleep(0.001)


async def hear_all(client: Caller) -> list[str]:
    """Read to the end of the stream; return the DE39 of the 0210 that came."""
    codes = []
    while payload := await client.hear_payload():
        message = client.dialect.packager.unpack(payload)
        if message.mti == "0210":
            codes.append(message[39])
    return codes


def frames(client: Caller, messages: list[IsoMessage]) -> bytes:
    """Pack messages as they go over the wire."""
    pack = client.dialect.packager.pack
    return b"".join(enclose(client.framing, pack(one)) for one in messages)


@pytest.mark.parametrize("rest", ["broken header", "strikes", "dripped frame", "idle"])
async def test_requests_before_the_end_get_their_answers(rest: str) -> None:
    """
    Three good requests wait for the journal when their link has to end, be it for a header
    that cannot be true, for its strikes, for a frame never finished or for silence: the
    three are answered, then the stream ends, and the log says why.
    """
    async with open_house(vouched()) as house, caller(house) as client:
        house.journal.holds = True
        tail = {
            "broken header": b"\xff\xff",
            "strikes": enclose(client.framing, b"0200FFFF") * FRAME_MISTAKES,
            "dripped frame": b"\x00",
            "idle": b"",
        }[rest]
        client.writer.write(frames(client, inquiries(house, 3)) + tail)
        await until(lambda: len(house.journal.held) == 3)
        line = next(iter(house.desk._lines.values()))
        if rest == "dripped frame":
            line.check(house.clock().monotonic + GENEROUS.line.frame_seconds_max + 1)
        if rest == "idle":
            line.check(house.clock().monotonic + GENEROUS.line.idle_seconds_max + 1)
        client.say(house.bench.inquiry({11: "000777", 37: "518107000777"}))  # too late
        await client.writer.drain()

        house.journal.release()

        refused = ["30"] * (FRAME_MISTAKES if rest == "strikes" else 0)
        assert [*refused, "00", "00", "00"] == await hear_all(client)
        client.writer.close()
        await until(lambda: house.logged("link closed"))
        why = house.logged("link closed")[0]["why"]
        expected = {
            "broken header": "length",
            "strikes": "60 bad frames within a minute",
            "dripped frame": "a frame was not finished in time",
            "idle": "idle",
        }[rest]
        assert expected in why
        assert 3 == len([note for note in house.logged("transaction") if note.get("de39") == "00"])


async def test_answers_survive_what_their_asker_still_sends() -> None:
    """
    A stop beside a client that has sent far more than it read: every answer that was made
    reaches it, though its other requests were never read.
    """
    limits = replace(
        GENEROUS,
        drain_seconds_max=10.0,
        line=replace(GENEROUS.line, in_flight_per_link_max=8),
    )
    async with open_house(vouched(), limits) as house, caller(house) as client:
        reading = client.writer.transport
        reading.pause_reading()  # type: ignore[attr-defined]
        house.journal.holds = True
        client.writer.write(frames(client, inquiries(house, 2_000)))
        await until(lambda: len(house.journal.held) == 8)
        stopping = asyncio.create_task(drain(house.desk))
        await until(lambda: house.desk.is_draining)

        house.journal.release()
        await until(lambda: not house.desk.in_flight)
        await asyncio.sleep(2 * QUIET_SECONDS)  # it reads late, after the switch has hung up
        reading.resume_reading()  # type: ignore[attr-defined]
        answers = await hear_all(client)
        client.writer.close()
        await stopping

        assert 8 == len([note for note in house.logged("transaction") if note.get("de39") == "00"])
        assert ["00"] * 8 == answers


async def test_silent_links_do_not_put_a_stop_off() -> None:
    """Peers that neither speak nor hang up are left after a moment, not at the deadline."""
    limits = replace(GENEROUS, drain_seconds_max=60.0)
    async with open_house(limits=limits) as house:
        with socket.create_connection(("127.0.0.1", house.port)) as silent:
            await until(lambda: house.logged("link opened"))

            async with asyncio.timeout(20):
                await drain(house.desk)

            assert b"" == silent.recv(1)
            assert 0 == house.desk.connections


async def test_stop_waits_for_answers_that_are_not_fetched_yet() -> None:
    """What a peer has no room for is written when it reads again, within the time to stop."""
    line = replace(GENEROUS.line, write_buffer_bytes_max=10_000_000, in_flight_per_link_max=2_000)
    limits = replace(GENEROUS, drain_seconds_max=30.0, line=line)
    async with open_house(vouched(), limits) as house, caller(house) as client:
        for one in house.desk._lines.values():
            assert one._transport is not None
            ours = one._transport.get_extra_info("socket")
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
        client.writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVBUF, 16384
        )
        reading = client.writer.transport
        reading.pause_reading()  # type: ignore[attr-defined]
        client.writer.write(frames(client, inquiries(house, ANSWERS)))
        await until(lambda: len(house.logged("transaction")) == ANSWERS)
        (link,) = house.desk._lines.values()
        assert link._transport is not None
        assert link._transport.get_write_buffer_size() > 0
        stopping = asyncio.create_task(drain(house.desk))
        await asyncio.sleep(2 * QUIET_SECONDS)
        reading.resume_reading()  # type: ignore[attr-defined]

        answers = await hear_all(client)
        client.writer.close()
        await stopping

        assert ["00"] * ANSWERS == answers


TIGHT = replace(GENEROUS, line=replace(GENEROUS.line, in_flight_per_link_max=4))


async def four_at_a_time(house: OpenHouse) -> None:
    """Have the journal answer all that is under way, as one batch, until it has answered ten."""
    house.journal.holds = True
    for count in (4, 4, 2):
        await until(lambda count=count: len(house.journal.held) == count)  # type: ignore[misc]
        held, house.journal.held = house.journal.held, []
        house.desk.delivered(held)


@asynccontextmanager
async def signed_on_by_tls(
    root: Path, limits: ServerLimits
) -> AsyncIterator[tuple[OpenHouse, BareTls]]:
    """Open a house and a link by TLS, and sign on over it."""
    ca = LabCa(root)
    context = ca.client(ca.issue("switch.bank.example"))
    async with (
        open_house(vouched(), limits, tls=ca.server()) as house,
        bare_tls(house.port, context) as client,
    ):
        dialect = house.bench.dialect
        await client.write(enclose(dialect.profile.framing, dialect.packager.pack(SIGN_ON)))
        await client.read()
        yield house, client


async def test_close_notify_behind_more_than_may_be_under_way_costs_no_answer(
    tmp_path: Path,
) -> None:
    """Ten inquiries and TLS's goodbye come at once where four may be under way: ten answers."""
    async with signed_on_by_tls(tmp_path, TIGHT) as (house, client):
        framing, pack = house.bench.dialect.profile.framing, house.bench.dialect.packager.pack
        asked = b"".join(enclose(framing, pack(one)) for one in inquiries(house, 10))
        await client.write_and_say_goodbye(asked)
        await four_at_a_time(house)

        said = b""
        while part := await client.read():
            said += part
        assert 10 == said.count(b"0210")
        await until(lambda: house.logged("link closed"))
        assert "closed by peer" == house.logged("link closed")[0]["why"]


async def test_close_notify_behind_what_is_left_to_the_next_turn_costs_no_answer(
    tmp_path: Path,
) -> None:
    """As many echoes as a turn takes of a link, of which none is under way; then three more."""
    async with signed_on_by_tls(tmp_path, GENEROUS) as (house, client):
        framing, pack = house.bench.dialect.profile.framing, house.bench.dialect.packager.pack
        echo = enclose(framing, pack(SIGN_ON.with_element(70, "301")))
        asked = b"".join(enclose(framing, pack(one)) for one in inquiries(house, 3))
        count = GENEROUS.line.in_flight_per_link_max
        await client.write_and_say_goodbye(count * echo + asked)

        said = b""
        while part := await client.read():
            said += part
        assert (count, 3) == (said.count(b"0810"), said.count(b"0210"))
        await until(lambda: house.logged("link closed"))
        assert "closed by peer" == house.logged("link closed")[0]["why"]


async def test_half_close_behind_more_than_may_be_under_way_costs_no_answer() -> None:
    """The same without TLS."""
    async with open_house(vouched(), TIGHT) as house, caller(house) as client:
        client.writer.write(frames(client, inquiries(house, 10)))
        client.writer.write_eof()

        await four_at_a_time(house)

        assert ["00"] * 10 == await hear_all(client)


async def test_requests_that_were_read_and_not_taken_are_named_at_the_end() -> None:
    """A peer that breaks off behind more than may be under way, or a stop: the log says so."""
    async with open_house(vouched(), TIGHT) as house, caller(house) as client:
        house.journal.holds = True
        asked = frames(client, inquiries(house, 10))
        client.writer.write(asked)
        await until(lambda: len(house.journal.held) == 4)

        house.desk.links()[0][0].cut_off()

        await until(lambda: house.logged("link closed"))
        left = f"{6 * len(asked) // 10} bytes that came were not taken"
        assert left in house.logged("link closed")[0]["why"]
