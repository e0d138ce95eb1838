"""Claims about changes of keys that no request waits for: what comes of them counts."""

import pytest

from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.domain.identifiers import TerminalId
from atm_switch.security.key_ring import KeyName, Ladder, LineKey
from atm_switch.security.vault import Vault
from atm_switch.switch.late_keys import LateKeys
from atm_switch.switch.ports import KeepKeys
from tests.doubles.bench import Bench
from tests.doubles.key_line import MAC_NAME, NEW, NEWER, OVERLAP, delivery, inquiry
from tests.doubles.memory import CountedEntropy
from tests.doubles.signed_line import ask_signed, signed_payload, signing_bench

BUDGET = 8.0
"""``request_seconds_max`` of the profile."""
OLD = LineKey.clear(NEWER)
OWN = KeyName(MAC_NAME.usage, MAC_NAME.acquirer, TerminalId("S1ABC123"))


def ladder(bench: Bench) -> Ladder:
    """What the switch works with."""
    return bench.house.vault.keys[MAC_NAME]


def test_first_message_under_a_new_key_waits_for_no_disk() -> None:
    """It is answered while the key file is written; that it dates the old key is kept then."""
    bench = signing_bench()
    ask_signed(bench, delivery(bench))
    bench.holds = (KeepKeys,)

    codes = [ask_signed(bench, inquiry(bench, stan), NEW)[39] for stan in (1, 2)]
    held = len(bench.held)
    on_disk = bench.memory.vault.keys[MAC_NAME].until
    bench.release()

    assert ["00", "00"] == codes
    assert (1, None) == (held, on_disk)
    assert bench.memory.vault.keys[MAC_NAME].until is not None
    assert ladder(bench).is_same_as(bench.memory.vault.keys[MAC_NAME])
    assert 0 == bench.in_flight_of(1)


def test_what_cannot_be_kept_is_not_known_and_told_by_the_next_message() -> None:
    """A key file that could not be written leaves the old key without an end, here as there."""
    bench = signing_bench()
    ask_signed(bench, delivery(bench))
    bench.memory.faults[KeepKeys] = NeighbourUnavailable("the disk is full")

    assert "00" == ask_signed(bench, inquiry(bench, 1), NEW)[39]
    undated = ladder(bench).until
    bench.memory.faults.clear()
    assert "00" == ask_signed(bench, inquiry(bench, 2), NEW)[39]

    assert undated is None
    assert ladder(bench).until is not None
    bench.pass_time(OVERLAP)
    (late,) = bench.feed(signed_payload(bench, inquiry(bench, 3)))
    assert "63" == late[39]


def test_change_that_is_kept_after_its_96_is_worked_with() -> None:
    """The store holds it, so that every other process takes it up: the bank may be at it."""
    bench = signing_bench()
    bench.holds = (KeepKeys,)
    assert [] == bench.feed(signed_payload(bench, delivery(bench)))
    bench.pass_time(BUDGET + 0.1)
    answer = bench.dialect.packager.unpack(bench.sent[-1].payload)
    (before,) = bench.feed(signed_payload(bench, inquiry(bench, 1), NEW))

    bench.release()

    assert ("96", "63") == (answer[39], before[39])
    assert "00" == ask_signed(bench, inquiry(bench, 2), NEW)[39]
    assert ladder(bench).is_same_as(bench.memory.vault.keys[MAC_NAME])


def test_change_that_is_not_kept_after_its_96_is_none() -> None:
    """The key that was brought stays unknown."""
    bench = signing_bench()
    bench.holds = (KeepKeys,)
    bench.feed(signed_payload(bench, delivery(bench)))
    bench.pass_time(BUDGET + 0.1)
    bench.memory.faults[KeepKeys] = NeighbourUnavailable("the disk is full")
    (held,) = bench.held

    bench.perform(bench.switch.answered(held.ticket, NeighbourUnavailable("full"), bench.now))

    assert bench.mac_key.reveal() == ladder(bench).in_use.token.reveal()
    (late,) = bench.feed(signed_payload(bench, inquiry(bench, 1), NEW))
    assert "63" == late[39]


@pytest.mark.parametrize("is_kept", [True, False])
def test_nothing_is_put_over_a_key_that_changed_meanwhile(*, is_kept: bool) -> None:
    """What another process, or another change, has made of the name stands."""
    new, newest = LineKey.clear(NEW), LineKey.clear(NEWER)
    vault = Vault.fresh(CountedEntropy()).with_key(MAC_NAME, newest)
    late = LateKeys()
    late.asked(1, KeepKeys(MAC_NAME, Ladder(new, OLD), Ladder(new), is_awaited=False))

    answer = None if is_kept else NeighbourUnavailable("full")

    assert vault is late.heard(1, answer, vault)
    assert vault is late.heard(1, answer, vault)
    assert vault is late.heard(2, answer, vault)


def test_first_own_key_of_a_terminal_comes_in_its_banks_place() -> None:
    """Its change began from what its bank has."""
    new = LineKey.clear(NEW)
    vault = Vault.fresh(CountedEntropy()).with_key(MAC_NAME, OLD)
    late = LateKeys()
    late.asked(1, KeepKeys(OWN, Ladder(OLD).received(new), Ladder(OLD)))

    changed = late.heard(1, None, vault)

    assert new.check == changed.keys[OWN].in_use.check
