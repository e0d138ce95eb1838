"""Claims about the answers to what cannot be read or is not known, with and without MACs."""

import pytest

from atm_switch.profile.load import load_profile
from atm_switch.switch.refusals import rule_of_strays
from tests.doubles.bench import Bench
from tests.doubles.signed_line import is_signed, signed_payload, signing_bench


def test_strays_have_a_rule_that_demands_nothing() -> None:
    """Their answers echo the profile's short list and hold little else."""
    profile = load_profile("bpjstk-jht-v1")

    rule = rule_of_strays(profile)

    assert profile.refusal_echo == rule.echo
    assert frozenset({39, 44, 64, 128}) == rule.response
    assert not rule.mandatory


@pytest.mark.parametrize("bench", [Bench(), signing_bench()], ids=["MAC off", "MAC required"])
def test_unreadable_message_names_its_element(bench: Bench) -> None:
    """A message cut short in DE48 gets 30 and DE48 by name."""
    payload = bench.dialect.packager.pack(bench.inquiry())
    cut = payload[: payload.index(b"040JHTBAL") + 10]

    (answer,) = bench.feed(cut)

    assert ("30", "DE048") == (answer[39], answer[44])


@pytest.mark.parametrize("bench", [Bench(), signing_bench()], ids=["MAC off", "MAC required"])
def test_unknown_kind_of_message_is_refused(bench: Bench) -> None:
    """A readable 0100 gets 12, whatever the MAC policy."""
    payload = bench.dialect.packager.pack(bench.inquiry())

    (answer,) = bench.feed(b"0100" + payload[4:])

    assert ("0110", "12") == (answer.mti, answer[39])


def test_torn_mac_is_63_only_where_macs_count() -> None:
    """A MAC cut short is 63 on a line that requires MACs, and a mere 30 on another."""
    strict, free = signing_bench(), Bench()
    torn = signed_payload(strict, strict.inquiry())[:-3]

    (refused,) = strict.feed(torn)
    (unreadable,) = free.feed(torn)

    assert ("63", "30") == (refused[39], unreadable[39])
    assert is_signed(strict, strict.sent[-1].payload)
