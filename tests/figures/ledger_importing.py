"""Import a nation again and again until ended: what ``ledger_bench`` looks things up beside."""

import os
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from atm_switch.adapters.process_hygiene import give_way
from atm_switch.ledger.csv_import import ImportOptions, import_files
from atm_switch.ledger.opening import open_store
from atm_switch.security.vault import Vault
from tests.figures.ledger_lookups import same_every_time


def main(path: Path, folder: Path) -> None:
    """Import the files of ``folder`` into the ledger; a second time as files of other bytes."""
    give_way()  # as the command does
    vault, number = Vault.fresh(same_every_time()), 0
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    while True:
        with closing(open_store(os.environ.get("ATM_BENCH_URL", ""), path)) as store:
            files = [folder / "participants.csv", folder / "postings.csv"]
            import_files(store, files, vault, datetime.now(UTC), ImportOptions(again=True))
        number += 1
        with files[1].open("a", encoding="ascii") as postings:
            line = files[1].read_text(encoding="ascii").splitlines()[number]
            postings.write(line + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
