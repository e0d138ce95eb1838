"""DE48 and DE54 carry every amount there and back, and never another sum."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from atm_switch.domain.identifiers import Kpj, Nik
from atm_switch.domain.money import Money
from atm_switch.messages.amounts import AMOUNT_MAX, AdditionalAmount, read_amounts, write_amounts
from atm_switch.messages.inquiry_data import (
    BalanceData,
    InquiryData,
    Lookup,
    read_balance_data,
    read_inquiry_data,
    write_balance_data,
    write_inquiry_data,
)
from atm_switch.profile.load import load_profile

PROFILE = load_profile("bpjstk-jht-v1")
RULES = PROFILE.inquiry
ENTRIES = st.builds(
    AdditionalAmount,
    st.from_regex(r"[0-9]{2}", fullmatch=True),
    st.from_regex(r"[0-9]{2}", fullmatch=True),
    st.from_regex(r"[0-9]{3}", fullmatch=True),
    st.integers(-AMOUNT_MAX, AMOUNT_MAX),
)
AMOUNTS = st.integers(0, 10**13)
DAYS = st.dates(date(1977, 1, 1), date(2100, 12, 31))
TEXTS = st.text("ABCXYZ *", max_size=30).map(str.rstrip)


@st.composite
def balances(draw: st.DrawFn) -> BalanceData:
    """Any balance that DE48 can show."""
    opening, contributions, development = (draw(AMOUNTS) for _ in range(3))
    claims = draw(st.integers(0, min(10**13, opening + contributions + development)))
    return BalanceData(
        kpj=draw(st.sampled_from(["12345678901", "*******8901"])),
        name=draw(TEXTS),
        segment=draw(st.sampled_from(sorted(PROFILE.segments))),
        status=draw(st.sampled_from("ANK")),
        as_of=draw(DAYS),
        opening=Money(opening),
        contributions=Money(contributions),
        development=Money(development),
        claims=Money(claims),
        closing=Money(opening + contributions + development - claims),
        rate_millipercent=draw(st.integers(0, 99_999)),
        is_estimate=draw(st.booleans()),
        kpj_count=draw(st.integers(0, 99)),
        last_contribution=draw(st.none() | DAYS.map(lambda day: day.replace(day=1))),
        host_reference=draw(st.from_regex(r"[A-Z0-9]{12}", fullmatch=True)),
    )


@st.composite
def inquiries(draw: st.DrawFn) -> InquiryData:
    """Any DE48 a terminal may ask with."""
    lookup = draw(st.sampled_from(Lookup))
    number = draw(st.integers(10**10, 10**11 - 1).filter(lambda n: len(set(str(n))) > 1))
    return InquiryData(
        lookup=lookup,
        language=draw(st.sampled_from(RULES.languages)),
        kpj_index=0 if lookup is Lookup.KPJ else draw(st.integers(0, 99)),
        receipt_width=draw(st.sampled_from((0, *RULES.receipt_widths))),
        kpj=Kpj(str(number)) if lookup is Lookup.KPJ else None,
        nik=Nik(f"{number:016d}") if lookup is Lookup.NIK else None,
    )


@given(st.lists(ENTRIES, min_size=1, max_size=6).map(tuple))
def test_additional_amounts_come_back_as_sent(entries: tuple[AdditionalAmount, ...]) -> None:
    """
    Six entries fill DE54; each keeps its sign and its kind, and takes twenty characters.
    """
    text = write_amounts(entries)

    assert 20 * len(entries) == len(text)
    assert entries == read_amounts(text)


@given(balances())
def test_balance_comes_back_as_sent(balance: BalanceData) -> None:
    """
    153 characters hold the whole of it, to the sen.
    """
    text = write_balance_data(balance, PROFILE)

    assert 153 == len(text)
    assert balance == read_balance_data(text, PROFILE)


@given(balances(), st.integers(57, 126), st.sampled_from("0123456789"))
def test_balance_changed_by_a_digit_is_noticed(balance: BalanceData, at: int, digit: str) -> None:
    """
    No single digit of the five amounts can change on the way unseen.
    """
    text = write_balance_data(balance, PROFILE)
    changed = text[:at] + digit + text[at + 1 :]

    try:
        unchanged = read_balance_data(changed, PROFILE) == balance
    except ValueError:
        unchanged = False

    assert (changed == text) is unchanged


@given(inquiries())
def test_inquiry_comes_back_as_sent(inquiry: InquiryData) -> None:
    """
    Forty characters say by what, in which language, which account and which slip.
    """
    text = write_inquiry_data(inquiry, PROFILE)

    assert 40 == len(text)
    assert inquiry == read_inquiry_data(text, PROFILE)


@given(st.text("0123456789JHTBALIDEN ", min_size=40, max_size=40))
def test_inquiry_data_is_refused_or_canonical(text: str) -> None:
    """
    What is read is written the same; all else raises ``ValueError`` and nothing else.
    """
    try:
        data = read_inquiry_data(text, PROFILE)
    except ValueError:
        return

    assert text == write_inquiry_data(data, PROFILE)
