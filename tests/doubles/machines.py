"""Two machines of one bank: a data folder each, with the same keys, on one PostgreSQL."""

import re
import shutil
from pathlib import Path

from tests.doubles.served import make_folder, run


def two_machines(root: Path, url: str, *options: str) -> tuple[Path, Path]:
    """Make the first machine's folder, its ledger and journal at ``url``, and copy it."""
    first = make_folder(root / "first", *options)
    set_in(first, "ledger", url=url)
    set_in(first, "journal", url=url, node="first")
    sample = first / "sample"
    for command in (
        ("ledger", "import", first, sample / "participants.csv", sample / "postings.csv"),
        ("cards", "link", first, sample / "cards.csv"),
    ):
        done = run(*command)
        assert 0 == done.returncode, done.stderr
    second = root / "second" / first.name
    shutil.copytree(first, second)
    for master in first.parent.glob("*.master"):
        shutil.copy2(master, second.parent)
    set_in(second, "journal", node="second")
    return first, second


def set_in(folder: Path, section: str, **values: str | int) -> None:
    """Set keys of a section of ``switch.toml``, in place of what it says of them."""
    path = folder / "switch.toml"
    text = path.read_text()
    before, header, body = text.partition(f"\n[{section}]\n")
    inside, bracket, after = body.partition("\n[")
    for key in values:
        inside = re.sub(rf"(?m)^{key} = .*\n?", "", inside)
    lines = "".join(
        f"{key} = {value}\n" if isinstance(value, int) else f'{key} = "{value}"\n'
        for key, value in values.items()
    )
    path.write_text(
        f"{before}{header or f'{chr(10)}[{section}]{chr(10)}'}{lines}{inside}{bracket}{after}"
    )
