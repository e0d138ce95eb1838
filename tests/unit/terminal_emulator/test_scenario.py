"""Messages as a tester wants them, and answers laid beside what was expected."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.profile.load import load_profile
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from terminal_emulator.scenario.deeds import Owed, Watched, deeds
from terminal_emulator.scenario.forge import forged
from terminal_emulator.scenario.judge import Heard, differences
from terminal_emulator.scenario.model import Expectation, Step
from terminal_emulator.scenario.shaping import edited, framed, raw_octets
from terminal_emulator.scenario.target import Role, Target, beyond
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
        (Expectation(matches={41: "S2.*"}), "DE041: expected like 'S2.*', got S1ABC123"),
        (Expectation(screen=40), "DE062: expected 40 columns, got no lines"),
        (Expectation(slip=32), "DE063: expected 32 columns, got no lines"),
        (Expectation(adds_up=True), "DE048: expected a balance that adds up"),
        (Expectation(within=0.001), "time: expected at most 0.001 s"),
        (Expectation(same_as="first"), "the bytes saved before, got others"),
        (Expectation(same_as="second"), "nothing was saved under that name"),
    ],
)
def test_every_expectation_can_fail(expected: Expectation, told: str) -> None:
    """Each names what was expected and what came."""
    assert told in wrong(expected)


def test_answer_that_is_not_the_one_before_says_where() -> None:
    """Each element that differs is named with both values, masked ones too, and no other."""
    before = {**ANSWER.elements, 2: "9990090000000012", 11: "000999", 32: "009"}
    now = {**ANSWER.elements, 2: "9990090111110012"}
    masked = "999009******0012"
    saved, heard = (PACKAGERS[NAMES[0]].pack(IsoMessage("0210", one)) for one in (before, now))

    found = differences(
        Heard(heard, IsoMessage("0210", now), 0.01), Expectation(same_as="first"), None,
        {"first": saved}, Target(), PROFILE,
    )  # fmt: skip

    assert [
        f"DE002: expected as before {masked}, got {masked} (differs where it is masked)",
        "DE011: expected as before 000999, got 000123",
        "DE032: expected as before 009, got absent",
    ] == [str(one) for one in found]


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
    step = Step(do="raw", at="here")

    assert b"\x00\x06abcd" == framed(PROFILE, b"abcd", replace(step, length=2))
    assert b"\x00\x03abcd" == framed(PROFILE, b"abcd", replace(step, length=-1))
    assert b"\x00\x04abcd" == framed(PROFILE, b"abcd", step)
    assert b"\xff\xffabcd" == framed(PROFILE, b"abcd", replace(step, says=65535))


@pytest.mark.parametrize(
    ("name", "true", "zero", "more"),
    [
        (NAMES[1], b"0004abcd", b"0000abcd", b"0006abcd"),
        (
            NAMES[2], b"\x00\x0b\x60\0\0\0\0abcd", b"\0\0\x60\0\0\0\0abcd",
            b"\x00\x0d\x60\0\0\0\0abcd",
        ),
    ],
)  # fmt: skip
def test_every_kind_of_length_header_can_lie(
    name: str, true: bytes, zero: bytes, more: bytes
) -> None:
    """Digits, and one that counts itself and a TPDU: true, zero, and two more."""
    step, profile = Step(do="raw", at="here"), PACKAGERS[name].profile

    assert true == framed(profile, b"abcd", step)
    assert zero == framed(profile, b"abcd", replace(step, says=0))
    assert more == framed(profile, b"abcd", replace(step, length=2))


def test_length_that_no_header_can_say_is_refused() -> None:
    """The sentence says what can be."""
    with pytest.raises(ValueError, match="can be made to say"):
        framed(PROFILE, b"a", Step(do="raw", at="here", length=-9))
    with pytest.raises(ValueError, match="does not fit the length header"):
        framed(PROFILE, b"a", Step(do="raw", at="here", says=65536))


def test_garbage_comes_again_under_its_seed() -> None:
    """After the bytes given, framed where asked for."""
    step = Step(do="raw", at="here", octets=b"0200", garbage=8)

    def drawn(seed: int, *, is_framed: bool = False) -> bytes:
        chance = random.Random(seed)  # noqa: S311  no key is made of it
        return raw_octets(replace(step, framed=is_framed), PROFILE, chance)

    first, again, other = drawn(1), drawn(1), drawn(2)

    assert first == again != other
    assert (12, b"0200") == (len(first), first[:4])
    assert b"\x00\x0c" + first == drawn(1, is_framed=True)


def test_what_the_host_did_is_told_in_words() -> None:
    """Answers alike are told once; an end of the link, or that there was none."""
    refused = IsoMessage("0210", {11: "000123", 39: "30", 44: "DE048"})
    heard = [Heard(b"a", ANSWER, 0.001), Heard(b"a", ANSWER, 0.0025), Heard(b"b", refused, 0.003)]

    told = list(deeds(heard, Watched(1.0, "closed by the host", 0.004), PROFILE))

    assert [
        "answered 0210 00 (approved), 2 times, after 1.0 to 2.5 ms",
        "answered 0210 30 (format_error) naming DE048 after 3.0 ms",
        "has its link closed by the host after 4.0 ms",
    ] == told
    assert ["was silent for 300 ms", "kept the link"] == list(deeds([], Watched(0.3), PROFILE))
    assert [] == list(deeds(heard, None, PROFILE))


def test_answer_to_a_request_given_up_is_passed_over() -> None:
    """By DE11; one to a request that nobody made is not."""
    owed = Owed({"000123", "000124"})

    assert owed.is_late(Heard(b"a", ANSWER, 0.1), "000124")
    assert not owed.is_late(Heard(b"a", ANSWER, 0.1), "000124")
    assert not owed.is_late(Heard(b"x", None, 0.1), "000124")


def test_cases_of_other_dialects_are_known_by_tag() -> None:
    """What a dialect's bytes cannot say is not asked of its hosts."""
    tags = [beyond(PACKAGERS[name].profile) for name in NAMES]

    assert [set(), {"text-dialect", "text-digits", "two-byte-length"}] == tags[:2]
    assert {"text-dialect", "two-byte-length"} == tags[2]


def test_facts_of_a_target_go_by_role() -> None:
    """Card, PIN and KPJ of a role; empty for a role it does not have, None for no role."""
    target = Target({"approved": Role("9990090000000012", "1234", "12345678901")})

    names = ("card.approved", "pin.approved", "kpj.approved", "pin.bpu", "pin.rich")
    assert ["9990090000000012", "1234", "12345678901", "", None] == [*map(target.fact, names)]
    assert "9990" not in repr(target)
