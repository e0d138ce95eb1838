"""Claims about peers that die without a word; the cable is pulled in ``tests.chaos.half_open``."""

import socket

from atm_switch.server.tcp_options import BETWEEN_SECONDS, IDLE_SECONDS, PROBES
from tests.doubles.open_house import caller, open_house

DEAD_SECONDS_MAX = 60


async def test_kernel_probes_every_link() -> None:
    """A link's socket has the probes on, and they give a dead peer up within a minute."""
    async with open_house() as house, caller(house):
        ((line, _),) = house.desk.links()
        assert line._transport is not None
        wire = line._transport.get_extra_info("socket")

        assert 1 == wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert IDLE_SECONDS == wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)

    assert IDLE_SECONDS + PROBES * BETWEEN_SECONDS < DEAD_SECONDS_MAX
