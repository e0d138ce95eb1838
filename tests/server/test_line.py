"""Claims about one TCP link, over real sockets."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import replace

import pytest

from atm_switch.server.draining import drain
from atm_switch.switch.policy import PinPolicy
from atm_switch.wire.framing import enclose
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import Bench, bank
from tests.doubles.open_house import GENEROUS, SECONDS_MAX, Caller, OpenHouse, caller, open_house


def echo(stan: str) -> IsoMessage:
    """An echo request."""
    return IsoMessage("0800", {7: "0630072507", 11: stan, 70: "301"})


def vouched() -> Bench:
    """A bank that has verified the PIN, so that one card's requests need not take turns."""
    return Bench(banks=(bank(pin=PinPolicy.ACQUIRER),))


async def test_inquiry_over_a_socket_is_approved() -> None:
    """The golden inquiry gets its 0210 over TCP."""
    async with open_house() as house, caller(house) as client:
        client.say(house.bench.inquiry())

        response = await client.hear()

        assert ("0210", "00") == (response.mti, response[39])


@pytest.mark.parametrize("profile", ["bpjstk-jht-v1", "bpjstk-jht-v1-bcd", "bpjstk-jht-v1-ebcdic"])
async def test_same_inquiry_crosses_every_profile(profile: str) -> None:
    """All three dialects bring the same elements back."""
    async with open_house(Bench(profile)) as house, caller(house) as client:
        client.say(house.bench.inquiry())

        response = await client.hear()

    reference = Bench()
    reference.sign_on()
    assert reference.ask(reference.inquiry()).elements == response.elements


async def test_every_cut_of_the_stream_gives_the_same_answer() -> None:
    """A request split in two at every place is answered alike."""
    async with open_house() as house, caller(house) as client:
        whole = enclose(client.framing, client.dialect.packager.pack(echo("000777")))
        answers = set()
        for cut in range(1, len(whole)):
            client.writer.write(whole[:cut])
            await client.writer.drain()
            await asyncio.sleep(0)
            client.writer.write(whole[cut:])

            answers.add(await client.hear_payload())

        assert 1 == len(answers)


async def test_many_requests_in_one_write_are_all_answered() -> None:
    """Coalesced requests each get their answer."""
    async with open_house() as house, caller(house) as client:
        client.say(*[echo(f"{stan:06d}") for stan in range(1, 65)])

        stans = {(await client.hear())[11] for _ in range(64)}

        assert {f"{stan:06d}" for stan in range(1, 65)} == stans


async def test_answers_may_overtake_each_other() -> None:
    """An echo is answered while an inquiry waits for the journal; later ones may go first."""
    async with open_house(vouched()) as house, caller(house) as client:
        house.journal.holds = True
        first = house.bench.inquiry({11: "000001", 37: "518107000001"})
        second = house.bench.inquiry({11: "000002", 37: "518107000002"})
        client.say(first, second, echo("000003"))
        assert "000003" == (await client.hear())[11]
        house.journal.release(backwards=True)

        overtaken = [(await client.hear())[11] for _ in range(2)]

        assert ["000002", "000001"] == overtaken


async def test_nothing_leaves_before_the_journal_answers() -> None:
    """While the journal holds its answer back, no byte of the response is sent."""
    async with open_house() as house, caller(house) as client:
        house.journal.holds = True
        client.say(house.bench.inquiry())
        client.say(echo("000009"))
        assert "000009" == (await client.hear())[11]

        house.journal.release()

        assert "0210" == (await client.hear()).mti


async def test_full_journal_is_answered_96_at_once() -> None:
    """A journal that takes no more rows costs no waiting."""
    async with open_house() as house, caller(house) as client:
        house.journal.is_full = True
        client.say(house.bench.inquiry())

        assert "96" == (await client.hear())[39]


async def test_unreadable_message_costs_no_link() -> None:
    """A 30 names the element, and the next request is answered."""
    async with open_house() as house, caller(house) as client:
        bad = client.dialect.packager.pack(house.bench.inquiry()).replace(b"JHTBAL", b"JHT\x00AL")
        client.writer.write(enclose(client.framing, bad))
        client.say(echo("000010"))

        refusal, answer = await client.hear(), await client.hear()

        assert ("30", "DE048") == (refusal[39], refusal[44])
        assert "00" == answer[39]


@pytest.mark.parametrize("header", [b"\x00\x00", b"\xff\xff", b"\x10\x01"])
async def test_impossible_length_closes_the_link(header: bytes) -> None:
    """Zero, 65535 and one byte too many cannot be true."""
    async with open_house() as house, caller(house) as client:
        client.writer.write(header + b"0800")

        assert await client.is_hung_up()
        (line,) = house.logged("framing broken")
        assert ("009", "warning") == (line["acquirer"], line["level"])
        assert 1 == house.desk.meters.all_events()["framing broken"]


async def test_sixty_bad_frames_close_the_link_and_no_other() -> None:
    """The sixtieth strike of a minute ends the link; the neighbour's link lives on."""
    async with open_house() as house, caller(house) as client, caller(house) as neighbour:
        client.writer.write(enclose(client.framing, b"0200FFFF") * 60)

        refusals = [await client.hear() for _ in range(60)]

        assert {"30"} == {refusal[39] for refusal in refusals}
        assert 1 == len(house.logged("too many bad frames"))
        assert b"" == await client.hear_payload()
        neighbour.say(echo("000011"))
        assert "00" == (await neighbour.hear())[39]


