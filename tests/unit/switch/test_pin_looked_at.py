"""Who looks at a PIN and what counts as a yes: anything less is no, and costs what it must."""

from typing import Any

import pytest

from atm_switch.domain.errors import NeighbourUnavailable, NeverAsked
from atm_switch.domain.secret import Key
from atm_switch.security.vault import Vault
from atm_switch.switch.hsm_port import PinVerdict, VerifyPin
from atm_switch.switch.ports import FindRepeat, Reservation, Reserve
from tests.doubles.bench import BUDI, PAN, PIN
from tests.doubles.inquiries import reservations, signed_on


@pytest.mark.parametrize("missing", ["key", "pvk"])
def test_pin_that_no_key_opens_costs_no_try(missing: str) -> None:
    """
    Without the terminal's PIN key, or the verification key of the card, it is 91 and no try.
    """
    bench = signed_on()
    if missing == "key":
        vault = bench.house.vault
        parts = vault.pan_key, vault.person_key, vault.fingerprint_key, vault.sealing_key
        bench.house.vault = Vault(*parts, {})
    else:
        bench.link_card(PAN, BUDI, PIN, pvki="9")

    assert "91" == bench.ask(bench.inquiry())[39]
    assert ({}, [], 0) == (bench.memory.tries, reservations(bench), bench.memory.verifications)


@pytest.mark.parametrize("fault", [NeighbourUnavailable("away"), NeverAsked("away")])
def test_try_is_given_back_only_where_nobody_looked(fault: NeighbourUnavailable) -> None:
    """
    An HSM that was never asked has decided nothing; one that may have looked has cost a try.
    """
    bench = signed_on()
    bench.memory.faults[VerifyPin] = fault

    assert "91" == bench.ask(bench.inquiry())[39]
    assert [0 if isinstance(fault, NeverAsked) else 1] == list(bench.memory.tries.values())


@pytest.mark.parametrize("said", [1, "yes", None])
def test_nothing_but_an_explicit_yes_is_a_right_pin(said: Any) -> None:
    """
    Whatever an HSM says that is not ``True`` is a wrong PIN.
    """
    bench = signed_on()
    bench.memory.faults[VerifyPin] = PinVerdict(said, 0)

    assert "55" == bench.ask(bench.inquiry())[39]


def test_right_pin_of_an_hsm_that_names_no_key_is_right() -> None:
    """
    Some say yes and no more: the answer is there, the tries are cleared, no key is dated.
    """
    bench = signed_on()
    keys = bench.house.vault.keys
    bench.memory.faults[VerifyPin] = PinVerdict(is_right=True, key_at=None)

    assert "00" == bench.ask(bench.inquiry())[39]
    assert [0] == list(bench.memory.tries.values())
    assert keys is bench.house.vault.keys


@pytest.mark.parametrize("granted", [1, None])
def test_nothing_but_an_explicit_grant_is_a_try(granted: Any) -> None:
    """
    Whatever the journal says that is not ``True`` is 75, and nobody looks.
    """
    bench = signed_on()
    bench.memory.faults[Reserve] = Reservation(1, 1, granted)

    assert "75" == bench.ask(bench.inquiry())[39]
    assert 0 == bench.memory.verifications


def test_try_is_not_counted_under_a_card_key_that_was_replaced_meanwhile() -> None:
    """
    91 to the request that was under way, no try and no look; its next sending is answered.
    """
    bench = signed_on()
    bench.holds = (FindRepeat,)
    bench.feed(bench.dialect.packager.pack(bench.inquiry()))
    bench.house.vault = bench.house.vault.with_card_layer(Key(bytes(range(32))))

    bench.release()

    assert "91" == bench.dialect.packager.unpack(bench.sent[-1].payload)[39]
    assert ({}, [], 0) == (bench.memory.tries, reservations(bench), bench.memory.verifications)
    assert "00" == bench.ask(bench.inquiry({11: "000124"}))[39]
