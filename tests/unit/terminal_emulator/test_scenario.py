"""Messages as a tester wants them, and answers laid beside what was expected."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.profile.load import load_profile
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from terminal_emulator.scenario.forge import forged
from terminal_emulator.scenario.judge import Heard, differences
from terminal_emulator.scenario.model import Expectation, Step
from terminal_emulator.scenario.speech import edited, framed
from terminal_emulator.scenario.target import Role, Target
from tests.properties.test_packager import messages

NAMES = ("bpjstk-jht-v1", "bpjstk-jht-v1-bcd", "bpjstk-jht-v1-ebcdic")
PACKAGERS = {name: Packager(load_profile(name)) for name in NAMES}
PROFILE = load_profile(NAMES[0])
ANSWER = IsoMessage("0210", {3: "310000", 11: "000123", 39: "00", 41: "S1ABC123", 49: "360"})


def wrong(expected: Expectation, heard: Heard | None = None, target: Target | None = None) -> str:
    """Everything that is wrong with an answer, as one text."""
    given_answer = heard or Heard(b"answer", ANSWER, 0.01)
    asked = IsoMessage("0200", {3: "310000", 11: "000124"})
    found = differences(
        given_answer, expected, asked, {"first": b"other"}, target or Target(), PROFILE
    )
    return "; ".join(map(str, found))


@given(st.sampled_from(NAMES), messages())
def test_forged_message_is_the_packed_one_where_it_is_right(name: str, message: IsoMessage) -> None:
    """What a packager would write is written alike, in every dialect."""
    packager = PACKAGERS[name]

    assert packager.pack(message) == forged(message, packager.profile)


@given(
    st.sampled_from(NAMES),
    st.dictionaries(
        st.integers(2, 128).filter(lambda n: n != 65), st.text(max_size=40), max_size=8
    ),
    st.text(max_size=6),
)
def test_anything_at_all_can_be_forged(name: str, elements: dict[int, str], mti: str) -> None:
    """Contents of any class and length, elements nobody knows: bytes come out."""
    assert isinstance(forged(IsoMessage(mti, elements), PACKAGERS[name].profile), bytes)


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        (Expectation(code="62"), "DE039: expected 62, got 00"),
        (Expectation(outcome="card_blocked"), "DE039: expected 62 (card_blocked), got 00"),
        (Expectation(mti="0810"), "MTI: expected 0810, got 0210"),
        (Expectation(elements={41: "S1ABC999"}), "DE041: expected S1ABC999, got S1ABC123"),
        (Expectation(present=(54,)), "DE054: expected there, got absent"),
        (Expectation(absent=(49,)), "DE049: expected absent, got 360"),
        (Expectation(echoed=(3, 11)), "DE011: expected 000124, got 000123"),
        (Expectation(fault="DE048"), "DE044: expected DE048, got none"),
        (Expectation(text="SALDO"), "'SALDO' somewhere"),
        (Expectation(within=0.001), "time: expected at most 0.001 s"),
        (Expectation(same_as="first"), "the bytes of 'first', got another"),
        (Expectation(same_as="second"), "nothing was saved under that name"),
    ],
)
def test_every_expectation_can_fail(expected: Expectation, told: str) -> None:
    """Each names what was expected and what came."""
    assert told in wrong(expected)


def test_answer_as_expected_has_no_difference() -> None:
    """All at once, and with the code the target uses in place of the profile's."""
    expected = Expectation(
        code="00", outcome="approved", mti="0210", elements={49: "360"}, present=(39,),
        absent=(54,), echoed=(3,), within=1.0,
    )  # fmt: skip

    assert not wrong(expected)
    assert not wrong(Expectation(code="58"), target=Target(codes={"58": "00"}))


def test_unreadable_and_unauthentic_answers_are_wrong() -> None:
    """Whatever else was expected."""
    heard = Heard(b"x", None, 0.1, "DE048: has a wrong length")

    assert "DE048: has a wrong length" in wrong(Expectation(), heard)
    assert "MAC" in wrong(Expectation(), Heard(b"x", ANSWER, 0.1, is_authentic=False))


def test_bytes_are_edited_where_they_stand() -> None:
    """Replaced once, cut, and lengthened; what is not there cannot be replaced."""
    step = Step(do="inquire", at="here", replace=((b"b", b"X"),), cut=1, append=b"!")

    assert b"aXb!" == edited(b"abbc", step)
    with pytest.raises(Exception, match="here: b'z' is not in the message"):
        edited(b"abbc", replace(step, replace=((b"z", b""),)))


def test_length_header_can_say_more_or_less() -> None:
    """The header lies, the bytes behind it stay."""
    assert b"\x00\x06abcd" == framed(PROFILE, b"abcd", 2)
    assert b"\x00\x03abcd" == framed(PROFILE, b"abcd", -1)
    assert b"\x00\x04abcd" == framed(PROFILE, b"abcd", 0)


def test_facts_of_a_target_go_by_role() -> None:
    """Card, PIN and KPJ of a role; nothing of a role it does not have."""
    target = Target({"approved": Role("9990090000000012", "1234", "12345678901")})

    assert ["9990090000000012", "1234", "12345678901", None] == [
        target.fact(name) for name in ("card.approved", "pin.approved", "kpj.approved", "pin.bpu")
    ]
    assert "9990" not in repr(target)
