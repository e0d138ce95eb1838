"""Claims about message type identifiers."""

import pytest

from atm_switch.messages.mti import is_answerable, is_response, response_mti

ALL = [f"{number:04d}" for number in range(10_000)]


@pytest.mark.parametrize(
    ("request_mti", "answer"),
    [
        ("0200", "0210"), ("0201", "0210"), ("0800", "0810"), ("0400", "0410"), ("0401", "0410"),
        ("0420", "0430"), ("0421", "0430"), ("0100", "0110"), ("1200", "1210"), ("0220", "0230"),
    ],
)  # fmt: skip
def test_request_is_answered_as_the_standard_says(request_mti: str, answer: str) -> None:
    """A repeat gets the answer of its first."""
    assert answer == response_mti(request_mti)


def test_no_answer_is_ever_answered() -> None:
    """Of all ten thousand, what answers another is not answerable itself."""
    answers = {response_mti(mti) for mti in ALL if is_answerable(mti)}

    assert not any(is_answerable(mti) for mti in answers)
    assert all(is_response(mti) for mti in answers)
    assert not any(is_response(mti) and is_answerable(mti) for mti in ALL)


@pytest.mark.parametrize("mti", ["0210", "0810", "0240", "0250", "0000", "", "02x0"])
def test_what_is_not_answered_has_no_answer(mti: str) -> None:
    """Responses, notifications and nonsense."""
    with pytest.raises(ValueError, match="never answered"):
        response_mti(mti)
