"""Claims about values: equal by their fields, keys of mappings, without room for more."""

import inspect
import pickle
import subprocess
import sys
from dataclasses import field, fields, replace
from pathlib import Path

import pytest

from atm_switch.domain.value import Word, value


@value
class Pair:
    """A value of two fields, one of which is not shown."""

    text: str
    secret: str = field(default="", repr=False)


@value(order=True, repr=False)
class Size:
    """A value that is ordered, and shown by its own words."""

    count: int


def test_values_are_equal_by_their_fields() -> None:
    """The same fields are the same value and the same key; another kind never is."""
    assert Pair("a", "b") == Pair("a", "b")
    assert Pair("a") != Pair("b")
    assert {Pair("a"): 1, Pair("b"): 2}[Pair("b")] == 2
    assert {Pair("1"), Size(1)} != {Pair("1")}


def test_value_is_a_dataclass() -> None:
    """It has fields, can be replaced, shows what it may, and is ordered where it says so."""
    assert ["text", "secret"] == [one.name for one in fields(Pair)]
    assert Pair("c", "b") == replace(Pair("a", "b"), text="c")
    assert "Pair(text='a')" == repr(Pair("a", "hidden"))
    assert Size(1) < Size(2)
    assert "Size(" not in repr(Size(1))


def test_value_has_no_room_for_more() -> None:
    """Slots and no dictionary: a misspelt field is an error, and a pickle brings all of them."""
    with pytest.raises(AttributeError):
        setattr(Pair("a"), "txt", "b")  # noqa: B010  mypy would say the same

    assert not hasattr(Pair("a"), "__dict__")
    assert Pair("a", "b") == pickle.loads(pickle.dumps(Pair("a", "b")))  # noqa: S301


class Colour(Word):
    """An enumeration."""

    RED = "red"
    BLUE = "blue"


def test_word_is_an_enumeration() -> None:
    """Its members are keys, have values, are found by them and come back from a pickle as they."""
    assert {Colour.RED: 1, Colour.BLUE: 2}[Colour("blue")] == 2
    assert [Colour.RED, Colour.BLUE] == list(Colour)
    assert pickle.loads(pickle.dumps(Colour.RED)) is Colour.RED  # noqa: S301
    assert hash(Colour.RED) == object.__hash__(Colour.RED)


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
