"""Which elements a message must, may and must not carry."""

import pytest

from atm_switch.domain.errors import Declined
from atm_switch.domain.outcome import Outcome
from atm_switch.messages.presence import check_presence
from atm_switch.profile.load import load_profile
from atm_switch.wire.message import IsoMessage

RULE = load_profile("bpjstk-jht-v1").messages["inquiry"]
NETWORK = load_profile("bpjstk-jht-v1").messages["network"]
LEAST = IsoMessage("0200", dict.fromkeys(RULE.mandatory, "0"))


def fault_of(message: IsoMessage) -> Declined:
    """Return the refusal a message gets."""
    with pytest.raises(Declined) as caught:
        check_presence(message.elements, RULE)
    assert Outcome.FORMAT_ERROR is caught.value.outcome
    return caught.value


def test_mandatory_elements_alone_are_enough() -> None:
    """
    Nothing optional is demanded.
    """
    check_presence(LEAST.elements, RULE)


@pytest.mark.parametrize("number", sorted(RULE.optional - {128}))
def test_each_optional_element_may_come(number: int) -> None:
    """
    Every element of the list is taken.
    """
    check_presence(LEAST.with_element(number, "0").elements, RULE)


@pytest.mark.parametrize("number", sorted(RULE.mandatory))
def test_each_missing_mandatory_element_is_named(number: int) -> None:
    """
    The refusal has the element and says that it is missing.
    """
    fault = fault_of(LEAST.without(number))

    assert number == fault.data_element
    assert f"DE{number:03d} is mandatory and missing" == fault.reason


@pytest.mark.parametrize("number", [39, 44, 45, 53, 54, 62, 63, 70, 90, 102])
def test_each_stray_element_is_named(number: int) -> None:
    """
    What the rule does not list has no place, known to the profile or not.
    """
    assert number == fault_of(LEAST.with_element(number, "0")).data_element


def test_first_missing_element_is_named_first() -> None:
    """
    Missing elements come before stray ones, the lowest number first.
    """
    assert 3 == fault_of(LEAST.without(3, 11).with_element(39, "0")).data_element


def test_mac_is_the_last_element_or_none() -> None:
    """
    DE64 with anything behind it covers less than the message, so it is refused.
    """
    message = IsoMessage("0800", {7: "0", 11: "0", 64: "0", 70: "0"})

    with pytest.raises(Declined) as caught:
        check_presence(message.elements, NETWORK)

    assert 64 == caught.value.data_element
    check_presence(message.without(64).with_element(128, "0").elements, NETWORK)


def test_both_macs_are_refused() -> None:
    """
    One message has one MAC.
    """
    both = LEAST.with_element(64, "0").with_element(128, "0")

    assert 64 == fault_of(both).data_element
