"""Claims about who may connect at all: the allow-list and the caps, before a byte is read."""

import ssl
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from atm_switch.profile.load import load_profile
from atm_switch.server.entrance import Entrance
from atm_switch.switch.session import Dialect
from tests.doubles.certificates import LabCa
from tests.doubles.open_house import GENEROUS, caller, open_house

DIALECT = Dialect.of(load_profile("bpjstk-jht-v1"))
ELSEWHERE = (ip_network("192.0.2.0/24"),)
HERE = (ip_network("192.0.2.0/24"), ip_network("127.0.0.0/8"))


@pytest.mark.parametrize(
    ("network", "inside", "outside"),
    [
        ("10.1.2.0/24", "10.1.2.255", "10.1.3.0"),
        ("10.1.2.3", "10.1.2.3", "10.1.2.4"),
        ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
        ("2001:db8::/32", "2001:db8::1", "2001:db9::1"),
        ("10.0.0.0/8", "::ffff:10.9.9.9", "::ffff:11.9.9.9"),
        ("fe80::/10", "fe80::1%eth0", "?"),
    ],
)
def test_networks_let_their_own_in(network: str, inside: str, outside: str) -> None:
    """An address counts as what it is, IPv4 written as IPv6 and scopes included."""
    entrance = Entrance("::", 0, DIALECT, None, allow=(ip_network(network),))

    assert (True, False) == (entrance.lets_in(inside), entrance.lets_in(outside))


def test_empty_list_lets_everyone_in() -> None:
    """Without a list there is no door-keeper."""
    assert Entrance("::", 0, DIALECT, None).lets_in("203.0.113.9")


async def test_listed_network_is_served() -> None:
    """A peer within one of the networks signs on."""
    async with open_house(allow=HERE) as house, caller(house):
        assert house.logged("link opened")


async def test_stranger_is_hung_up_on_unread() -> None:
    """A peer outside is gone before it is read, learns nothing, and is logged with a reason."""
    async with open_house(allow=ELSEWHERE) as house:
        async with caller(house, signs_on=False) as stranger:
            assert await stranger.is_hung_up()

        (line,) = house.logged("connection turned away")
        assert "the address is not in allow" == line["reason"]
        assert [] == house.logged("link opened")


async def test_stranger_sees_no_certificate(tmp_path: Path) -> None:
    """Where TLS is spoken a peer outside does not get as far as the handshake."""
    ca = LabCa(tmp_path)
    client = ca.client(ca.issue("x"))

    async with open_house(allow=ELSEWHERE, tls=ca.server()) as house:
        with pytest.raises((ConnectionError, ssl.SSLError)):
            async with caller(house, tls=client, signs_on=False):
                pass

        assert [] == house.logged("handshake failed")


async def test_flood_of_strangers_is_few_lines() -> None:
    """A hundred refused connections within a minute leave seven lines."""
    async with open_house(allow=ELSEWHERE) as house:
        for _ in range(100):
            async with caller(house, signs_on=False) as stranger:
                await stranger.is_hung_up()

        counts = [line["within_a_minute"] for line in house.logged("connection turned away")]

    assert [1, 2, 4, 8, 16, 32, 64] == counts


async def test_cap_of_one_peer_counts_handshakes(tmp_path: Path) -> None:
    """Connections that never finish their handshake fill the cap as others do."""
    ca = LabCa(tmp_path)
    limits = replace(GENEROUS, connections_per_peer_max=2)

    async with (
        open_house(limits=limits, tls=ca.server()) as house,
        caller(house, signs_on=False),
        caller(house, signs_on=False),
        caller(house, signs_on=False) as third,
    ):
        assert await third.is_hung_up()

        (line,) = house.logged("connection turned away")
        assert "too many connections" == line["reason"]
