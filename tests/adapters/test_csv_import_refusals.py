"""Bad files and bad rows: all or nothing, and each named by file, line, column, reason."""

import os
from pathlib import Path

import pytest

from atm_switch.ledger.csv_rejects import BadRows
from tests.doubles.ledger_bench import (
    BUDI_ROW,
    BUDIS_NIK,
    PARTICIPANTS,
    POSTINGS,
    SITIS_NIK,
    LedgerBench,
)
from tests.doubles.postgres_bench import Database

PAID = "12345678901,2025-01-01,contribution,100\n"
LATER = "12345678901,2025-06-15,contribution,500\n"


@pytest.fixture
def bench(tmp_path: Path, database: Database) -> LedgerBench:
    """Return a ledger with one member."""
    bench = LedgerBench(tmp_path, url=database.url)
    bench.participants()
    return bench


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\n" + POSTINGS.encode(), "begins with an empty line"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"who,what\n1,2\n", "line 1: this is no header of ours"),
        (b"kpj,posted_on,kind\n", "the column amount of postings.csv is missing"),
        (b"kpj,nik,name,birth_date,status\n", "the column segment of participants.csv is missing"),
        (b"kpj,posted_on,kind,amount,note\n", "postings.csv has 4 columns, here are 5"),
        (b"posted_on,kpj,kind,amount\n", "the columns of postings.csv are in another order"),
        (b"kpj;posted_on;kind;amount\n", "separated by semicolons, not commas"),
        (b'"kpj,posted_on,kind,amount\n', "line 1: this is no header of ours"),
        (POSTINGS.encode() + b"1234\x005678901\n", "line 2 holds NUL bytes"),
        (POSTINGS.encode("utf-16"), "line 1 holds NUL bytes"),
        (PARTICIPANTS.encode() + b"1,2,JOS\xc9,,,\n", "line 2 is not UTF-8 text"),
        (POSTINGS.encode() + b"x" * 70_000, "line 2 is longer than 65536 bytes"),
    ],
)
def test_file_that_is_no_csv_is_refused(bench: LedgerBench, content: bytes, reason: str) -> None:
    """
    A file wrong as a whole is refused in one sentence that names it, and changes nothing.
    """
    text = bench.refusal(bench.file("odd.csv", content))

    assert "odd.csv" in text
    assert reason in text
    assert "\n" not in text
    assert (1, 0, 0) == bench.counts()


