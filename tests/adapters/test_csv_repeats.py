"""A file whose very bytes were imported before is booked where its import is named, once."""

from pathlib import Path

import pytest

from atm_switch.domain.errors import Refused
from tests.doubles.ledger_bench import BUDI_ROW, PARTICIPANTS, POSTINGS, LedgerBench
from tests.doubles.postgres_bench import Database

MAY = "12345678901,2025-05-01,contribution,100\n"


@pytest.fixture
def bench(tmp_path: Path, database: Database) -> LedgerBench:
    """Return a ledger with a member, and d1.csv imported as number 2."""
    bench = LedgerBench(tmp_path, url=database.url)
    bench.participants(BUDI_ROW)
    bench.take(bench.file("d1.csv", POSTINGS + MAY))
    return bench


def booked(bench: LedgerBench) -> int:
    """Count the postings."""
    return bench.counts()[1]


def test_same_bytes_again_are_refused_with_the_way_out(bench: LedgerBench) -> None:
    """
    What was asked to be booked and is not ends in a refusal that names the import.
    """
    with pytest.raises(Refused) as refused:
        bench.take(bench.file("d2.csv", POSTINGS + MAY), again=True)

    told = (
        "d2.csv holds the very bytes of d1.csv, which was imported on 2025-06-30 (UTC) as number"
        " 2; nothing was imported. If all of its rows are other payments, say --once-more 2"
    )
    assert told == str(refused.value)
    assert 1 == booked(bench)


def test_import_named_is_booked_once_more_and_once_only(bench: LedgerBench) -> None:
    """
    The same command again, after a lost connection say, changes nothing; the next number does.
    """
    file = bench.file("d2.csv", POSTINGS + MAY)

    tries = [bench.take(file, once_more=number).files[0].added for number in (2, 2, 3, 3)]

    assert [1, 0, 1, 0] == tries
    assert 3 == booked(bench)


def test_plain_repeat_says_which_import_it_is(bench: LedgerBench) -> None:
    """
    Without a word nothing is changed, and the number to name is told.
    """
    (file,) = bench.take(bench.file("d2.csv", POSTINGS + MAY)).files

    assert (True, 2, 1) == (file.is_repeat, file.repeats, booked(bench))


@pytest.mark.parametrize("number", [1, 3, 99])
def test_number_of_another_import_is_refused(bench: LedgerBench, number: int) -> None:
    """
    A wrong number books nothing and is told the right one.
    """
    with pytest.raises(Refused, match=f"not imported as number {number}; its newest import is 2"):
        bench.take(bench.file("d2.csv", POSTINGS + MAY), once_more=number)

    assert 1 == booked(bench)


def test_file_never_imported_is_none_to_repeat(bench: LedgerBench) -> None:
    """
    Other bytes have no import to name.
    """
    with pytest.raises(Refused, match=r"d3.csv was not imported as number 2$"):
        bench.take(bench.file("d3.csv", POSTINGS + MAY + "\n"), once_more=2)


def test_once_more_is_for_one_file_of_postings(bench: LedgerBench) -> None:
    """
    Nothing else goes in beside it unseen.
    """
    file, other = bench.file("d2.csv", POSTINGS + MAY), bench.file("p.csv", PARTICIPANTS + BUDI_ROW)

    for files in ((file, file), (other,), (file, other)):
        with pytest.raises(Refused, match="one file of postings, named alone"):
            bench.take(*files, once_more=2)


def test_file_named_twice_is_refused_with_again(bench: LedgerBench) -> None:
    """
    Two names of the same bytes are a mistake or two payments: a person has to say.
    """
    one, two = (bench.file(f"{name}.csv", POSTINGS + "\n" + MAY) for name in ("one", "two"))

    with pytest.raises(Refused, match=r"two.csv holds the very rows of another file named here"):
        bench.take(one, two, again=True)
    assert 1 == booked(bench)


def test_participants_beside_other_payments_are_no_repeat_to_refuse(bench: LedgerBench) -> None:
    """
    --again speaks of postings: members imported before are passed over as ever.
    """
    members = bench.file("p.csv", PARTICIPANTS + BUDI_ROW)

    bench.take(members, bench.file("d3.csv", POSTINGS + MAY + "\n"), again=True)

    assert 2 == booked(bench)
