"""The bench's table tells what was measured, judges it rightly and loses nothing."""

from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from tests.bench import report
from tests.bench.__main__ import BROKEN, draw, main, measured
from tests.bench.catalogue import ENTRIES
from tests.bench.figure import AIM, LEAST, LEFT_OUT, SHORT, SHOWN, Goal, Got, row_of, verdict

MORE = Goal("more", least=10, aim=17)
LESS = Goal("less", least=8, aim=6, less_is_better=True)


@pytest.mark.parametrize(
    ("goal", "value", "expected"),
    [
        (MORE, 9.9, SHORT), (MORE, 10, LEAST), (MORE, 17, AIM), (MORE, None, LEFT_OUT),
        (LESS, 8.1, SHORT), (LESS, 8, LEAST), (LESS, 6, AIM), (Goal("shown"), 3, SHOWN),
    ],
)  # fmt: skip
def test_verdict_goes_by_the_side_of_the_bounds(
    goal: Goal, value: float | None, expected: str
) -> None:
    """More is better unless the goal says otherwise; what was not measured is not judged."""
    assert expected == verdict(goal, value)


def test_median_of_the_rounds_counts() -> None:
    """One round among neighbours' noise decides nothing."""
    assert 12 == Got("more", [12, 11, 300]).value


@pytest.mark.parametrize("name", [entry.name for entry in ENTRIES])
def test_every_figure_of_the_catalogue_promises_something(name: str) -> None:
    """A module has goals with names of their own, that fit the table."""
    goals = import_module(f"tests.bench.{name}").GOALS

    assert goals
    assert len(goals) == len({goal.name for goal in goals})
    assert all(len(goal.name) <= 74 for goal in goals)


def test_rows_of_other_modules_are_kept() -> None:
    """A run of one figure replaces its own rows alone, in the order of the catalogue."""
    old = [row_of("a", MORE, Got("more", [1])), row_of("b", LESS, Got("less", [1]))]
    new = [row_of("a", MORE, Got("more", [2]))]

    rows = report.merged(old, new, ["b", "a"])

    assert [("b", 1), ("a", 2)] == [(row["module"], row["got"]) for row in rows]


def test_rows_come_back_from_the_file(tmp_path: Path) -> None:
    """What is written is read, and a missing file is an empty one."""
    rows = [row_of("a", MORE, Got("more", [1, 2, 3], parts={"ours": 1.5}))]

    report.write(tmp_path / "f.json", rows)

    assert rows == report.read(tmp_path / "f.json")
    assert [] == report.read(tmp_path / "none.json")


def test_figure_that_breaks_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error in one figure says BROKEN and why, and the others go on."""
    name = ENTRIES[0].name

    def broken(_bench: object) -> None:
        raise OSError("no socket")

    monkeypatch.setattr(import_module(f"tests.bench.{name}"), "measure", broken)

    rows = measured(name, 3)

    assert {BROKEN} == {row["verdict"] for row in rows}
    assert {"OSError: no socket"} == {row["note"] for row in rows}


def test_charts_are_xml_and_name_every_row(tmp_path: Path) -> None:
    """Each row of a module stands in its chart, with its parts, whatever its name holds."""
    name = ENTRIES[0].name
    odd = Goal("a < b & c", least=1)
    rows = [row_of(name, odd, Got(odd.name, [2], parts={"p<q": 1})), row_of(name, MORE, Got("m"))]

    draw(rows, tmp_path)

    text = "".join(ET.parse(tmp_path / f"{name}.svg").getroot().itertext())  # noqa: S314
    assert all(part in text for part in ("a < b & c", "p<q", "more", "left out"))


def test_help_names_every_figure() -> None:
    """Who asks learns what can be measured."""
    text = CliRunner().invoke(main, ["--help"]).output

    assert all(entry.name in text for entry in ENTRIES)