def test_path_that_is_no_file_is_refused(bench: LedgerBench) -> None:
    """
    A folder, a pipe and nothing at all are each refused for what they are.
    """
    pipe = bench.folder / "pipe"
    os.mkfifo(pipe)

    assert f"{bench.folder} is a folder; name a CSV file" == bench.refusal(bench.folder)
    assert f"{pipe} is no regular file; name a CSV file" == bench.refusal(pipe)
    assert bench.refusal(bench.folder / "gone.csv").endswith("gone.csv does not exist")


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("1234567890,{nik},A,1985-03-12,PU,A", "column kpj (**********): a KPJ has eleven digits"),
        ("11111111111,{nik},A,1985-03-12,PU,A", "column kpj (*******1111): a KPJ has eleven"),
        ("1.2E+10,{nik},A,1985-03-12,PU,A", "column kpj (*******): a KPJ has eleven digits"),
        ("12345678902,99010112038500,A,1985-03-12,PU,A", "column nik (**************): a NIK"),
        ("12345678902,,A,1985-03-12,PU,A", "column nik: it is empty"),
        (f"12345678902,{'0' * 16},A,1985-03-12,PU,A", "column nik (00************00): a NIK has"),
        ("12345678901,{other},A,1985-03-12,PU,A", "column nik (99************02): this KPJ bel"),
        ("12345678902,{nik},,1985-03-12,PU,A", "column name: it is empty"),
        ("12345678902,{nik},A\tB,1985-03-12,PU,A", "column name (***): a name has 1 to 100"),
        ("12345678902,{nik},A,12-03-1985,PU,A", "column birth_date (****): a date is written"),
        ("12345678902,{nik},A,2025-07-01,PU,A", "column birth_date (****): the date is in the fu"),
        ("12345678902,{nik},A,1885-07-01,PU,A", "column birth_date (****): the date is before 19"),
        ("12345678902,{nik},A,1985-03-12,JAKON,A", "column segment (JAKON): Jakon (construction"),
        ("12345678902,{nik},A,1985-03-12,JK,A", "column segment (JK): Jakon (construction"),
        (
            "12345678902,{nik},A,1985-03-12,Jasa Konstruksi,A",
            "column segment (Jasa Konstruksi): Ja",
        ),
        ("12345678902,{nik},A,1985-03-12,PNS,A", "column segment (PN*): a segment is one of PU,"),
        ("12345678902,{nik},A,1985-03-12,PU,X", "column status (X): a status is one of A, N, K"),
        ("12345678902,{nik},A,1985-03-12,PU", "column row: too few columns: 5, where 6 are"),
        ('12345678902,{nik},"A,1985-03-12,PU,A', "column row: the quotes do not match"),
    ],
)
def test_bad_participant_is_named(bench: LedgerBench, row: str, named: str) -> None:
    """
    A bad participant is named by file, line, column, masked cell and reason.
    """
    row = row.format(nik=BUDIS_NIK, other=SITIS_NIK)

    text = bench.refusal(bench.file("p.csv", f"{PARTICIPANTS}{BUDI_ROW}{row}\n"))

    assert f"1 row is bad, nothing was imported:\n  p.csv line 3, {named}" in text
    assert (1, 0, 0) == bench.counts()


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("99988877766,2025-01-01,claim,1", "column kpj (*******7766): no participant has this KPJ"),
        ("12345678901,2025-02-30,claim,1", "column posted_on (2025-02-30): a date is written"),
        ("12345678901,20250201,claim,1", "column posted_on (20250201): a date is written"),
        ("12345678901,2025-W01-1,claim,1", "column posted_on (2025-W01-1): a date is written"),
        ("12345678901,2205-01-01,claim,1", "column posted_on (2205-01-01): the date is more than"),
        ("12345678901,2025-01-01,fee,1", "column kind (fe*): a kind is one of contribution, dev"),
        ("12345678901,2025-01-01,claim,1.234", "column amount (1.234): an amount is rupiah with"),
        ("12345678901,2025-01-01,claim,-1", "column amount (-1): the amount must be positive"),
        ("12345678901,2025-01-01,contribution,0", "column amount (0): the amount must be posit"),
        ("12345678901,2025-01-01,development,-1", "column amount (-1): the amount must be posit"),
        ("12345678901,2025-01-01,adjustment,0", "column amount (0): an adjustment of nothing cha"),
        ("12345678901,2025-01-01,adjustment,-0.00", "amount (-0.00): an adjustment of nothing"),
        ("12345678901,2025-01-01,adjustment,+1", "column amount (+1): an amount is rupiah with"),
        (
            "12345678901,2025-01-01,contribution,1000000000000",
            "an amount is below Rp 1.000.000.000.000,00",
        ),
        (
            "12345678901,2025-01-01,adjustment,-1000000000000",
            "an amount is below Rp 1.000.000.000.000,00",
        ),
        ("12345678901,2025-01-01,contribution,1,5", "column row: too many columns: 5, where 4"),
        ("12345678901,2025-01-01,contribution,", "column amount: it is empty"),
    ],
)
def test_bad_posting_is_named(bench: LedgerBench, row: str, named: str) -> None:
    """
    A bad posting is named by file, line, column, cell and reason; the good one stays out.
    """
    text = bench.refusal(bench.file("q.csv", f"{POSTINGS}{PAID}\n{row}\n"))

    assert "1 row is bad, nothing was imported:\n  q.csv line 4, " in text
    assert named in text
    assert (1, 0, 0) == bench.counts()


def test_all_bad_rows_are_named_at_once(bench: LedgerBench) -> None:
    """
    Bad rows of every file are named in one go, in the order they were read.
    """
    participants = bench.file("p.csv", PARTICIPANTS + "1,2,3,4,5,6\n")
    postings = bench.file("q.csv", POSTINGS + "a\n" + PAID + "b\n")

    lines = bench.refusal(postings, participants).splitlines()

    assert "3 rows are bad, nothing was imported:" == lines[0]
    assert ["  p.csv line 2", "  q.csv line 2", "  q.csv line 4"] == [
        line.partition(",")[0] for line in lines[1:]
    ]


