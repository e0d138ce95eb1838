"""SIGKILL in the middle of the load: what was acknowledged is there, and nothing is torn.

Limit: a killed process leaves the kernel's cache alive, so this shows the order of commit
and acknowledgement and the recovery, not the sync; that each commit is synced is a
setting, tested by name in ``test_journal_writer``.
"""

import json
import random
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.adapters.journal_rows import JournalRow
from atm_switch.security.vault import Vault
from tests.attacks import journal_under_load
from tests.doubles.journal_bench import fresh_vault, key_of

CYCLES = 8
SEED = 9
NUMBERS_PER_CYCLE = 100_000
ACKNOWLEDGED_MIN = 50
ACKNOWLEDGED_MAX = 1_500


@dataclass
class Acknowledged:
    """What the victims were told before they died."""

    reserved: dict[int, str] = field(default_factory=dict)
    """RRN by the sequence of A."""
    ended: set[str] = field(default_factory=set)
    """RRNs whose B was acknowledged."""
    granted: int = 0
    """Tries granted to the hammered card."""

    def take(self, line: str) -> None:
        """Note one line of a victim."""
        kind, sequence, number = line.split()
        rrn = key_of(int(number)).rrn
        if kind == "B":
            self.ended.add(rrn)
            return
        self.reserved[int(sequence)] = rrn
        self.granted += kind == "G"


def load_and_kill(journal: Path, vault: Vault, cycle: int, lines_min: int) -> list[str]:
    """Run a victim until it has told so many lines, kill it, and return all it told."""
    victim = subprocess.Popen(
        [
            *(sys.executable, str(journal_under_load.__file__)),
            *(str(journal), str(1 + cycle * NUMBERS_PER_CYCLE)),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with victim:
        assert victim.stdin is not None
        assert victim.stdout is not None
        json.dump(vault.to_document(), victim.stdin)
        victim.stdin.close()
        told = [victim.stdout.readline() for _ in range(lines_min)]
        victim.kill()
        told += victim.stdout.readlines()
    assert all(told[:lines_min]), "the victim ended by itself"
    return [line for line in told if line.endswith("\n")]


def assert_nothing_lost(rows: dict[int, JournalRow], acknowledged: Acknowledged) -> None:
    """Find each acknowledged A under its sequence, and a B for each acknowledged one."""
    written = {seq: row.rrn for seq, row in rows.items() if row.is_reservation}
    ended = {row.rrn for row in rows.values() if not row.is_reservation}
    assert acknowledged.reserved.items() <= written.items()
    assert acknowledged.ended <= ended


def test_no_acknowledged_row_is_lost_to_kill_nine(tmp_path: Path) -> None:
    """
    Killed again and again under load, the journal keeps every acknowledged row, stays
    sound and gapless, and never grants a card a fourth try.
    """
    chance = random.Random(SEED)  # noqa: S311 - where to strike is all it decides
    journal, vault, acknowledged = tmp_path / "journal.db", fresh_vault(), Acknowledged()

    for cycle in range(CYCLES):
        lines_min = chance.randrange(ACKNOWLEDGED_MIN, ACKNOWLEDGED_MAX)
        for line in load_and_kill(journal, vault, cycle, lines_min):
            acknowledged.take(line)

        with JournalReader(journal) as reader:
            rows = {row.seq: row for row in reader.follow(0, sys.maxsize)}
            found = reader.verify(vault)
            used = reader.tries(journal_under_load.HAMMERED)
        assert found.is_sound
        assert list(range(1, len(rows) + 1)) == list(rows)
        assert_nothing_lost(rows, acknowledged)
        assert acknowledged.granted <= used == journal_under_load.TRIES_MAX
        assert len(found.in_doubt) <= (cycle + 1) * journal_under_load.IN_FLIGHT
