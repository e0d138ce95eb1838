"""The figure of the spoilt messages in small, so that it cannot rot: nothing gets through.

The long run is ``python -m tests.figures.mac_bit_flips``.
"""

import random

import pytest

from atm_switch.security.mac import MacAlgorithm
from tests.doubles.signed_line import signed_payload
from tests.figures.mac_bit_flips import COMBINATIONS, FLIPS, run
from tests.figures.spoilt_messages import FRESH_LINK, HARMS, LINK, Target, messages

FLIPS_EACH = 150


@pytest.mark.parametrize(
    ("profile", "algorithm"), COMBINATIONS, ids=lambda one: getattr(one, "value", one)
)
def test_every_harm_to_a_mac_is_refused(profile: str, algorithm: MacAlgorithm) -> None:
    """
    Bits turned, cuts, growths, MACs missing, doubled, misplaced and of something else: a
    refusal each, and the ledger, the journal, the tries and the sign-on are as they were.
    """
    tallies = run((profile, algorithm, FLIPS_EACH, "small"))

    assert {(profile, algorithm.value, harm) for harm in HARMS} == tallies.keys()
    assert FLIPS_EACH == tallies[profile, algorithm.value, FLIPS].answers.total()
    assert 0 == sum(tally.misses for tally in tallies.values())
    assert all("00" not in tally.answers for tally in tallies.values())


def test_sound_messages_would_count_as_misses() -> None:
    """
    The control: a message nobody spoilt is approved, and the judge calls that a miss.
    """
    target = Target("bpjstk-jht-v1", MacAlgorithm.X9_19)
    sound = [
        (signed_payload(target.bench, message), link)
        for _what, message, link in messages(target.bench, random.Random(1))  # noqa: S311 - cases
    ]

    misses = [target.give(payload, link).misses for payload, link in sound]

    assert {LINK, FRESH_LINK} == {link for _, link in sound}
    assert [1] * 3 == misses[:3]
    assert 1 == misses[3]
