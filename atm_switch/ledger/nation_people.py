"""People and accounts of the synthetic nation: who, how many KPJ, paid from when to when.

Plan: a person's draws depend on the seed and the person's number alone; months are counted
from January of the first year.  Every number is of its serial number, so that none comes
twice: the KPJ ascend with it, each drawn within a slot of its own, and the eight free
digits of the NIK go through a multiplication modulo 10^8 that has an inverse.  Neither is
ever one of the sample members', so that both may live in one ledger.
Limits: 40 million accounts.  The shares are of the order of what was published for 2023
(domain.md 1.10), the rest is assumed.  Names are put together from lists, NIKs are of a
province 99 there is none of.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from atm_switch.domain.accrual import MONTHS
from atm_switch.domain.member import MemberStatus, Segment
from atm_switch.ledger.nation_chance import Dice
from atm_switch.ledger.sample_members import SAMPLE_KPJ, SAMPLE_REGION

MEMBERS_MAX: Final = 40_000_000
CLAIM_DAY: Final = 20
"""After the latest pay day: whatever a month brings is there when a claim is paid."""
PAY_DAY_LAST: Final = 15
"""domain.md 2.4: by the 15th, next month for wages; the posting's month is what counts."""

_FIRST_KPJ: Final = 10**10
SLOT: Final = 2_250
_SPREAD: Final = 61_803_399
"""Odd and no multiple of five, so the multiplication modulo 10^8 has an inverse."""
_CAREER_MONTHS_TO_PARTIAL_CLAIM: Final = 10 * MONTHS

