"""DE48 of the balance inquiry, both directions, as the profile lays it out.

The request says whose balance is wanted and how to show it; nothing in it is peculiar to
an ATM.  Emulator and switch read and write it through here.
"""

from datetime import date
from enum import Enum, unique
from functools import lru_cache
from typing import NamedTuple

from atm_switch.domain.identifiers import Kpj, Nik
from atm_switch.domain.money import SEN_PER_RUPIAH, Money, divide_half_up
from atm_switch.domain.value import value
from atm_switch.messages.layout import LayoutForm, read_layout, write_layout
from atm_switch.profile.model import Profile

NO_KPJ = "0" * 11
NO_NIK = "0" * 16
NO_MONTH = "0" * 6
TEXTS_KEPT = 64
FORMS_KEPT = 1024
"""Forms of DE48 at hand: one for all members of a standing on a day."""
_NOBODYS = f"{NO_KPJ}0{NO_NIK}"
"""No KPJ, a look-up by card, no NIK; what is left of such a text has no room for more."""


@unique
class Lookup(Enum):
    """How the member is named; the value is the profile's word."""

    CARD = "card"
    KPJ = "kpj"
    NIK = "nik"


_LOOKUP_DIGITS = {"0": Lookup.CARD, "1": Lookup.KPJ, "2": Lookup.NIK}


@value
class InquiryData:
    """DE48 of a request.

    ``kpj`` is set for a look-up by KPJ, ``nik`` for one by NIK (``None`` where nobody's can
    have those digits); ``kpj_index`` 0 is the card's own KPJ; ``receipt_width`` 0 asks for no
    receipt.
    """

    lookup: Lookup
    language: str
    kpj_index: int = 0
    receipt_width: int = 40
    kpj: Kpj | None = None
    nik: Nik | None = None


def read_inquiry_data(text: str, profile: Profile) -> InquiryData:
    """Read DE48 of a request.  Raises ``ValueError`` naming the place at fault.

    Members who ask by their cards send one of a few texts, which are read once; a text with
    somebody's number in it is not kept.
    """
    return (_read_and_kept if _NOBODYS in text else _read)(text, profile)


def _read(text: str, profile: Profile) -> InquiryData:
    values = read_layout(profile.layouts["inquiry_request"], text)
    rules = profile.inquiry
    _demand(values["product"] == rules.product, "product is not the profile's")
    _demand(values["language"] in rules.languages, "language is not the profile's")
    _demand(values["lookup"] in _LOOKUP_DIGITS, "lookup is not 0, 1 or 2")
    width = int(values["receipt_width"])
    _demand(width == 0 or width in rules.receipt_widths, "receipt width is not the profile's")
    lookup = _LOOKUP_DIGITS[values["lookup"]]
    by_kpj, by_nik = lookup is Lookup.KPJ, lookup is Lookup.NIK
    _demand(by_kpj or values["kpj"] == NO_KPJ, "kpj without a look-up by KPJ")
    _demand(by_nik or values["nik"] == NO_NIK, "nik without a look-up by NIK")
    _demand(not by_kpj or int(values["kpj_index"]) == 0, "both kpj and kpj_index")
    return InquiryData(
        lookup=lookup,
        language=values["language"],
        kpj_index=int(values["kpj_index"]),
        receipt_width=width,
        kpj=_kpj_of(values["kpj"]) if by_kpj else None,
        nik=_nik_of(values["nik"]) if by_nik else None,
    )


_read_and_kept = lru_cache(TEXTS_KEPT)(_read)


def _kpj_of(digits: str) -> Kpj | None:
    _demand(digits != NO_KPJ, "look-up by KPJ without a KPJ")
    try:
        return Kpj(digits)
    except ValueError:
        return None  # nobody's: unknown, like any other that is not the card owner's


def _nik_of(digits: str) -> Nik | None:
    _demand(digits != NO_NIK, "look-up by NIK without a NIK")
    try:
        return Nik(digits)
    except ValueError:
        return None


def write_inquiry_data(data: InquiryData, profile: Profile) -> str:
    """Write DE48 of a request."""
    digit = next(digit for digit, lookup in _LOOKUP_DIGITS.items() if lookup is data.lookup)
    values = {
        "product": profile.inquiry.product,
        "kpj": data.kpj.digits if data.kpj else NO_KPJ,
        "lookup": digit,
        "nik": data.nik.digits if data.nik else NO_NIK,
        "language": data.language,
        "kpj_index": str(data.kpj_index),
        "receipt_width": str(data.receipt_width),
    }
    return write_layout(profile.layouts["inquiry_request"], values)


