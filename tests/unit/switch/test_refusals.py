"""Claims about the answers to what cannot be read or is not known, with and without MACs."""

import pytest

from atm_switch.domain.identifiers import AcquirerId
from atm_switch.profile.load import load_profile
from atm_switch.switch.case import Case
from atm_switch.switch.policy import MacPolicy
from atm_switch.switch.refusals import mistaken, rule_of_strays
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import Bench, bank
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


@pytest.mark.parametrize("payload", [b"0100" + b"F" * 16, b"0100" + b"0" * 15])
def test_unreadable_message_of_an_unknown_kind_names_no_element(payload: bytes) -> None:
    """What nobody here speaks gets 12: which element was wrong says nothing of it."""
    bench = Bench()

    (answer,) = bench.feed(payload)

    assert "12" == answer[39]
    assert 44 not in answer


def test_unreadable_message_of_nobody_is_answered_unsigned() -> None:
    """Of two banks that both require MACs it belongs to neither: there is no key to sign with."""
    both = (bank(mac=MacPolicy.REQUIRED), bank(acquirer=AcquirerId("014"), mac=MacPolicy.REQUIRED))
    bench = Bench(banks=both)
    payload = bench.dialect.packager.pack(bench.inquiry({32: None}))

    (answer,) = bench.feed(payload[:-5])

    assert "30" == answer[39]
    assert answer.get(64) == answer.get(128) == ""


@pytest.mark.parametrize(("mti", "code"), [("0200", "96"), ("0210", ""), ("0810", "")])
def test_mistake_of_ours_is_told_to_who_asked_only(mti: str, code: str) -> None:
    """A request gets 96; an answer of the peer gets none, or two hosts would answer for ever."""
    bench = Bench()
    session = bench.switch.session_of(1)
    profile = bench.dialect.profile
    rule = profile.rule_of("0200")
    assert session is not None
    assert rule is not None
    message = IsoMessage(mti, bench.inquiry().elements)

    response = mistaken(Case(message, b"", rule, session, bench.now, bench.now), "here")

    assert code == ("" if response is None else response.message[39])


def test_torn_mac_is_63_only_where_macs_count() -> None:
    """A MAC cut short is 63 on a line that requires MACs, and a mere 30 on another."""
    strict, free = signing_bench(), Bench()
    torn = signed_payload(strict, strict.inquiry())[:-3]

    (refused,) = strict.feed(torn)
    (unreadable,) = free.feed(torn)

    assert ("63", "30") == (refused[39], unreadable[39])
    assert is_signed(strict, strict.sent[-1].payload)
