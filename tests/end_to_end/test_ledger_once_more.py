"""``ledger import`` of a file whose very bytes were imported before, as a user types it."""

import re
from pathlib import Path

from atm_switch.adapters.clock import read_clock
from tests.end_to_end.command_line import CommandLine


def test_second_payment_of_the_same_bytes_is_booked_by_what_is_told(tmp_path: Path) -> None:
    """
    A plain import and --again both say what to type instead, and that books it once.
    """
    command, year = CommandLine(tmp_path), read_clock().jakarta_date().year
    command("init", "bank", "--sample")
    for name in ("d1.csv", "d2.csv"):
        paid = f"12345678901,{year}-01-01,adjustment,100\n"
        (tmp_path / name).write_text(f"kpj,posted_on,kind,amount\n{paid}")
    command("ledger", "import", "bank", "d1.csv")

    plain = command("ledger", "import", "bank", "d2.csv")
    again = command("ledger", "import", "bank", "d2.csv", "--again")
    numbers = re.findall(r"--once-more ([0-9]+)", plain.stdout + again.stderr)
    words = ("ledger", "import", "bank", "d2.csv", "--once-more", numbers[0])
    once, twice = command(*words), command(*words)

    assert (0, 1) == (plain.returncode, again.returncode), again.stderr
    assert 2 == len(numbers)
    assert 1 == len(set(numbers))
    assert "d2.csv: imported before, nothing changed" in plain.stdout
    assert "d2.csv holds the very bytes of d1.csv" in again.stderr
    assert "d2.csv: 1 row(s): 1 added" in once.stdout, once.stderr
    assert (0, "d2.csv: imported before, nothing changed") == (
        twice.returncode,
        twice.stdout.partition(";")[0],
    )
