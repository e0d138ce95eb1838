"""A line of the bench whose bank requires MACs: requests signed, answers checked."""

from typing import Any

from atm_switch.domain.identifiers import TerminalId
from atm_switch.domain.instant import Zone
from atm_switch.domain.secret import Key
from atm_switch.messages.authentication import (
    covered_by_mac,
    received_mac,
    spelled_mac,
    to_be_authenticated,
)
from atm_switch.security.mac import MacAlgorithm, mac, mac_matches
from atm_switch.switch.policy import MacPolicy, TerminalPolicy
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import Bench, bank

SIGN_ON = IsoMessage("0800", {7: "0630072507", 11: "000001", 70: "001"})


def signing_bench(profile: str = "bpjstk-jht-v1", **policy: Any) -> Bench:
    """Open a bench whose one bank requires MACs, and sign its link on."""
    own = TerminalPolicy(zone=Zone.WIB)
    listed = {TerminalId(name): own for name in ("S1ABC123", "S1ABC124")}
    bench = Bench(profile, banks=(bank(mac=MacPolicy.REQUIRED, terminals=listed),), **policy)
    assert "00" == ask_signed(bench, SIGN_ON)[39]
    bench.memory.records.clear()
    return bench


def algorithm_of(bench: Bench) -> MacAlgorithm:
    """Return the algorithm of the bench's profile."""
    return MacAlgorithm(bench.dialect.profile.security.mac_algorithm)


def signed_payload(bench: Bench, message: IsoMessage, key: Key | None = None) -> bytes:
    """Pack a message with its MAC, under the bank's key if no other is given."""
    packager = bench.dialect.packager
    covered = to_be_authenticated(message, packager)
    code = mac(algorithm_of(bench), key or bench.mac_key, covered)
    return covered + spelled_mac(code, packager.profile)


def is_signed(bench: Bench, payload: bytes, key: Key | None = None) -> bool:
    """Tell whether a payload carries a right MAC."""
    message = bench.dialect.packager.unpack(payload)
    received = received_mac(message)
    covered = covered_by_mac(payload, bench.dialect.profile)
    return received is not None and mac_matches(
        algorithm_of(bench), key or bench.mac_key, covered, received
    )


def ask_signed(
    bench: Bench, message: IsoMessage, key: Key | None = None, link: int = 1
) -> IsoMessage:
    """Send one signed message; its one answer must be signed under the same key."""
    (answer,) = bench.feed(signed_payload(bench, message, key), link)
    assert is_signed(bench, bench.sent[-1].payload, key)
    return answer
