"""``--skip-bad``: the good rows go in, the bad ones to a file that can be put right."""

import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from atm_switch.ledger.csv_import import ImportOptions, import_files
from atm_switch.ledger.csv_rejects import shown
from atm_switch.ledger.store_sqlite import SqliteStore
from tests.doubles.ledger_bench import (
    BUDI_ROW,
    BUDIS_NIK,
    CARD_ROW,
    CARDS,
    OTHER_PAN,
    PAN,
    PARTICIPANTS,
    POSTINGS,
    LedgerBench,
)
from tests.doubles.postgres_bench import Database

PAID = "12345678901,2025-01-01,contribution,100\n"


@pytest.fixture
def bench(tmp_path: Path, database: Database) -> LedgerBench:
    """Return a ledger with one member."""
    bench = LedgerBench(tmp_path, url=database.url)
    bench.participants()
    return bench


@pytest.fixture
def rejects(bench: LedgerBench) -> Path:
    """Return where the rejects shall go."""
    return bench.folder / "rejects.csv"


def test_good_rows_go_in_bad_ones_aside(bench: LedgerBench, rejects: Path) -> None:
    """
    Bad rows are written with their reason, in the form they came in; the rest is imported.
    """
    path = bench.file("q.csv", POSTINGS + PAID + "12345678901,2025-01-01,fee,5\nx\n" + PAID)

    summary = bench.take(path, skip_bad=rejects)

    assert (1, 2, 0) == bench.counts()
    assert (2, (rejects,)) == (summary.rejected, summary.rejects_files)
    assert [(4, 2, 2)] == [(file.rows, file.added, file.rejected) for file in summary.files]
    expected = [
        "kpj,posted_on,kind,amount,reason",
        (
            "12345678901,2025-01-01,fee,5,"
            '"column kind: a kind is one of contribution, development, claim, adjustment"'
        ),
        'x,,,,"column row: too few columns: 1, where 4 are needed"',
    ]
    assert expected == rejects.read_text().splitlines()


def test_rejects_can_be_imported_again(bench: LedgerBench, rejects: Path) -> None:
    """
    A rejects file whose cells were put right goes in as it is, reasons and all.
    """
    path = bench.file("q.csv", f"{POSTINGS}{PAID}12345678901,2025-01-01,fee,5\n")
    bench.take(path, skip_bad=rejects)
    rejects.write_text(rejects.read_text().replace(",fee,", ",contribution,"))

    bench.take(rejects)

    assert [(10_500,)] == bench.rows("SELECT sum(amount_sen) FROM postings")


def test_rejects_belong_to_their_owner_alone(bench: LedgerBench, rejects: Path) -> None:
    """
    The rejects file, which may hold a NIK, has mode 0600.
    """
    bench.take(bench.file("p.csv", f"{PARTICIPANTS}1,{BUDIS_NIK},A,,,\n"), skip_bad=rejects)

    assert 0o600 == stat.S_IMODE(rejects.stat().st_mode)


def test_several_kinds_get_a_file_each(bench: LedgerBench, rejects: Path) -> None:
    """
    Participants and postings have other columns, so each kind has its own rejects file.
    """
    participants = bench.file("p.csv", PARTICIPANTS + "1,2,3,4,5,6\n")
    postings = bench.file("q.csv", POSTINGS + "bad\n")

    summary = bench.take(participants, postings, skip_bad=rejects)

    names = ["rejects.participants.csv", "rejects.postings.csv"]
    assert names == [path.name for path in summary.rejects_files]
    assert all(path.exists() for path in summary.rejects_files)
    assert not rejects.exists()


def test_nothing_bad_makes_no_rejects(bench: LedgerBench, rejects: Path) -> None:
    """
    Without a bad row there is no rejects file.
    """
    summary = bench.take(bench.file("q.csv", POSTINGS + PAID), skip_bad=rejects)

    assert () == summary.rejects_files
    assert not rejects.exists()


def test_rejects_never_overwrite_a_file(bench: LedgerBench, rejects: Path) -> None:
    """
    A file that is there already is refused before anything is imported.
    """
    rejects.write_text("precious")

    text = bench.refusal(bench.file("q.csv", POSTINGS + PAID), skip_bad=rejects)

    assert f"{rejects} exists already; move it away or name another file" == text
    assert ("precious", (1, 0, 0)) == (rejects.read_text(), bench.counts())


def test_rejects_that_cannot_be_written_stop_all(bench: LedgerBench) -> None:
    """
    Where the rejects cannot be written, nothing is imported.
    """
    path = bench.file("q.csv", POSTINGS + PAID + "bad\n")

    text = bench.refusal(path, skip_bad=bench.folder / "nowhere" / "rejects.csv")

    assert text.endswith("rejects.csv cannot be written: No such file or directory")
    assert (1, 0, 0) == bench.counts()


def test_refused_file_leaves_no_rejects(bench: LedgerBench, rejects: Path) -> None:
    """
    A file that turns out to be no text takes its half-written rejects with it.
    """
    path = bench.file("q.csv", POSTINGS.encode() + b"bad\n" + b"\xff\n")

    bench.refusal(path, skip_bad=rejects)

    assert not rejects.exists()
    assert (1, 0, 0) == bench.counts()


