"""Rows to a table of text, and to a JSON file that keeps what other runs have measured."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]

_COLUMNS = f"{'figure':74}{'at least':>11}{'aim':>11}{'got':>11}  verdict"


def table(rows: Iterable[Row]) -> str:
    """Draw the table; a note stands under its row."""
    lines = [_COLUMNS, "-" * (len(_COLUMNS) + 4)]
    for row in rows:
        lines.append(
            f"{row['figure']:74}{_bound(row, 'least'):>11}{_bound(row, 'aim'):>11}"
            f"{_number(row['got'], row['unit']):>11}  {row['verdict']}"
        )
        if row["note"]:
            lines.append(f"    {row['note']}")
    return "\n".join(lines)


def read(file: Path) -> list[dict[str, Any]]:
    """Read the rows of earlier runs; none where there is no file.  Raises ``ValueError``."""
    if not file.is_file():
        return []
    rows = json.loads(file.read_text())["rows"]
    return list(rows)


def merged(old: Iterable[Row], new: Iterable[Row], order: list[str]) -> list[dict[str, Any]]:
    """Put new rows in the place of their module's old ones, modules in the order given."""
    fresh = [dict(row) for row in new]
    measured = {row["module"] for row in fresh}
    kept = [dict(row) for row in old if row["module"] not in measured and row["module"] in order]
    return sorted(kept + fresh, key=lambda row: order.index(row["module"]))


def write(file: Path, rows: Iterable[Row]) -> None:
    """Write the rows, whole or not at all."""
    beside = file.with_name(file.name + ".new")
    beside.write_text(json.dumps({"rows": list(rows)}, indent=1) + "\n")
    beside.replace(file)


def _bound(row: Row, name: str) -> str:
    if row[name] is None:
        return ""
    return ("<= " if row["less_is_better"] else "") + _number(row[name], row["unit"])


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    return f"{value:,.{0 if value >= 1000 else 1 if value >= 10 else 2}f} {unit}"
