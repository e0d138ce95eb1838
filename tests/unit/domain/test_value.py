"""Claims about values: equal by their fields, keys of mappings, without room for more."""

import inspect
import pickle
import subprocess
import sys
from dataclasses import field, fields, replace
from pathlib import Path

import pytest

from atm_switch.domain.value import value


@value
class Word:
    """A value of two fields, one of which is not shown."""

    text: str
    secret: str = field(default="", repr=False)


@value(order=True, repr=False)
class Size:
    """A value that is ordered, and shown by its own words."""

    count: int


def test_values_are_equal_by_their_fields() -> None:
    """The same fields are the same value and the same key; another kind never is."""
    assert Word("a", "b") == Word("a", "b")
    assert Word("a") != Word("b")
    assert {Word("a"): 1, Word("b"): 2}[Word("b")] == 2
    assert {Word("1"), Size(1)} != {Word("1")}


def test_value_is_a_dataclass() -> None:
    """It has fields, can be replaced, shows what it may, and is ordered where it says so."""
    assert ["text", "secret"] == [one.name for one in fields(Word)]
    assert Word("c", "b") == replace(Word("a", "b"), text="c")
    assert "Word(text='a')" == repr(Word("a", "hidden"))
    assert Size(1) < Size(2)
    assert "Size(" not in repr(Size(1))


def test_value_has_no_room_for_more() -> None:
    """Slots and no dictionary: a misspelt field is an error, and a pickle brings all of them."""
    with pytest.raises(AttributeError):
        setattr(Word("a"), "txt", "b")  # noqa: B010  mypy would say the same

    assert not hasattr(Word("a"), "__dict__")
    assert Word("a", "b") == pickle.loads(pickle.dumps(Word("a", "b")))  # noqa: S301


def test_mypy_lets_nobody_change_a_value(tmp_path: Path) -> None:
    """An assignment to a field is an error of types, for whoever makes values of another type."""
    lines = [
        "from atm_switch.domain.money import Money",
        "from atm_switch.domain.identifiers import Kpj",
        "Money(1).sen = 2",
        "kpj = Kpj('12345678901')",
        "kpj.digits = '2'",
        "Money('1')",
    ]
    (tmp_path / "changes.py").write_text("\n".join([*lines, ""]))
    command = [sys.executable, "-m", "mypy", "--strict", "changes.py"]
    said = subprocess.run(
        command,
        cwd=tmp_path,
        env={"MYPYPATH": str(Path(inspect.getfile(value)).parents[2]), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert 'changes.py:3: error: Property "sen" defined in "Money" is read-only' in said.stdout
    assert 'changes.py:5: error: Property "digits" defined in "Kpj" is read-only' in said.stdout
    assert 'changes.py:6: error: Argument 1 to "Money" has incompatible type' in said.stdout
    assert "Found 3 errors" in said.stdout
