"""Claims about what the kernel is told of each link's socket."""

import asyncio
import socket
from dataclasses import replace

import pytest

from atm_switch.server.tcp_options import UNSENT_BYTES_MAX
from atm_switch.wire.framing import enclose
from tests.doubles.open_house import GENEROUS, OpenHouse, caller, open_house
from tests.server.test_line import echo

pytestmark = pytest.mark.skipif(
    not hasattr(socket, "TCP_NOTSENT_LOWAT"), reason="not of this system"
)
HELD_BYTES_MAX = 256_000
"""What the kernels of both take for a peer that reads nothing: it was 2.9 million."""
SECONDS_MAX = 30.0


async def test_kernel_is_told_how_much_may_wait_in_it() -> None:
    """Of every link's answers."""
    async with open_house() as house, caller(house):
        ((line, _),) = house.desk.links()
        assert line._transport is not None
        wire = line._transport.get_extra_info("socket")

        assert UNSENT_BYTES_MAX == wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT)


async def never_read(house: OpenHouse, frame: bytes) -> None:
    """Ask and never read until hung up on."""
    loop = asyncio.get_running_loop()
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.setblocking(False)  # noqa: FBT003 - the socket's own word
        await loop.sock_connect(one, ("127.0.0.1", house.port))
        async with asyncio.timeout(SECONDS_MAX):
            while True:
                await loop.sock_sendall(one, 8 * frame)
                await asyncio.sleep(0)


async def test_peer_that_reads_nothing_is_cut_off_before_it_was_answered_much() -> None:
    """The kernel does not take a megabyte of answers first that nobody fetches."""
    line = replace(GENEROUS.line, write_buffer_bytes_max=4096)
    async with open_house(limits=replace(GENEROUS, line=line)) as house:
        async with caller(house) as client:
            frame = enclose(client.framing, client.dialect.packager.pack(echo("000014")))
            with pytest.raises(ConnectionError):
                await never_read(house, frame)
        ended = {one["why"].partition(";")[0] for one in house.logged("link closed")}
        answered = sum(house.desk.meters.requests.values())

    assert "the peer does not read its answers" in ended
    assert answered * len(frame) < HELD_BYTES_MAX
