"""Answers hold what a list allows, whatever the request held."""

import pytest

from atm_switch.domain.outcome import Outcome
from atm_switch.messages.responses import answer, refusal
from atm_switch.profile.load import load_profile
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager

PROFILE = load_profile("bpjstk-jht-v1")
RULE = PROFILE.messages["inquiry"]
EVERYTHING = IsoMessage("0200", dict.fromkeys(PROFILE.elements, "0"))


def test_answer_echoes_the_list_and_no_more() -> None:
    """
    A request with every element there is gets back the echo list and DE39.
    """
    response = answer(EVERYTHING, RULE, "00")

    assert "0210" == response.mti
    assert RULE.echo | {39} == response.elements.keys()
    assert "00" == response[39]


def test_answer_leaves_out_what_is_not_allowed() -> None:
    """
    An element made by the switch but not in the list is dropped: 52 cannot get out.
    """
    response = answer(EVERYTHING, RULE, "00", {48: "data", 52: "00" * 8, 35: "9=1"})

    assert "data" == response[48]
    assert 52 not in response
    assert 35 not in response


def test_answer_does_not_invent_elements() -> None:
    """
    What the request did not have is not echoed.
    """
    response = answer(IsoMessage("0800", {7: "0630072507", 11: "000001"}), RULE, "12")

    assert {7: "0630072507", 11: "000001", 39: "12"} == dict(response.elements)


@pytest.mark.parametrize(
    ("element", "named"), [(48, "DE048"), (0, "DE000"), (128, "DE128"), (2, "DE002")]
)
def test_refusal_names_the_element_in_de44(element: int, named: str) -> None:
    """
    A 30 says which element is at fault, three digits.
    """
    response = refusal("0200", {11: "000123"}, PROFILE, Outcome.FORMAT_ERROR, element)

    assert ("0210", "30", named) == (response.mti, response[39], response[44])


def test_refusal_echoes_the_short_list_only() -> None:
    """
    Of a message that cannot be trusted 3, 7, 11, 37, 41 and 70 come back, no PAN, no DE48.
    """
    response = refusal("0421", EVERYTHING.elements, PROFILE, Outcome.UNSUPPORTED_TRANSACTION)

    assert "0430" == response.mti
    assert {3, 7, 11, 37, 39, 41, 70} == response.elements.keys()


def test_refusal_of_nothing_readable_can_be_sent() -> None:
    """
    Even without one readable element there is an answer of MTI, DE39 and DE44.
    """
    response = refusal("0200", {}, PROFILE, Outcome.FORMAT_ERROR, 1)

    expected = b"0210" + b"0000000002100000" + b"30" + b"05DE001"
    assert expected == Packager(PROFILE).pack(response)


def test_response_itself_is_never_answered() -> None:
    """
    Whoever tries to answer a response meets an error, not a storm.
    """
    with pytest.raises(ValueError, match="never answered"):
        answer(IsoMessage("0210", {}), RULE, "00")
    with pytest.raises(ValueError, match="never answered"):
        refusal("0810", {}, PROFILE, Outcome.FORMAT_ERROR)
