"""The bench of the ledger in its short form: what does not depend on time, on both stores."""

import json
from pathlib import Path

import click
import pytest

from tests.doubles.postgres import PostgresServer
from tests.figures import ledger_importing, ledger_inquiries, ledger_stages
from tests.figures.ledger_bench import promises
from tests.figures.ledger_importing import Beside, Met
from tests.figures.ledger_nation import Nation
from tests.figures.ledger_stages import Bench, Figures

MEMBERS, FEWER = Nation(10_000), Nation(2_000)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A nation of ten thousand, imported into a file."""
    made = Bench(tmp_path_factory.mktemp("nation"), MEMBERS.members, 0)
    made.stage(f"nation {MEMBERS}", lambda: made.nation(MEMBERS))
    made.stage("import", lambda: made.taken(MEMBERS))
    return made


def test_every_row_of_the_nation_is_taken(bench: Bench) -> None:
    """As many rows as were written, none rejected."""
    assert bench.figures[f"nation {MEMBERS}"]["rows"] == bench.figures["import"]["rows"]
    assert 0 == bench.figures["import"]["rejected"]


def test_members_are_found_and_the_year_is_closed_once(bench: Bench) -> None:
    """Every drawn member has an account; a closed year has no account left to look at."""
    found = bench.lookups([bench.ledger(MEMBERS)])
    first, second = bench.closed(MEMBERS), bench.closed(MEMBERS)

    assert found[str(MEMBERS)]["p50_us"] > 0
    many = MEMBERS.members
    assert many * 0.7 < first["accounts"] == second["accounts"] <= many
    assert 0 == second["accounts_per_second"]


def test_nothing_differs_after_import_and_closing(bench: Bench) -> None:
    """All postings counted, all totals proven."""
    proven = bench.proven(MEMBERS)

    assert 0 == proven["differences"]
    assert MEMBERS.members == proven["accounts"]
    assert proven["postings"] >= bench.figures["import"]["rows"] - MEMBERS.members


def test_same_nation_on_postgres_differs_in_nothing(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    """Import, look-ups, closing and proof against a real server."""
    bench, url = Bench(tmp_path, FEWER.members, 0), postgres.database()
    written = bench.stage(f"nation {FEWER}", lambda: bench.nation(FEWER))

    taken = bench.stage("import", lambda: bench.taken(FEWER, url))
    raw = bench.raw_postgres(postgres.empty())
    bench.lookups([bench.ledger(FEWER, url)])
    closed, proven = bench.closed(FEWER, url), bench.proven(FEWER, url)

    assert written["rows"] == taken["rows"] == raw["rows"]
    assert (0, 0) == (taken["rejected"], proven["differences"])
    assert closed["accounts"] <= FEWER.members == proven["accounts"]


def test_stage_that_is_done_is_not_done_again(tmp_path: Path) -> None:
    """A second run in the same folder takes its figures from the first."""
    Bench(tmp_path, 5_000, 0).stage("once", lambda: {"number": 1})

    again = Bench(tmp_path, 5_000, 0).stage("once", lambda: {"number": 2})

    assert 1 == again["number"]
    assert 1 == json.loads((tmp_path / "figures-5000-0.json").read_text())["once"]["number"]


def test_promises_are_told_apart_kept_and_broken() -> None:
    """A difference, a slow import and a look-up that grows are each a broken promise."""
    figures: dict[str, Figures] = {
        "sqlite look-ups": {
            "1,000": {"p50_us": 10.0, "p99_us": 20.0, "cpu_us": 10.0},
            "10,000": {"p50_us": 12.0, "p99_us": 31.0, "cpu_us": 19.0},
            "stage_seconds": 1.0,
        },
        "sqlite inquiries beside phases": {
            "times_slower_reading": 1.2,
            "times_slower_booking": 2.5,
        },
        "sqlite look-ups beside phases": {"times_reading": 3.0, "times_booking": 3.0},
        "sqlite reconcile": {"differences": 1},
    }

    kept = [is_kept for _, is_kept in promises(figures, {"sqlite"})]

    assert [True, False, False, True, False, False] == kept


def test_inquiries_beside_an_import_are_all_approved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real switch answers every inquiry while files are read, checked and booked."""
    monkeypatch.setattr(ledger_importing, "SHARE_MIN", 0.05)  # the files are small
    monkeypatch.setattr(ledger_inquiries, "ROUNDS", 1)
    monkeypatch.setattr(ledger_inquiries, "SECONDS", 1)
    monkeypatch.setattr(ledger_inquiries, "PER_SECOND", 10)
    bench = Bench(tmp_path, 20_000, 0)
    bench.nation(bench.others)

    found = bench.inquiries_while_importing()

    assert found["calm_p99_us"] > 0
    for part in ("reading", "booking"):
        slower = found[f"{part}_p99_us"] / found["calm_p99_us"]
        assert slower == found[f"times_slower_{part}"]
    assert {"reading", "checking", "booking"} == set(found["met"])
    assert found["met"]["reading"] > 0
    assert found["met"]["checking"] + found["met"]["booking"] > 0


def test_lookups_go_on_beside_an_import_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Members who are not in the small ledger are imported into it, and each phase is met."""
    monkeypatch.setattr(ledger_importing, "SHARE_MIN", 0.05)  # the files are small
    monkeypatch.setattr(ledger_stages, "LOOKUP_ROUNDS", 1)
    monkeypatch.setattr(ledger_stages, "LOOKUP_SECONDS", 1.0)
    bench = Bench(tmp_path, 20_000, 0)
    for one in (Nation(ledger_stages.SMALL), bench.others):
        bench.nation(one)
    bench.taken(Nation(ledger_stages.SMALL))

    found = bench.while_importing()

    assert all(found[f"{part}_p99_us"] > 0 for part in ("calm", "reading", "booking"))


def test_round_that_met_another_phase_is_no_figure() -> None:
    """Time is shared out by what the import said; too little of the wanted phase is an error."""
    said = ["reading 5.0\n", "checking 12.0\n", "booking 14.0\n", "between 18.0\n"]
    met = Met(ledger_importing._shares(said, 10.0, 20.0))

    assert {"reading": 0.2, "checking": 0.2, "booking": 0.4, "between": 0.2} == met.shares
    with pytest.raises(click.ClickException, match="checking and booking for 60% of a round"):
        met.require(Beside.BOOKING)
    Met({"checking": 0.1, "booking": 0.9}).require(Beside.BOOKING)
