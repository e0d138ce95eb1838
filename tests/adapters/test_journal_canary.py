"""Nothing that must not be stored is in the journal's bytes, in no form."""

import base64
import random
from pathlib import Path

from atm_switch.switch.ports import Commit, FindRepeat, Reserve
from tests.doubles.journal_bench import JournalBench, ending_of, entry_of, key_of, since

SEED = 2_026


def forms(digits: str) -> dict[str, bytes]:
    """Write digits in every form a store might hold them in."""
    plain = digits.encode()
    packed = bytes.fromhex(digits if len(digits) % 2 == 0 else digits + "f")
    return {
        "ascii": plain,
        "ebcdic": digits.encode("cp500"),
        "utf-16": digits.encode("utf-16-le"),
        "bcd": packed,
        "hex": plain.hex().encode(),
        "base64": base64.b64encode(plain)[:-4],
    }


def test_journal_bytes_hold_no_pan_and_no_kpj(tmp_path: Path) -> None:
    """
    Whole PANs and KPJs that went in with the responses are in none of the journal's
    files, WAL included, in no form - and come back in the repeat.
    """
    chance = random.Random(SEED)  # noqa: S311 - numbers of a test
    pans = ["999009" + f"{chance.randrange(10**10):010d}" for _ in range(50)]
    kpjs = [f"{chance.randrange(10**10, 10**11)}" for _ in range(50)]

    with JournalBench(tmp_path / "journal.db") as bench:
        for number, (pan, kpj) in enumerate(zip(pans, kpjs, strict=True)):
            reserved = bench.reserve(Reserve(entry_of(number), 3))
            payload = f"0210 {pan} {kpj}".encode()
            bench.ask(Commit(entry_of(number), ending_of(payload), reserved.sequence))
        found = bench.find(FindRepeat(key_of(0), since(1)))
        stored = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    stored["closed"] = (tmp_path / "journal.db").read_bytes()

    hits = [
        (name, form)
        for digits in pans + kpjs
        for form, pattern in forms(digits).items()
        for name, content in stored.items()
        if pattern in content
    ]
    assert [] == hits
    assert "journal.db-wal" in stored
    assert found is not None
    assert pans[0].encode() in found.payload
