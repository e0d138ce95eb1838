"""Claims about shapes: a profile that could only end in 96 is refused when it is read."""

from dataclasses import replace

import pytest

from atm_switch.profile.load import load_profile
from atm_switch.profile.shapes import misshapen
from atm_switch.profile.shipped import shipped_profiles

PROFILE = load_profile("bpjstk-jht-v1")


@pytest.mark.parametrize("name", shipped_profiles())
def test_shipped_profiles_are_in_shape(name: str) -> None:
    """None of ours is misshapen."""
    assert [] == list(misshapen(load_profile(name)))


@pytest.mark.parametrize(
    ("number", "changes"),
    [
        (41, {"longest": 16, "shortest": 16}),
        (70, {"longest": 2, "shortest": 2}),
        (37, {"content": "ans"}),
        (7, {"length_digits": 2}),
        (48, {"longest": 99}),
        (48, {"content": "n"}),
        (62, {"longest": 100}),
        (63, {"longest": 500}),
        (54, {"longest": 20}),
    ],
)
def test_misshapen_element_is_named(number: int, changes: dict[str, object]) -> None:
    """Its number and what it should be."""
    element = replace(PROFILE.elements[number], **changes)  # type: ignore[arg-type]
    profile = replace(PROFILE, elements={**PROFILE.elements, number: element})

    (problem,) = misshapen(profile)

    assert problem.startswith(f"elements.{number} must be")


def test_inquiry_must_be_able_to_answer() -> None:
    """Without DE62 among its response elements no decline has words."""
    rule = PROFILE.messages["inquiry"]
    bare = replace(rule, response=rule.response - {62})
    profile = replace(PROFILE, messages={**PROFILE.messages, "inquiry": bare})

    assert ["messages.inquiry.response must hold 39, 48 and 62"] == list(misshapen(profile))