def test_long_list_of_bad_rows_is_cut(bench: LedgerBench) -> None:
    """
    Fifty bad rows are named, the others counted.
    """
    path = bench.file("q.csv", POSTINGS + "bad\n" * 120)

    with pytest.raises(BadRows) as caught:
        bench.take(path)

    lines = str(caught.value).splitlines()
    assert (50, 120) == (len(caught.value.rows), caught.value.count)
    assert ("120 rows are bad, nothing was imported:", "  ... and 70 more") == (
        lines[0],
        lines[-1],
    )


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (PAID + "12345678901,2025-02-01,claim,100.01\n", 3),
        ("12345678901,2025-02-01,claim,100.01\n" + PAID, 2),
        (PAID + "12345678901,2025-02-01,adjustment,-200\n" + PAID.replace("100", "99"), 3),
    ],
)
def test_overdrawn_account_names_last_taking(bench: LedgerBench, rows: str, line: int) -> None:
    """
    An account that would end below zero is a bad row, whatever the order of its postings.
    """
    text = bench.refusal(bench.file("q.csv", POSTINGS + rows))

    assert f"q.csv line {line}, column amount" in text
    assert "the account would fall below zero on" in text
    assert (1, 0, 0) == bench.counts()


@pytest.mark.parametrize(
    ("rows", "line", "day"),
    [
        ("12345678901,2024-12-31,claim,1\n" + PAID, 2, "2024-12-31"),
        (PAID + "12345678901,2024-06-01,adjustment,-1\n", 3, "2024-06-01"),
        (PAID + "12345678901,2025-02-01,claim,100\n" * 2 + LATER, 4, "2025-02-01"),
    ],
)
def test_claim_before_its_money_is_a_bad_row(
    bench: LedgerBench, rows: str, line: int, day: str
) -> None:
    """
    What comes in later covers no earlier claim, though the account ends above zero.
    """
    text = bench.refusal(bench.file("q.csv", POSTINGS + rows))

    assert f"q.csv line {line}, column amount" in text
    assert f"the account would fall below zero on {day} with this posting" in text
    assert (1, 0, 0) == bench.counts()


def test_claim_takes_nothing_an_earlier_import_has_taken(bench: LedgerBench) -> None:
    """
    Held postings count by their days: one dated between may take what later ones leave.
    """
    bench.postings(PAID + "12345678901,2025-05-01,claim,70\n" + LATER)
    claim = f"{POSTINGS}12345678901,2025-03-01,claim,"

    text = bench.refusal(bench.file("q.csv", f"{claim}30.01\n"))
    bench.take(bench.file("r.csv", f"{claim}30\n"))

    assert "the account would fall below zero on 2025-05-01 with this posting" in text


def test_earlier_imports_count_for_balance(bench: LedgerBench) -> None:
    """
    A claim may take what earlier imports brought, to the last sen and no further.
    """
    bench.postings(PAID)
    claim = f"{POSTINGS}12345678901,2025-02-01,claim,"

    too_much = bench.refusal(bench.file("q.csv", f"{claim}100.01\n"))
    bench.take(bench.file("r.csv", f"{claim}100.00\n"))

    assert "the account would fall below zero" in too_much
    assert [(0,)] == bench.rows("SELECT sum(amount_sen) FROM postings")


def test_row_order_of_a_year_is_free(bench: LedgerBench) -> None:
    """
    A claim before the contribution that covers it is no bad row.
    """
    bench.postings("12345678901,2025-02-01,claim,100\n" + PAID)

    assert (1, 2, 0) == bench.counts()


def test_misplaced_pan_is_not_repeated(bench: LedgerBench) -> None:
    """
    A card number in any wrong column is masked in what is said of the row.
    """
    pan = "9990090000000012"
    rows = [
        f"{pan},{BUDIS_NIK},A,1985-03-12,PU,A",
        f"12345678902,{BUDIS_NIK},A,{pan},PU,A",
        f"12345678902,{BUDIS_NIK},A,1985-03-12,{pan},A",
        f"12345678902,{BUDIS_NIK},A,1985-03-12,PU,{pan}",
        f"12345678902,{BUDIS_NIK},A,1985-03-12,PU,A,{pan}",
    ]
    text = bench.refusal(bench.file("p.csv", PARTICIPANTS + "\n".join(rows)))

    assert text.startswith("5 rows are bad")
    assert pan not in text
    assert BUDIS_NIK not in text


def test_file_changed_while_read_is_refused(bench: LedgerBench) -> None:
    """
    A file that grows between the first look and the end is not half imported.
    """
    path = bench.file("q.csv", POSTINGS + PAID * 1500)

    def grow(_: object) -> None:
        path.write_text(POSTINGS + PAID * 1501)

    with pytest.raises(Exception, match="changed while it was read; import it again"):
        bench.take(path, progress=grow)

    assert (1, 0, 0) == bench.counts()
