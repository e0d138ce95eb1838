"""Claims about where a MAC is in a message and which bytes it covers."""

import pytest

from atm_switch.messages.authentication import (
    covered_by_mac,
    mac_element,
    received_mac,
    spelled_mac,
    to_be_authenticated,
)
from atm_switch.profile.load import load_profile
from atm_switch.profile.shipped import shipped_profiles
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager

MAC = bytes.fromhex("0123456789ABCDEF")
SHORT = IsoMessage("0400", {3: "310000", 7: "0630072507", 11: "000001", 37: "5" * 12, 41: "A" * 8})
LONG = IsoMessage("0800", {7: "0630072507", 11: "000001", 70: "001"})


@pytest.mark.parametrize(("message", "number"), [(SHORT, 64), (LONG, 128)])
def test_mac_is_the_last_element(message: IsoMessage, number: int) -> None:
    """DE128 where there is a secondary bitmap, else DE64."""
    assert number == mac_element(message)


@pytest.mark.parametrize(
    ("elements", "found"),
    [
        ({64: MAC.hex().upper()}, MAC),
        ({}, None),
        ({128: MAC.hex().upper()}, MAC),
        ({64: MAC.hex().upper(), 128: MAC.hex().upper()}, None),
        ({64: MAC.hex().upper(), 70: "001"}, None),
        ({70: "001"}, None),
    ],
)
def test_doubled_or_misplaced_mac_is_none(elements: dict[int, str], found: bytes | None) -> None:
    """One MAC, at the end: anything else counts as no MAC."""
    assert found == received_mac(IsoMessage("0200", elements))


@pytest.mark.parametrize("name", shipped_profiles())
@pytest.mark.parametrize("message", [SHORT, LONG])
def test_signed_payload_reads_back(name: str, message: IsoMessage) -> None:
    """In every dialect the covered bytes and the MAC are a payload that holds the MAC."""
    packager = Packager(load_profile(name))

    covered = to_be_authenticated(message, packager)
    payload = covered + spelled_mac(MAC, packager.profile)

    assert MAC == received_mac(packager.unpack(payload))
    assert covered == covered_by_mac(payload, packager.profile)
    assert dict(message.elements) == dict(packager.unpack(payload).without(64, 128).elements)


def test_old_mac_is_not_covered() -> None:
    """A MAC that is in the message already is dropped, not signed."""
    packager = Packager(load_profile("bpjstk-jht-v1"))

    marked = SHORT.with_element(64, MAC.hex().upper())

    assert to_be_authenticated(SHORT, packager) == to_be_authenticated(marked, packager)
