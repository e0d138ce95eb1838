"""Message type identifiers: what is answered, with what, and what never is."""

import pytest

from atm_switch.messages.mti import is_answerable, is_response, response_mti

ANSWERS = {
    "0100": "0110", "0101": "0110", "0120": "0130", "0121": "0130",
    "0200": "0210", "0201": "0210", "0202": "0212", "0203": "0212", "0204": "0214",
    "0220": "0230", "0221": "0230", "0400": "0410", "0401": "0410",
    "0420": "0430", "0421": "0430", "0800": "0810", "0801": "0810", "0820": "0830",
    "1200": "1210", "2800": "2810",
}  # fmt: skip


@pytest.mark.parametrize(("asked", "answered"), ANSWERS.items())
def test_answer_has_the_mti_of_the_table(asked: str, answered: str) -> None:
    """
    A request is answered by a response, an advice by its response; a repeat as its first.
    """
    assert answered == response_mti(asked)
    assert is_answerable(asked)
    assert not is_response(asked)


@pytest.mark.parametrize("mti", sorted(set(ANSWERS.values())))
def test_answer_is_a_response_itself(mti: str) -> None:
    """
    No answer of ours could be answered again: no storm between two hosts.
    """
    assert is_response(mti)
    assert not is_answerable(mti)


@pytest.mark.parametrize(
    "mti",
    [
        "0000",
        "0040",
        "0240",
        "0250",
        "0260",
        "020",
        "02000",
        "",
        "abcd",
        "02 0",
        "\u0660\u0662\u0660\u0660",
    ],
)
def test_other_mti_is_neither_asked_nor_answered(mti: str) -> None:
    """
    Notifications, reserved functions and what is no MTI get no answer at all.
    """
    assert not is_answerable(mti)
    assert not is_response(mti)
    with pytest.raises(ValueError, match="never answered"):
        response_mti(mti)


def test_every_mti_is_at_most_one_kind() -> None:
    """
    Of the ten thousand, none both asks and answers.
    """
    every = [f"{number:04d}" for number in range(10_000)]

    assert [] == [mti for mti in every if is_answerable(mti) and is_response(mti)]
    assert all(is_response(response_mti(mti)) for mti in every if is_answerable(mti))
