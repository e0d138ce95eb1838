"""Properties of slip, screen and responses: they fit, they add up, they tell no secret."""

from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.instant import Zone
from atm_switch.domain.member import MemberStatus, Participant, Segment
from atm_switch.domain.money import Money
from atm_switch.domain.statement import Statement
from atm_switch.messages.text_block import read_text_block
from atm_switch.profile.load import load_profile
from atm_switch.switch.slip import Balance, Place, error_screen, percent, printable, receipt, screen
from tests.doubles.bench import GOLDEN_INSTANT
from tests.doubles.inquiries import signed_on

PROFILE = load_profile("bpjstk-jht-v1")
AMOUNTS = st.integers(0, 10**13).map(Money)
PEOPLE = st.builds(
    Participant,
    kpj=st.integers(10**10, 10**11 - 1).map(str).filter(lambda n: len(set(n)) > 1).map(Kpj),
    person=st.just("p1"),
    name=st.text(min_size=1, max_size=80),
    segment=st.sampled_from(Segment),
    status=st.sampled_from(MemberStatus),
    kpj_count=st.integers(1, 150),
)
STATEMENTS = st.builds(
    Statement,
    as_of=st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    opening=AMOUNTS,
    contributions=AMOUNTS,
    development=AMOUNTS,
    claims=AMOUNTS,
    rate_millipercent=st.integers(0, 99_999),
    is_estimate=st.booleans(),
    last_contribution=st.none(),
)
BALANCES = st.builds(Balance, PEOPLE, STATEMENTS)
PLACES = st.builds(
    Place,
    bank=st.text(max_size=60),
    terminal=st.from_regex(r"[!-~][ -~]{7}", fullmatch=True),
    zone=st.sampled_from(Zone),
    at=st.just(GOLDEN_INSTANT),
    rrn=st.from_regex(r"[0-9A-Z]{12}", fullmatch=True),
    stan=st.from_regex(r"[0-9]{6}", fullmatch=True),
    pan_masked=st.just("999009******0012"),
)
WORDS = st.sampled_from(sorted(PROFILE.texts)).map(PROFILE.texts.__getitem__)
WIDTHS = st.sampled_from(PROFILE.inquiry.receipt_widths)
OPTIONAL = {
    14: st.just("3012"),
    15: st.just("0701"),
    23: st.from_regex(r"[0-9]{3}", fullmatch=True),
    25: st.from_regex(r"[0-9]{2}", fullmatch=True),
    26: st.from_regex(r"[0-9]{2}", fullmatch=True),
    33: st.from_regex(r"[0-9]{1,11}", fullmatch=True),
    35: st.just("9990090000000012=30122211234567890"),
    43: st.from_regex(r"[ -~]{40}", fullmatch=True),
    45: st.just("B9990090000000012"),
    53: st.from_regex(r"[0-9]{16}", fullmatch=True),
    55: st.from_regex(r"[ -~]{1,255}", fullmatch=True),
    60: st.from_regex(r"[ -~]{1,99}", fullmatch=True),
    102: st.from_regex(r"[0-9]{1,28}", fullmatch=True),
}
ALLOWED = PROFILE.messages["inquiry"].echo | PROFILE.messages["inquiry"].response


@given(BALANCES, PLACES, WORDS, WIDTHS)
def test_every_slip_fits_its_element(
    balance: Balance, place: Place, words: Any, width: int
) -> None:
    """
    For any member, bank, amount and width the slip is printable, no line is too wide, it
    fits DE63, reads back as written, and hides card, KPJ and name.
    """
    block = receipt(balance, place, words, width)
    text = block.text()

    assert len(text) <= 999
    assert text.isascii()
    assert text.isprintable()
    assert all(len(line) <= width for line in block.lines)
    assert [line.ljust(width) for line in block.lines] == list(read_text_block(text).lines)
    assert balance.participant.kpj.digits not in text


@given(BALANCES, PLACES, WORDS, WIDTHS)
def test_every_slip_shows_each_amount(
    balance: Balance, place: Place, words: Any, width: int
) -> None:
    """
    Every amount and the closing that is their sum stands whole at the end of a line.
    """
    said = balance.statement

    lines = receipt(balance, place, words, width).lines

    for amount in (said.opening, said.contributions, said.development, said.claims, said.closing):
        assert any(line.endswith(f" {amount.indonesian()}") for line in lines)
    total = said.opening.sen + said.contributions.sen + said.development.sen - said.claims.sen
    assert total == said.closing.sen


@given(BALANCES, WORDS)
def test_every_screen_fits_its_element(balance: Balance, words: Any) -> None:
    """
    The screen fits DE62 in forty columns whatever it shows.
    """
    text = screen(balance, words, 40).text()

    assert len(text) <= 999
    assert text.isascii()
    assert balance.participant.kpj.digits not in text


@given(st.text(max_size=900).filter(lambda text: len(text.split()) < 20))
def test_every_sentence_fits_an_error_screen(text: str) -> None:
    """
    A sentence of up to twenty words becomes lines of at most forty printable characters.
    """
    block = error_screen(text, 40)

    assert all(len(line) <= 40 for line in block.lines)
    assert block.text().isascii()


@given(st.text())
def test_printable_is_printable_ascii(text: str) -> None:
    """
    Any text comes out as what class ``ans`` allows, and coming out twice changes nothing.
    """
    plain = printable(text)

    assert all(" " <= character <= "~" for character in plain)
    assert plain == printable(plain)


@given(st.integers(0, 100_000))
def test_rate_reads_back_as_written(rate: int) -> None:
    """
    No thousandth of a percent is lost in writing a rate.
    """
    whole, decimals = percent(rate).split(",")

    assert rate == int(whole) * 1000 + int(decimals.ljust(3, "0"))
    assert len(decimals) in (2, 3)


@given(st.fixed_dictionaries({}, optional=OPTIONAL), st.booleans())
def test_responses_hold_allowed_elements_only(extra: dict[int, str], is_right: bool) -> None:  # noqa: FBT001
    """
    Whatever optional or stray elements a request has, rightly or wrongly filled, its
    response holds elements of the profile's lists only, each echo as it was sent, and
    never a track or security data.
    """
    bench = signed_on()
    changes: dict[int, str | None] = {15: None, 25: None, 43: None, **extra}
    if not is_right:
        changes[52] = "0123456789ABCDEF"
    request = bench.inquiry(changes)

    response = bench.ask(request)

    assert set(response.elements) <= ALLOWED | {70}
    assert not {35, 45, 52, 53, 55} & response.elements.keys()
    for number in response.elements.keys() & PROFILE.messages["inquiry"].echo:
        assert request[number] == response[number]
    assert {7, 11, 37, 39, 41} <= response.elements.keys()
