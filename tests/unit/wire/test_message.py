"""A message is read, not judged, not printed, and not changed."""

import pytest

from atm_switch.wire.message import IsoMessage

MESSAGE = IsoMessage("0200", {11: "000123", 2: "9990090000000012", 41: "S1ABC123"})


def test_message_prints_its_mti_only() -> None:
    """
    No element is in the representation, in whatever container.
    """
    assert "IsoMessage(mti='0200')" == repr(MESSAGE)
    assert "9990090000000012" not in f"{MESSAGE} {[MESSAGE]!r}"


def test_elements_are_asked_for_by_number() -> None:
    """
    Known ones by index, doubtful ones with a default.
    """
    assert "000123" == MESSAGE[11]
    assert ("S1ABC123", "", "-") == (MESSAGE.get(41), MESSAGE.get(42), MESSAGE.get(42, "-"))
    assert 2 in MESSAGE
    assert 3 not in MESSAGE
    with pytest.raises(KeyError):
        MESSAGE[3]


def test_message_does_not_change_with_its_source() -> None:
    """
    The dictionary it was made of may change; the message does not.
    """
    source = {11: "000123"}
    message = IsoMessage("0800", source)

    source[11] = "999999"

    assert "000123" == message[11]
    with pytest.raises(TypeError):
        message.elements[11] = "1"  # type: ignore[index]


def test_chosen_elements_come_in_order() -> None:
    """
    Those among the numbers asked for, sorted, no others invented.
    """
    assert [(2, MESSAGE[2]), (11, "000123")] == list(MESSAGE.only({90, 11, 2}).items())


def test_variants_leave_the_message_alone() -> None:
    """
    Putting in and taking out make new messages.
    """
    assert {11: "000124"} == dict(MESSAGE.with_element(11, "000124").without(2, 41, 99).elements)
    assert "000123" == MESSAGE[11]
    assert MESSAGE == MESSAGE.with_element(11, "000123")


def test_message_equals_messages_only() -> None:
    """
    Of the same MTI and the same elements; nothing else is one.
    """
    same = {number: MESSAGE[number] for number in (2, 11, 41)}

    assert IsoMessage("0200", same) == MESSAGE
    assert IsoMessage("0201", same) != MESSAGE
    assert MESSAGE.with_element(11, "000124") != MESSAGE
    assert "0200" != MESSAGE


def test_attributes_cannot_be_set() -> None:
    """
    MTI and elements are read only, and there is no room for others.
    """
    for name in ("mti", "elements", "note"):
        with pytest.raises(AttributeError):
            setattr(MESSAGE, name, "x")


def test_answer_is_made_of_a_list_and_of_what_is_put() -> None:
    """
    What the message has of the list, and what is put in, which goes before.
    """
    made = MESSAGE.answering("0210", frozenset({11, 37, 41}), {39: "00", 41: "S2"})

    assert IsoMessage("0210", {11: "000123", 39: "00", 41: "S2"}) == made