async def test_dripped_frame_closes_the_link_in_time() -> None:
    """A frame not finished in ten seconds from its first byte ends the link."""
    async with open_house() as house, caller(house) as client:
        client.writer.write(b"\x00")
        client.say()
        await asyncio.wait_for(_until(lambda: _partials(house)), SECONDS_MAX)

        house.pass_time(10.5)

        assert await client.is_hung_up()
        assert "a frame was not finished in time" == house.logged("link closed")[0]["why"]


async def test_idle_link_is_closed() -> None:
    """Silence beyond the limit ends a link that never signed on."""
    async with open_house() as house, caller(house, signs_on=False) as client:
        await asyncio.wait_for(_until(lambda: house.logged("link opened")), SECONDS_MAX)

        house.pass_time(301)

        assert await client.is_hung_up()


async def test_switch_sends_its_own_echo_when_idle() -> None:
    """After a minute of silence the peer is asked; an answer keeps the link."""
    async with open_house() as house, caller(house) as client:
        house.pass_time(61)
        request = await client.hear()
        assert ("0800", "301") == (request.mti, request[70])
        client.say(IsoMessage("0810", {**request.elements, 39: "00"}))
        client.say(echo("000012"))
        assert "000012" == (await client.hear())[11]

        house.pass_time(40)

        assert not house.logged("link closed")


async def test_connections_beyond_the_cap_are_turned_away() -> None:
    """The cap holds, is logged, and those inside are not disturbed."""
    limits = replace(GENEROUS, connections_max=1)
    async with open_house(limits=limits) as house, caller(house) as inside:
        async with caller(house, signs_on=False) as outside:
            assert await outside.is_hung_up()

        inside.say(echo("000013"))
        assert "00" == (await inside.hear())[39]
        assert house.logged("connection turned away")


async def test_saturated_link_waits_and_loses_nothing() -> None:
    """With two requests allowed under way, five pipelined ones are all answered."""
    limits = replace(GENEROUS, line=replace(GENEROUS.line, in_flight_per_link_max=2))
    async with open_house(vouched(), limits) as house, caller(house) as client:
        house.journal.holds = True
        requests = [
            house.bench.inquiry({11: f"{at:06d}", 37: f"51810700{at:04d}"}) for at in range(1, 6)
        ]
        client.say(*requests)
        await asyncio.wait_for(_until(lambda: 2 == len(house.journal.held)), SECONDS_MAX)
        assert 2 == house.switch.in_flight

        house.journal.release()
        answers = {(await client.hear())[11] for _ in range(5)}

        assert {f"{at:06d}" for at in range(1, 6)} == answers


async def test_peer_that_never_reads_is_cut_off() -> None:
    """Answers nobody fetches are bounded; the link is ended instead."""
    line = replace(GENEROUS.line, write_buffer_bytes_max=4096)
    async with open_house(limits=replace(GENEROUS, line=line)) as house:
        async with caller(house) as client:
            _shrink_kernel_buffers(house, client)
            client.writer.transport.pause_reading()  # type: ignore[attr-defined]
            frame = enclose(client.framing, client.dialect.packager.pack(echo("000014")))
            with pytest.raises(ConnectionError):  # noqa: PT012
                for _ in range(20_000):
                    client.writer.write(frame * 64)
                    await asyncio.wait_for(client.writer.drain(), SECONDS_MAX)

        reasons = [line["why"] for line in house.logged("link closed")]
        assert "the peer does not read its answers" in reasons


async def test_drain_answers_what_is_under_way() -> None:
    """A stop waits for the journal and answers before it closes the link."""
    async with open_house() as house, caller(house) as client:
        house.journal.holds = True
        client.say(house.bench.inquiry())
        await asyncio.wait_for(_until(lambda: house.journal.held), SECONDS_MAX)
        stopping = asyncio.create_task(drain(house.desk))
        await asyncio.sleep(0)

        house.journal.release()
        await stopping

        assert "00" == (await client.hear())[39]
        assert b"" == await client.hear_payload()


async def test_drain_takes_nothing_new() -> None:
    """Who goes on asking while the switch stops does not keep it from stopping."""
    limits = replace(GENEROUS, drain_seconds_max=60.0)  # cut off, the answer would be lost
    async with open_house(limits=limits) as house, caller(house) as client:
        house.journal.holds = True
        client.say(house.bench.inquiry())
        await asyncio.wait_for(_until(lambda: house.journal.held), SECONDS_MAX)
        stopping = asyncio.create_task(drain(house.desk))
        await asyncio.sleep(0)
        client.say(house.bench.inquiry({11: "000777", 37: "518107000777"}))
        await client.writer.drain()

        house.journal.release()
        await stopping

        assert "000123" == (await client.hear())[11]
        assert await client.is_hung_up()


async def _until(holds: Callable[[], object]) -> None:
    while not holds():
        await asyncio.sleep(0.001)


def _partials(house: OpenHouse) -> bool:
    return any(line._partial_since is not None for line in house.desk._lines.values())


def _shrink_kernel_buffers(house: OpenHouse, client: Caller) -> None:
    """Make the kernel hold kilobytes instead of megabytes for this link."""
    client.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    for line in house.desk._lines.values():
        assert line._transport is not None
        ours = line._transport.get_extra_info("socket")
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
