"""Claims about DE48 of the inquiry, both directions."""

from dataclasses import replace
from datetime import date

import pytest

from atm_switch.domain.identifiers import Kpj, Nik
from atm_switch.domain.money import Money
from atm_switch.messages.inquiry_data import (
    NO_KPJ,
    BalanceData,
    InquiryData,
    Lookup,
    _form_of,
    minor_units,
    read_balance_data,
    read_inquiry_data,
    write_balance_data,
    write_inquiry_data,
)
from atm_switch.profile.judge import contradictions
from atm_switch.profile.load import load_profile

PROFILE = load_profile("bpjstk-jht-v1")
GOLDEN_REQUEST = "JHTBAL0000000000000000000000000000ID0040"
BALANCE = BalanceData(
    kpj="12345678901", name="BU** SAN****", segment="PU", status="A", as_of=date(2025, 6, 30),
    opening=Money(1_940_947_047), contributions=Money(171_000_000), development=Money(51_017_426),
    claims=Money(0), closing=Money(2_162_964_473), rate_millipercent=5000, is_estimate=True,
    kpj_count=1, last_contribution=date(2025, 6, 1), host_reference="J25181000123",
)  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        InquiryData(Lookup.CARD, "ID"),
        InquiryData(Lookup.CARD, "EN", kpj_index=3, receipt_width=0),
        InquiryData(Lookup.KPJ, "ID", kpj=Kpj("12345678901"), receipt_width=32),
        InquiryData(Lookup.NIK, "EN", nik=Nik("3523418097870002")),
    ],
)
def test_request_is_read_as_written(data: InquiryData) -> None:
    """Forty characters, round trip."""
    text = write_inquiry_data(data, PROFILE)

    assert 40 == len(text)
    assert data == read_inquiry_data(text, PROFILE)


def test_golden_request_is_a_look_up_by_card() -> None:
    """The forty characters of the design page."""
    assert GOLDEN_REQUEST == write_inquiry_data(InquiryData(Lookup.CARD, "ID"), PROFILE)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("JHTXXX0000000000000000000000000000ID0040", "product"),
        ("JHTBAL0000000000000000000000000000FR0040", "language"),
        ("JHTBAL0000000000030000000000000000ID0040", "lookup"),
        ("JHTBAL0000000000000000000000000000ID0041", "width"),
        ("JHTBAL1234567890100000000000000000ID0040", "kpj without"),
        ("JHTBAL0000000000000000000000000001ID0040", "nik without"),
        ("JHTBAL1234567890110000000000000000ID0140", "both"),
        ("JHTBAL0000000000010000000000000000ID0040", "KPJ"),
        ("JHTBAL0000000000020000000000000000ID0040", "without a NIK"),
        ("JHTBAL", "6 characters"),
    ],
)
def test_request_that_contradicts_itself_is_refused(text: str, place: str) -> None:
    """Each place is judged and named."""
    with pytest.raises(ValueError, match=place):
        read_inquiry_data(text, PROFILE)


def test_only_texts_without_anybodys_number_are_kept() -> None:
    """A look-up by card is read once for all; a KPJ or NIK is forgotten with its request."""
    profile = load_profile("bpjstk-jht-v1")
    texts = [
        write_inquiry_data(data, profile)
        for data in (
            InquiryData(Lookup.KPJ, "ID", kpj=Kpj("12345678901")),
            InquiryData(Lookup.NIK, "ID", nik=Nik("3523418097870002")),
            InquiryData(Lookup.CARD, "ID"),
        )
    ]

    read = [[read_inquiry_data(text, profile) for _ in range(2)] for text in texts]

    assert [False, False, True] == [one is other for one, other in read]
    assert all(one == other for one, other in read)


@pytest.mark.parametrize("digits", ["1" * 16, "9" * 16])
def test_look_up_by_a_nik_of_equal_digits_is_for_nobody(digits: str) -> None:
    """Such digits are well formed and nobody's, as those of a KPJ are."""
    data = read_inquiry_data(f"JHTBAL{NO_KPJ}2{digits}ID0040", PROFILE)

    assert (Lookup.NIK, None) == (data.lookup, data.nik)


def test_response_is_read_as_written() -> None:
    """153 characters, round trip."""
    text = write_balance_data(BALANCE, PROFILE)

    assert 153 == len(text)
    assert BALANCE == read_balance_data(text, PROFILE)


TEXTS = ("kpj", "host_reference", "last_contribution")


@pytest.mark.parametrize(
    ("name", "content"),
    [*((name, "n") for name in (*TEXTS, "opening")), *((name, "ans") for name in TEXTS)],
)
def test_response_is_written_in_the_class_of_the_profile(name: str, content: str) -> None:
    """A profile may have digits in a place of text; in that of an amount it has digits alone."""
    layout = PROFILE.layouts["inquiry_response"]
    own = tuple(replace(one, content=content) if one.name == name else one for one in layout)
    profile = replace(PROFILE, layouts={**PROFILE.layouts, "inquiry_response": own})
    data = BALANCE._replace(host_reference="518100000123")

    assert [] == [fault for fault in contradictions(profile) if "layouts" in fault]
    assert data == read_balance_data(write_balance_data(data, profile), profile)


def test_members_of_many_months_share_a_form() -> None:
    """The month last paid for is a member's own: a form for each would not be kept for long."""
    _form_of.cache_clear()
    for year in range(1990, 2025):
        write_balance_data(BALANCE._replace(last_contribution=date(year, 3, 1)), PROFILE)

    assert 1 == _form_of.cache_info().currsize


def test_account_without_contribution_has_no_month() -> None:
    """Zeros stand for never."""
    data = BALANCE._replace(last_contribution=None)

    assert data == read_balance_data(write_balance_data(data, PROFILE), PROFILE)


def test_response_whose_sum_is_wrong_is_refused() -> None:
    """Opening plus contributions plus development less claims is closing, always."""
    text = write_balance_data(BALANCE, PROFILE).replace("00002162964473", "00002162964474")

    with pytest.raises(ValueError, match="not the sum"):
        read_balance_data(text, PROFILE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("20250630", "20250631"),
        ("1A2025", "9A2025"),
        ("05000E", "05000X"),
        ("01202506", "01202513"),
        ("01202506", "01000001"),
    ],
)
def test_response_with_an_impossible_place_is_refused(old: str, new: str) -> None:
    """31 June, month 13, the year 0, a segment nobody has, neither estimate nor final."""
    with pytest.raises(ValueError, match=r"date|segment|estimate"):
        read_balance_data(write_balance_data(BALANCE, PROFILE).replace(old, new), PROFILE)


def test_whole_rupiah_still_add_up() -> None:
    """At exponent 0 each amount is rounded and the closing is their sum."""
    profile = replace(PROFILE, inquiry=replace(PROFILE.inquiry, amount_exponent=0))

    data = read_balance_data(write_balance_data(BALANCE, profile), profile)

    assert Money(1_940_947_000) == data.opening
    assert data.opening + data.contributions + data.development - data.claims == data.closing
    assert 19_409_470 == minor_units(BALANCE.opening, 0)


def test_negative_amount_has_no_place() -> None:
    """DE48 has no sign: such a statement is not written."""
    with pytest.raises(ValueError, match="claims"):
        write_balance_data(BALANCE._replace(claims=Money(-1)), PROFILE)