def test_overdrawing_is_set_aside_last_first(bench: LedgerBench, rejects: Path) -> None:
    """
    Of an overdrawn account the largest takings are set aside, of equal ones the last, until
    the rest is covered; they are written in the order of their lines.
    """
    claims = "".join(f"12345678901,2025-02-0{day},claim,60\n" for day in (1, 2, 3))

    bench.take(bench.file("q.csv", POSTINGS + claims + PAID), skip_bad=rejects)

    assert [("2025-01-01", 10_000), ("2025-02-01", -6_000)] == bench.rows(
        "SELECT posted_on, amount_sen FROM postings ORDER BY posted_on"
    )
    reason = "column amount: the account would fall below zero on 2025-02-0{} with this posting"
    expected = [f"12345678901,2025-02-0{day},claim,60.00,{reason.format(day)}" for day in (2, 3)]
    assert expected == rejects.read_text().splitlines()[1:]


def test_rejected_member_takes_postings_along(bench: LedgerBench, rejects: Path) -> None:
    """
    Postings of a participant who was set aside are set aside too.
    """
    member = BUDI_ROW.replace("12345678901", "12345678909").replace("PU", "JAKON")
    participants = bench.file("p.csv", PARTICIPANTS + member)
    postings = bench.file("q.csv", POSTINGS + PAID + PAID.replace("8901", "8909"))

    summary = bench.take(participants, postings, skip_bad=rejects)

    assert (1, 1, 0) == bench.counts()
    assert ["segment", "kpj"] == [row.column for row in summary.bad_rows]


def test_rejected_cards_show_no_pan_and_no_pvv(bench: LedgerBench, rejects: Path) -> None:
    """
    A rejects file of cards has masks in place of PAN and PVV, wherever a PAN stands.
    """
    rows = [
        f"{PAN},2813,12345678901,4821,1,active",
        f"2812,{OTHER_PAN},12345678901,4821,1,active",
        f"{PAN},2812,12345678901,4821,1,active,extra {OTHER_PAN}",
        f'"{PAN},2812,12345678901,4821,1,active',
        f"{PAN},2812,12345678901,,4821,active",
        f"{PAN},2812,4821,1,active,12345678901",
    ]
    path = bench.file("c.csv", f"{CARDS}{CARD_ROW}" + "\n".join(rows))

    summary = bench.link(path, ImportOptions(rejects))

    written = rejects.read_text()
    assert (6, (1, 0, 1)) == (summary.rejected, bench.counts())
    for secret in (PAN, OTHER_PAN, "4821"):
        assert secret not in written
    assert "999009******0012,2813,12345678901,****,1,active,column expiry:" in written


@pytest.mark.parametrize(
    ("column", "value", "seen"),
    [
        ("pan", "9990090000000012", "999009******0012"),
        ("pan", "9990 0900 0000 0012", "*" * 19),
        ("nik", "9901011203850001", "99************01"),
        ("kpj", "12345678901", "*******8901"),
        ("name", "BUDI SANTOSO", "BU** SAN****"),
        ("name", "BUDI\x1b[31m", "*" * 9),
        ("birth_date", "1985-03-12", "****"),
        ("pvv", "12", "**"),
        ("amount", "1710000.005", "1710000.005"),
        ("amount", "12345678901", "*" * 11),
        ("amount", "9990-0900-0000-0012", "*" * 19),
        ("kind", "fee\u202e", "****"),
        ("status", "", ""),
        ("status", "x" * 30, "xx" + "*" * 22),
        ("segment", "DEWI LESTARI", "DE** LES****"),
        ("segment", "SRI", "SR*"),
        ("segment", "BPU,PU", "******"),
        ("segment", "jakon", "jakon"),
        ("status", "SRI MULYANI", "SR* MUL****"),
        ("status", "PU", "PU"),
        ("status", "4821", "****"),
        ("kind", "Claim", "Claim"),
        ("kind", "BUDI 2", "******"),
        ("posted_on", "DEWI LESTARI", "DE** LES****"),
        ("posted_on", "01/02/2026", "01/02/2026"),
        ("amount", "Rp 1.000", "Rp 1.000"),
        ("amount", "BUDI", "BU**"),
        ("expiry", "4821", "****"),
        ("expiry", "12/28", "12/28"),
        ("pvki", "4821", "****"),
    ],
)
def test_cell_is_shown_as_far_as_allowed(column: str, value: str, seen: str) -> None:
    """
    A cell is masked by its column, and starred where it could be something else.
    """
    assert seen == shown(column, value)


class _StruckBehindCommit(SqliteStore):
    """A store at whose next commit Ctrl-C is pressed, when all is durable."""

    is_armed = False

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with super().transaction():
            yield
        if self.is_armed:
            self.is_armed = False
            raise KeyboardInterrupt


def test_ctrl_c_behind_the_commit_leaves_the_bad_rows(tmp_path: Path, rejects: Path) -> None:
    """
    Where everything may be booked, bad rows stay in their file: they stand nowhere else.
    """
    bench = LedgerBench(tmp_path)
    bench.participants()
    file = bench.file("q.csv", f"{POSTINGS}{PAID}bad\n")
    with closing(_StruckBehindCommit(bench.path)) as store:

        def arm(_files: object) -> None:
            store.is_armed = True

        options = ImportOptions(rejects, witness=arm)
        with pytest.raises(KeyboardInterrupt):
            import_files(store, [file], bench.vault, bench.at, options)

    assert 2 == len(rejects.read_text().splitlines())
    assert [(1,)] == bench.rows("SELECT count(*) FROM postings")
