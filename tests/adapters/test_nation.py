"""The synthetic nation: the same bytes again, no bad row, books that agree with the rules."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atm_switch.domain.accrual import Accrual, YearBase, estimate_development
from atm_switch.domain.errors import Refused
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.member import MemberStatus
from atm_switch.domain.money import ZERO, Money
from atm_switch.domain.statement import draw_up
from atm_switch.ledger.closing import ClosingTerms, close_year
from atm_switch.ledger.contribution_file import shipped_contributions
from atm_switch.ledger.nation_chance import Dice
from atm_switch.ledger.nation_files import NationWishes, write_nation
from atm_switch.ledger.nation_history import history, times_of
from atm_switch.ledger.nation_people import Span, kpj_of, person_of
from atm_switch.ledger.opening import open_store
from atm_switch.ledger.rates_file import read_rates
from atm_switch.ledger.reconcile import reconcile
from tests.doubles.ledger_bench import LedgerBench

RATES = read_rates()
UNTIL = date(2025, 6, 30)
WISHES = NationWishes(400, Span(20, UNTIL, 20), seed=7, has_cards=True)
DIGESTS = ["c228a2f541b2109e", "18b9b0d5b93a7a13", "1fe4afa585377ca9"]
NAMES = ("participants.csv", "postings.csv", "cards.csv")

spans = st.builds(
    lambda years, until, monthly: Span(years, until, min(years, monthly)),
    st.integers(1, 30),
    st.dates(date(2012, 1, 1), date(2027, 12, 31)),
    st.integers(1, 30),
)


def quiet(_done: int, _rows: int) -> None:
    """Hear of progress and say nothing."""


def noon(day: date) -> datetime:
    """Return a moment of a day in Jakarta."""
    return datetime(day.year, day.month, day.day, 5, tzinfo=UTC)


def written(folder: Path, wishes: NationWishes = WISHES) -> dict[str, list[list[str]]]:
    """Write a nation and read its rows back, the headers left off."""
    write_nation(folder, wishes, RATES, quiet)
    rows = {}
    for path in folder.glob("*.csv"):
        with path.open(newline="") as file:
            rows[path.name] = list(csv.reader(file))[1:]
    return rows


def by_account(rows: list[list[str]]) -> dict[str, list[tuple[date, str, int]]]:
    """Sort postings by account: day, kind, signed sen."""
    found: dict[str, list[tuple[date, str, int]]] = defaultdict(list)
    for kpj, day, kind, amount in rows:
        sen = Money.from_rupiah(amount).sen
        found[kpj].append((date.fromisoformat(day), kind, -sen if kind == "claim" else sen))
    return found


def years_of(postings: list[tuple[date, str, int]], until: int) -> Iterator[tuple[int, YearBase]]:
    """Yield each past year with what earns in it."""
    opening = ZERO
    for year in range(postings[0][0].year, until):
        moved = [p for p in postings if p[0].year == year]
        earning = tuple((day, Money(sen)) for day, kind, sen in moved if kind != "development")
        yield year, YearBase(opening, earning)
        opening += Money(sum(sen for _, _, sen in moved))


def _lines(span: Span, seed: int, members: int) -> Iterator[str]:
    times = times_of(span, RATES, shipped_contributions())
    serial = 0
    for number in range(members):
        for plan in person_of(seed, number, span).accounts:
            yield from history(kpj_of(seed, serial), plan, times, Dice(seed, "history", serial))
            serial += 1


def _is_payout(
    movement: tuple[date, Money], booked: list[tuple[date, str, int]], day: date
) -> bool:
    """Tell whether a movement is the claim of everything, paid out with its development."""
    is_early = bool(booked) and day < date(day.year, 12, 31)
    return is_early and movement[0] == day and movement[1] < ZERO


def test_same_wishes_write_same_bytes(tmp_path: Path) -> None:
    """
    The bytes depend on the wishes alone, and are those this version has always written.
    """
    written(tmp_path / "one")
    written(tmp_path / "two")

    sums = [
        [sha256((tmp_path / folder / name).read_bytes()).hexdigest()[:16] for name in NAMES]
        for folder in ("one", "two")
    ]
    assert sums[0] == sums[1]
    assert DIGESTS == sums[0]


def test_other_seed_makes_other_people(tmp_path: Path) -> None:
    """
    Another seed changes numbers and amounts.
    """
    other = NationWishes(400, WISHES.span, seed=8)

    first, second = written(tmp_path / "one"), written(tmp_path / "two", other)

    assert first["participants.csv"] != second["participants.csv"]
    assert "cards.csv" not in second


def test_larger_nation_begins_with_smaller(tmp_path: Path) -> None:
    """
    The first members of a larger nation are those of a smaller one.
    """
    small = NationWishes(100, WISHES.span, seed=7)

    first, second = written(tmp_path / "one", small), written(tmp_path / "two")

    assert first["participants.csv"] == second["participants.csv"][:100]
    assert first["postings.csv"] == second["postings.csv"][: len(first["postings.csv"])]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(spans, st.integers(0, 2**63 - 1))
def test_any_nation_imports_without_bad_row(span: Span, seed: int) -> None:
    """
    Every row is taken, every total is the sum of its postings, no year is left to close, and
    every statement agrees with the file.
    """
    wishes = NationWishes(60, span, seed, has_cards=True)

    with TemporaryDirectory() as folder:
        bench = LedgerBench(Path(folder), at=noon(span.until))
        write_nation(Path(folder), wishes, RATES, quiet)
        paths = [Path(folder) / name for name in NAMES]
        summary, linked = bench.take(*paths[:2]), bench.link(paths[2])

        assert (0, ()) == (summary.rejected, summary.warnings)
        assert 0 == linked.rejected
        assert 60 == bench.counts()[0]
        require_true_books(bench, span)


def require_true_books(bench: LedgerBench, span: Span) -> None:
    """Reconcile, close the last past year, and draw up the statement of every member."""
    last = span.until.year - 1
    with closing(open_store("", bench.path)) as store:
        assert 0 == reconcile(store).count
        terms = ClosingTerms(RATES.of(last), Accrual.MONTHLY, span.until, noon(span.until))
        if store.rows("SELECT 1 FROM postings WHERE year <= ? LIMIT 1", (last,)):
            assert ZERO == close_year(store, terms, quiet).development
        else:
            with pytest.raises(Refused, match="nothing was booked up to"):
                close_year(store, terms, quiet)
        accounts = by_account(
            [
                [kpj, day, kind, Money(-sen if kind == "claim" else sen).plain()]
                for kpj, day, kind, sen in store.rows(
                    "SELECT kpj, posted_on, kind, amount_sen FROM postings ORDER BY seq"
                )
            ]
        )
    with closing(bench.ledger()) as ledger:
        for digits, postings in accounts.items():
            found = ledger.account(Kpj(digits), span.until)
            assert found is not None
            said = draw_up(found[1], span.until, RATES)
            before = sum(sen for day, _, sen in postings if day.year <= last)
            assert Money(before) == said.opening
            assert ZERO <= said.closing
            if found[0].status is MemberStatus.CLAIMED_OUT:
                assert ZERO == said.closing


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(spans, st.integers(0, 2**63 - 1))
def test_development_is_what_closing_books(span: Span, seed: int) -> None:
    """
    In any nation each past year has the development a closing would book, balances never
    fall below zero on the way, rows go by KPJ and day, and none is after the last day.
    """
    accounts = by_account(list(csv.reader(_lines(span, seed, 30))))

    assert sorted(accounts) == list(accounts)
    for postings in accounts.values():
        assert sorted(day for day, _, _ in postings) == [day for day, _, _ in postings]
        assert span.until >= postings[-1][0]
        balance = 0
        for _, _, sen in postings:
            balance += sen
            assert 0 <= balance
        for year, base in years_of(postings, span.until.year):
            booked = [p for p in postings if p[0].year == year and p[1] == "development"]
            rate = RATES.of(year).millipercent
            day = booked[0][0] if booked else date(year, 12, 31)
            before = tuple(one for one in base.movements if not _is_payout(one, booked, day))
            expected = estimate_development(YearBase(base.opening, before), day, rate)
            assert expected.sen == sum(sen for _, _, sen in booked)


def test_shares_are_as_described(tmp_path: Path) -> None:
    """
    Segments, statuses, several KPJ of one person, claims and corrections all occur, in shares.
    """
    wishes = NationWishes(3_000, Span(20, UNTIL, 2), seed=1)

    rows = written(tmp_path, wishes)

    people = rows["participants.csv"]
    segments, states = Counter(row[4] for row in people), Counter(row[5] for row in people)
    kinds = Counter(row[2] for row in rows["postings.csv"])
    assert {1, 2, 3, 4} == set(Counter(Counter(row[1] for row in people).values()))
    assert segments["PU"] > 0.88 * 3_000
    assert min(segments["BPU"], segments["PMI"]) > 30
    assert min(states["A"] / 1_500, states["N"] / 500, states["K"] / 150) > 0.6
    assert {"contribution", "development", "claim", "adjustment"} == set(kinds)


def test_early_years_are_totals(tmp_path: Path) -> None:
    """
    With two monthly years an account has one contribution in each year before them.
    """
    rows = written(tmp_path, NationWishes(200, Span(10, UNTIL, 2), seed=3))

    counts = Counter(
        (kpj, day[:4]) for kpj, day, kind, _ in rows["postings.csv"] if kind == "contribution"
    )
    assert {1} == {count for (_, year), count in counts.items() if year < "2024"}
    assert max(count for (_, year), count in counts.items() if year == "2024") > 10


def test_existing_file_is_left_alone(tmp_path: Path) -> None:
    """
    Where one of the files is there already nothing is written at all.
    """
    (tmp_path / "postings.csv").write_text("mine")

    with pytest.raises(Refused, match=r"postings\.csv is there already"):
        written(tmp_path)

    assert ["postings.csv"] == [path.name for path in tmp_path.iterdir()]
    assert "mine" == (tmp_path / "postings.csv").read_text()


def test_interrupted_sample_leaves_no_file(tmp_path: Path) -> None:
    """
    Ctrl-C in the midst leaves neither a file nor a half one, nor a folder made for them.
    """

    def press(_done: int, _rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_nation(tmp_path / "far" / "off", WISHES, RATES, press)
    with pytest.raises(KeyboardInterrupt):
        write_nation(tmp_path, WISHES, RATES, press)

    assert [] == list(tmp_path.iterdir())


def test_file_that_cannot_get_its_name_leaves_no_half_nation(tmp_path: Path) -> None:
    """
    What had its name before another could not get it is gone, too: an import takes all or nothing.
    """

    def stand_in_the_way(_done: int, _rows: int) -> None:
        (tmp_path / "postings.csv").mkdir(exist_ok=True)

    with pytest.raises(Refused, match="cannot be written"):
        write_nation(tmp_path, WISHES, RATES, stand_in_the_way)

    assert ["postings.csv"] == [path.name for path in tmp_path.iterdir()]


def test_folder_that_is_a_file(tmp_path: Path) -> None:
    """
    A file in the place of the folder is refused in one sentence.
    """
    (tmp_path / "out").write_text("")

    with pytest.raises(Refused, match="out is no folder, so nothing can be written there"):
        written(tmp_path / "out")