_SEGMENTS: Final = (
    (930, Segment.WAGE_EARNER),
    (40, Segment.SELF_EMPLOYED),
    (30, Segment.MIGRANT),
)
_KPJ_COUNTS: Final = ((72, 1), (19, 2), (6, 3), (3, 4))
_WOMEN: Final = (
    "SITI", "DEWI", "RATNA", "AYU", "INDAH", "LESTARI", "FITRI", "NURUL", "YULIANA", "RINI",
    "WULAN", "MEGA", "TRI", "ENDANG", "SRI", "KARTIKA", "NOVITA", "PUTRI", "MARIA", "ANISA",
)  # fmt: skip
_MEN: Final = (
    "BUDI", "AGUS", "JOKO", "HENDRA", "DWI", "EKO", "RUDI", "ANDI", "BAMBANG", "SLAMET",
    "WAHYU", "ARIF", "DEDI", "FAJAR", "GUNAWAN", "IWAN", "MADE", "YOHANES", "TEGUH", "RIZKI",
)  # fmt: skip
_LAST: Final = (
    "SANTOSO", "WIBOWO", "SAPUTRA", "PRATAMA", "HIDAYAT", "KUSUMA", "SETIAWAN", "NUGROHO",
    "RAHAYU", "WIJAYA", "SIREGAR", "NASUTION", "SIMANJUNTAK", "LUBIS", "HARAHAP", "SUTRISNO",
    "PERMATA", "MAULANA", "SURYANI", "ANGGRAINI", "HANDAYANI", "PUSPITA", "MULYADI", "KURNIAWAN",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """The time a nation covers: ``years`` calendar years, the last being that of ``until``.

    Of these the newest ``monthly_years`` are booked month by month.
    """

    years: int
    until: date
    monthly_years: int

    @property
    def first_year(self) -> int:
        """The first calendar year."""
        return self.until.year - self.years + 1

    @property
    def months(self) -> int:
        """Months from January of the first year up to and including that of ``until``."""
        return MONTHS * (self.years - 1) + self.until.month

    def is_past(self, month: int, day: int) -> bool:
        """Tell whether ``day`` of ``month`` (0: the first January) is ``until`` or earlier."""
        return (month, day) <= (self.months - 1, self.until.day)


@dataclass(frozen=True, slots=True)
class PartialClaim:
    """What PP 46/2015 art. 22 allows once, after ten years: 10 or 30 percent."""

    month: int
    percent: int


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """One KPJ: paid from month ``start`` to before month ``end``, claimed whole or never."""

    segment: Segment
    status: MemberStatus
    start: int
    end: int
    pay_day: int
    income: int
    """Monthly, in rupiah: a wage, a declared income, or what a migrant chose to pay."""
    growth_permille: int
    partial: PartialClaim | None
    claimed: int | None
    """The month all of it was claimed."""


@dataclass(frozen=True, slots=True)
class Person:
    """An invented person and the accounts, oldest first."""

    nik: str = field(repr=False)
    name: str = field(repr=False)
    born: date = field(repr=False)
    accounts: tuple[AccountPlan, ...]


def kpj_of(seed: int, serial: int) -> str:
    """Return the KPJ of an account by its number; ascending, and none comes twice."""
    first = _FIRST_KPJ + serial * SLOT
    place = Dice(seed, "kpj", serial).below(SLOT)
    while not _is_free(digits := str(first + place)):
        place = (place + 1) % SLOT
    return digits


def _is_free(digits: str) -> bool:
    """Tell whether these digits are a KPJ, and no sample member's."""
    return len(set(digits)) > 1 and digits not in SAMPLE_KPJ


def person_of(seed: int, number: int, span: Span) -> Person:
    """Invent the person of a number, the same for the same arguments."""
    dice = Dice(seed, "person", number)
    accounts = tuple(_accounts(dice, span))
    is_woman = dice.happens(48)
    youngest = span.first_year + accounts[0].start // MONTHS - 18
    born = date(youngest - dice.below(22), dice.between(1, MONTHS), dice.between(1, 28))
    return Person(_nik(number, born, is_woman=is_woman), _name(dice, is_woman), born, accounts)


def _nik(number: int, born: date, *, is_woman: bool) -> str:
    free = _free_digits(number)
    day = born.day + 40 * is_woman
    return f"99{free[:4]}{day:02d}{born:%m%y}{free[4:]}"


def _free_digits(number: int) -> str:
    """Spread the number; who comes into the sample's region takes one that nobody has."""
    free = f"{number * _SPREAD % 10**8:08d}"
    if f"99{free[:4]}" == SAMPLE_REGION:
        return f"{(number + MEMBERS_MAX) * _SPREAD % 10**8:08d}"  # differs in its first digit
    return free


def _name(dice: Dice, is_woman: bool) -> str:  # noqa: FBT001 - a drawn fact, not a switch
    words = [dice.one_of(_WOMEN if is_woman else _MEN), dice.one_of(_LAST)]
    if dice.happens(30):
        words.insert(1, dice.one_of(_LAST))
    return " ".join(dict.fromkeys(words))


def _accounts(dice: Dice, span: Span) -> Iterator[AccountPlan]:
    """Cut a career into employments, each with a KPJ of its own and gaps between."""
    count = dice.weighed(_KPJ_COUNTS)
    start = 0 if dice.happens(40) else dice.below(span.months)
    for left in range(count, 0, -1):
        rest = span.months - start
        if left == 1 or rest <= 2 * left:
            yield _last_account(dice, span, start)
            return
        end = start + max(1, rest // left * dice.between(50, 100) // 100)
        yield _account(dice, span, start, end)
        start = min(end + dice.below(19), span.months - 1)


def _last_account(dice: Dice, span: Span, start: int) -> AccountPlan:
    if dice.happens(72) or span.months - start < 2:
        return _account(dice, span, start, span.months)
    return _account(dice, span, start, dice.between(start + 1, span.months - 1))


def _account(dice: Dice, span: Span, start: int, end: int) -> AccountPlan:
    segment = dice.weighed(_SEGMENTS)
    claimed = _claimed(dice, span, end)
    status = MemberStatus.ACTIVE if end == span.months else MemberStatus.INACTIVE
    income, growth = _income(dice, segment)
    return AccountPlan(
        segment=segment,
        status=status if claimed is None else MemberStatus.CLAIMED_OUT,
        start=start,
        end=end,
        pay_day=dice.between(1, PAY_DAY_LAST),
        income=income,
        growth_permille=growth,
        partial=_partial(dice, span, start, end),
        claimed=claimed,
    )


def _claimed(dice: Dice, span: Span, end: int) -> int | None:
    """Claimed whole a month or more after the end of work (domain.md 2.9), or not."""
    if end == span.months or not dice.happens(30):
        return None
    month = end + dice.between(1, 12)
    return month if span.is_past(month, CLAIM_DAY) else None


def _partial(dice: Dice, span: Span, start: int, end: int) -> PartialClaim | None:
    earliest = start + _CAREER_MONTHS_TO_PARTIAL_CLAIM
    if earliest >= end or not dice.happens(8):
        return None
    month, percent = dice.between(earliest, end - 1), dice.one_of((10, 30))
    return PartialClaim(month, percent) if span.is_past(month, CLAIM_DAY) else None


def _income(dice: Dice, segment: Segment) -> tuple[int, int]:
    """Return monthly rupiah, in thousands of them, and the yearly growth in 1/1000."""
    if segment is Segment.MIGRANT:
        return 50_000 * dice.between(1, 12), 0
    if segment is Segment.SELF_EMPLOYED:
        return 100_000 * dice.between(10, 60), dice.between(0, 40)
    wage = 1_500_000 + 50_000 * min(dice.below(90), dice.below(140))
    return wage * dice.one_of((1, 1, 1, 1, 1, 2, 4)), dice.between(25, 90)