def _demand(holds: bool, otherwise: str) -> None:  # noqa: FBT001  reads as a sentence
    if not holds:
        raise ValueError(otherwise)


class BalanceData(NamedTuple):
    """DE48 of an approved response.  ``kpj`` and ``name`` are texts as they may be shown.

    Amounts are never negative here; ``closing`` is their sum.
    Why no dataclass: a frozen one of so many fields takes three times as long to make.
    """

    kpj: str
    name: str
    segment: str
    status: str
    as_of: date
    opening: Money
    contributions: Money
    development: Money
    claims: Money
    closing: Money
    rate_millipercent: int
    is_estimate: bool
    kpj_count: int
    last_contribution: date | None
    host_reference: str


_AMOUNTS = ("opening", "contributions", "development", "claims", "closing")
_OWN_TEXTS = ("kpj", "name", "last_contribution", "host_reference")
"""The places of DE48 that are the member's own, as the amounts are; the rest many share."""


def minor_units(amount: Money, exponent: int) -> int:
    """Count an amount in the profile's minor unit: sen at exponent 2, rupiah at 0."""
    return amount.sen if exponent == 2 else divide_half_up(amount.sen, SEN_PER_RUPIAH)


def write_balance_data(data: BalanceData, profile: Profile) -> str:
    """Write DE48 of a response.  Raises ``ValueError`` for an amount that cannot be shown.

    In whole rupiah each amount is rounded by itself and the closing balance is their sum.
    """
    exponent = profile.inquiry.amount_exponent
    if exponent == 2:  # without a call for each
        opening, contributions = data.opening.sen, data.contributions.sen
        development, claims = data.development.sen, data.claims.sen
    else:
        opening = minor_units(data.opening, exponent)
        contributions = minor_units(data.contributions, exponent)
        development = minor_units(data.development, exponent)
        claims = minor_units(data.claims, exponent)
    closing = opening + contributions + development - claims
    form = _form_of(
        profile, data.segment, data.status, data.as_of, data.rate_millipercent, data.is_estimate,
        data.kpj_count,
    )  # fmt: skip
    own = (
        data.kpj, data.name, _month_of(data.last_contribution), data.host_reference,
        opening, contributions, development, claims, closing,
    )  # fmt: skip
    return form.filled(own)


@lru_cache(TEXTS_KEPT)
def _month_of(last: date | None) -> str:
    return f"{last.year:04d}{last.month:02d}" if last else NO_MONTH


@lru_cache(FORMS_KEPT)
def _form_of(
    profile: Profile, segment: str, status: str, as_of: date, rate: int,
    is_estimate: bool, kpj_count: int,  # noqa: FBT001
) -> LayoutForm:  # fmt: skip
    shared = {
        "product": profile.inquiry.product,
        "segment": profile.segments[segment],
        "status": status,
        "as_of": as_of.isoformat().replace("-", ""),
        "rate": str(rate),
        "estimate": "E" if is_estimate else "F",
        "kpj_count": str(kpj_count),
    }
    return LayoutForm(profile.layouts["inquiry_response"], shared, _OWN_TEXTS, _AMOUNTS)


def read_balance_data(text: str, profile: Profile) -> BalanceData:
    """Read DE48 of a response.  Raises ``ValueError`` also where the sum does not hold."""
    values = read_layout(profile.layouts["inquiry_response"], text)
    sen = 1 if profile.inquiry.amount_exponent == 2 else SEN_PER_RUPIAH
    amounts = {name: Money(int(values[name]) * sen) for name in _AMOUNTS}
    whole = amounts["opening"] + amounts["contributions"] + amounts["development"]
    _demand(whole - amounts["claims"] == amounts["closing"], "the closing balance is not the sum")
    segment = next((k for k, v in profile.segments.items() if v == values["segment"]), "")
    _demand(bool(segment), "segment is not the profile's")
    _demand(values["estimate"] in ("E", "F"), "estimate is not E or F")
    month = values["last_contribution"]
    return BalanceData(
        kpj=values["kpj"],
        name=values["name"],
        segment=segment,
        status=values["status"],
        as_of=_day(values["as_of"]),
        **amounts,
        rate_millipercent=int(values["rate"]),
        is_estimate=values["estimate"] == "E",
        kpj_count=int(values["kpj_count"]),
        last_contribution=None if month == NO_MONTH else _day(month + "01"),
        host_reference=values["host_reference"],
    )


def _day(text: str) -> date:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        message = "a date is no day of the calendar"
        raise ValueError(message) from None
