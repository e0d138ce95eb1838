"""The data folder the full path runs on: a million members, made once and kept.

Plan: the commands of the product make it - ``init``, ``ledger sample``, ``ledger import``,
``cards link``, ``ledger close-year`` - in the user's cache; marks say how far it is.  The members
have this year's postings month by month; the year before is closed, as it is from January on.
Cards that are asked for have a PVV, so that the same folder serves under either PIN policy:
``settle`` writes the policies of a run into its settings and takes the journal of the run
before away.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

CACHE = Path.home() / ".cache" / "atm-switch-bench"
MEMBERS = 1_000_000
ASKED = 4_000
"""Cards that are asked for, spread over all."""
PIN = "123456"


def full_folder(members: int, say: Callable[[str], None]) -> Path:
    """Return the folder of so many members, made if it is not there yet: some minutes."""
    root = CACHE / f"full-path-{members}-{datetime.now(UTC).year}"
    bank = root / "bank"
    if not (root / "whole").is_file():
        _make(root, bank, members, say)
    if not (root / "closed").is_file():
        say("closing the year before, once")
        _command("ledger", "close-year", bank, str(datetime.now(UTC).year - 1), "--assumed")
        (root / "closed").touch()
    return bank


def _make(root: Path, bank: Path, members: int, say: Callable[[str], None]) -> None:
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    say(f"making {members:,} members with postings and cards, once: some minutes")
    _command("init", bank, "--listen", "127.0.0.1:0", "--mac", "required", "--pin", "issuer")
    nation = root / "nation"
    wanted = ("--members", str(members), "--years", "2", "--monthly-years", "1", "--cards")
    _command("ledger", "sample", nation, *wanted)
    say("importing")
    _command("ledger", "import", bank, nation / "participants.csv", nation / "postings.csv")
    _command("cards", "link", bank, _with_pvvs(bank, nation / "cards.csv", root / "cards.txt"))
    shutil.rmtree(nation)
    (root / "whole").touch()


def cards_of(bank: Path) -> Path:
    """Return the list of the cards that are asked for, ``PAN PIN`` a line."""
    return bank.parent / "cards.txt"


def settle(bank: Path, *, pin: str, mac: str, more: str = "", workers: int = 1) -> Path:
    """Write the policies of a run, with ``more`` settings, and begin a fresh journal.

    Returns the terminal's kit, which has keys where the policies ask for them.
    """
    settings = bank / "switch.toml"
    text = settings.read_text().partition("\n# bench\n")[0]
    text = re.sub(r'^pin = ".*"$', f'pin = "{pin}"', text, flags=re.MULTILINE)
    text = re.sub(r'^mac = ".*"$', f'mac = "{mac}"', text, flags=re.MULTILINE)
    text = re.sub(r"(?m)^workers = .*\n", "", text)
    text = re.sub(r"(?m)^mode = ", f"workers = {workers}\nmode = ", text, count=1)
    settings.write_text(f"{text}\n# bench\n{more}")
    for old in (*bank.glob("journal.db*"), *bank.parent.glob("bank.log")):
        old.unlink()
    kit = json.loads((bank / "terminal-kit.json").read_text())
    if pin != "issuer":
        kit = {name: value for name, value in kit.items() if not name.startswith("pin_")}
    if mac != "required":
        kit = {name: value for name, value in kit.items() if not name.startswith("mac_")}
    path = bank.parent / f"kit-{pin}-{mac}.json"
    path.write_text(json.dumps(kit))
    path.chmod(0o600)
    return path


def _with_pvvs(bank: Path, cards: Path, asked: Path) -> Path:
    """Give some of the cards a PVV, and list them; the columns are those of cards.csv."""
    head, *lines = cards.read_text(encoding="ascii").splitlines()
    active = [at for at, line in enumerate(lines) if line.endswith(",active")]
    chosen = active[:: max(len(active) // ASKED, 1)][:ASKED]
    pans = [lines[at].partition(",")[0] for at in chosen]
    typed = "".join(f"{pan}\n{PIN}\n" for pan in pans)
    values = _command("cards", "pvv", bank, typed=typed).splitlines()
    for at, pvv in zip(chosen, values, strict=True):
        pan, expiry, kpj, *_, status = lines[at].split(",")
        lines[at] = f"{pan},{expiry},{kpj},{pvv},{status}"
    cards.write_text("\n".join((head, *lines)) + "\n", encoding="ascii")
    asked.write_text("".join(f"{pan} {PIN}\n" for pan in pans), encoding="ascii")
    return cards


def _command(*arguments: str | Path, typed: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-m", "atm_switch", *map(str, arguments)],
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )
    if done.returncode:
        raise ChildProcessError(f"atm-switch {arguments[0]}: {done.stderr[-500:]}")
    return done.stdout
