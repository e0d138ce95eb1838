"""Money is whole sen: no float, nothing that makes one, wherever amounts are computed."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MIGRATIONS = ROOT / "atm_switch" / "adapters" / "migrations" / "ledger"

WITHOUT_AMOUNTS = {
    "domain/instant.py": "the loop's clock",
    "ledger/ledger_sqlite.py": "how long a question may take",
    "ledger/registry_sqlite.py": "how long a question may take",
    "ledger/opening.py": "how long a question may take",
    "ledger/postgres_reader.py": "how long a question may take, pauses",
    "ledger/statement_page.py": "points of the page; amounts come in as text",
    "ledger/statement_pdf.py": "points of the page",
}
"""Files where a float is no amount, and what it is instead."""

MORE = ("messages/amounts.py", "messages/balance_inquiry.py", "switch/slip.py", "switch/compose.py")
COMPUTING = sorted(
    path
    for path in (
        *(ROOT / "atm_switch" / "domain").glob("*.py"),
        *(ROOT / "atm_switch" / "ledger").glob("*.py"),
        *(ROOT / "atm_switch" / name for name in MORE),
    )
    if str(path.relative_to(ROOT / "atm_switch")) not in WITHOUT_AMOUNTS
)
MAKERS = frozenset({"float", "round", "complex", "Decimal", "Fraction", "math", "statistics"})
SQL_WORDS = re.compile(
    r"\b(REAL|FLOAT|DOUBLE|NUMERIC|DECIMAL|MONEY|avg|total|round)\b", re.IGNORECASE
)


def floats_in(source: str) -> Iterator[str]:
    """Name whatever is a float or makes one, with its line."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Constant(value=float() | complex()):
                yield f"line {node.lineno}: {node.value!r}"
            case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
                if not _is_path(node):
                    yield f"line {node.lineno}: a division that is not whole"
            case ast.Name(id=name) if name in MAKERS:
                yield f"line {node.lineno}: {name}"
            case ast.ImportFrom(module=name) | ast.alias(name=name) if name in MAKERS:
                yield f"import of {name}"


def _is_path(node: ast.BinOp | ast.AugAssign) -> bool:
    """Tell the slash of a path, which has a text on its right, from a division."""
    return isinstance(node, ast.BinOp) and (
        isinstance(node.right, ast.JoinedStr)
        or (isinstance(node.right, ast.Constant) and isinstance(node.right.value, str))
    )


@pytest.mark.parametrize("path", COMPUTING, ids=lambda path: str(path.relative_to(ROOT)))
def test_amounts_are_computed_in_whole_numbers(path: Path) -> None:
    """Neither a float nor a division that is not whole, in any file that computes amounts."""
    assert [] == list(floats_in(path.read_text()))


@pytest.mark.parametrize(
    "planted",
    [
        "rate = 0.057",
        "def share(sen: int) -> int:\n    return int(sen / 12)",
        "sen /= 2",
        "sen = round(sen * 57, -3)",
        "def of(rate: float) -> None: ...",
        "from decimal import Decimal\nsen = Decimal('1.10')",
        "import math",
        "from statistics import mean",
    ],
)
def test_planted_float_is_found(planted: str) -> None:
    """The check fails on each way a float could come in."""
    assert [] != list(floats_in(planted))


def test_whole_division_and_paths_are_no_floats() -> None:
    """The check lets pass what is exact."""
    assert [] == list(floats_in("sen = 7 // 2\nfile = folder / 'ledger.db'"))


def test_tables_hold_whole_numbers() -> None:
    """No column and no sum of the ledger's tables has a point; SQLite's are STRICT."""
    for path in sorted(MIGRATIONS.glob("*.sql")):
        text = re.sub(r"--[^\n]*", "", path.read_text())
        assert [] == SQL_WORDS.findall(text), path.name
        assert text.count("CREATE TABLE") == text.count("STRICT"), path.name


def test_list_of_files_without_amounts_is_true() -> None:
    """Every file that is let off exists and has a float: the list only shrinks."""
    stale = [
        name
        for name in WITHOUT_AMOUNTS
        if not list(floats_in((ROOT / "atm_switch" / name).read_text()))
    ]

    assert [] == stale
