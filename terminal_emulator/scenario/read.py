"""Read scenario files: TOML into cases, every mistake named by file, case, step and key.

Plan: a file has ``[[case]]`` tables with ``[[case.step]]``; a case with ``each`` (a list of
tables) stands for as many cases, in whose texts ``${key}`` is put in (``variables.py``).
What each key may hold is said in ``shapes.py``.
"""

import difflib
import random
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from terminal_emulator.scenario import shapes
from terminal_emulator.scenario.model import Case, Expectation, Step
from terminal_emulator.scenario.variables import Facts, Variables

_CASE_KEYS = ("name", "proves", "tags", "step", "sign_on", "repeat", "each", "vars")
_FILE_KEYS = ("title", "vars", "case", "tags")
_OTHERWISE = {"hex": "octets"}
"""Keys that have another name in the model."""


T = TypeVar("T")


class ScenarioWrong(ValueError):
    """A scenario file cannot be used; the text names file, case, step and key."""


def read_cases(text: str, file: str, facts: Facts, seed: str) -> list[Case]:
    """Read all cases of a file.  Raises ``ScenarioWrong`` with the first mistake of every step."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioWrong(f"{file}: {error}") from None
    _known(document, _FILE_KEYS, file)
    tables = document.get("case", [])
    if not isinstance(tables, list) or not tables:
        raise ScenarioWrong(f"{file}: there is no [[case]]")
    shared = _value(document, "vars", shapes.table, file, {})
    tags = _words(document.get("tags", []), file)
    read = _all(
        partial(_cases, table, f"{file}: case {number}", shared, facts, seed)
        for number, table in enumerate(tables, 1)
    )
    cases = [replace(case, tags=case.tags | tags) for group in read for case in group]
    names = [case.name for case in cases]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ScenarioWrong(f"{file}: two cases are called {twice!r}")
    return cases


def _cases(
    table: Mapping[str, Any], where: str, shared: Mapping[str, Any], facts: Facts, seed: str
) -> list[Case]:
    _known(table, _CASE_KEYS, where)
    cases = []
    bare = {key: value for key, value in table.items() if key not in ("each", "vars")}
    own = {**shared, **_value(table, "vars", shapes.table, where, {})}
    for row in _value(table, "each", _rows, where, [{}]):
        chance = random.Random(f"{seed} {where} {row}")  # noqa: S311  values of a test
        try:
            filled, used = _filled(bare, own, row, facts, chance)
        except ValueError as error:
            raise ScenarioWrong(f"{where}: {error}") from None
        case = _case(filled, where)
        cards = {f"card.{step.card}" for step in case.steps if step.do == "inquire"}
        cases.append(replace(case, needs=frozenset(used | cards)))
    return cases


def _filled(
    bare: Mapping[str, Any], own: Mapping[str, Any], row: Mapping[str, Any], facts: Facts,
    chance: random.Random,
) -> tuple[dict[str, Any], set[str]]:  # fmt: skip
    """Put the variables into a case, those of its row before its own; tell the facts used."""
    values: dict[str, Any] = {}
    used: set[str] = set()
    for table in (own, row):
        variables = Variables(values, facts, chance)
        values = {**values, **variables.filled(table)}
        used |= variables.facts_used
    variables = Variables(values, facts, chance)
    filled: dict[str, Any] = variables.filled(bare)
    return filled, used | variables.facts_used


def _case(table: Mapping[str, Any], where: str) -> Case:
    name = table.get("name")
    if not isinstance(name, str) or not name:
        raise ScenarioWrong(f"{where}: a case has a name")
    steps = table.get("step", [])
    if not isinstance(steps, list) or not steps:
        raise ScenarioWrong(f"{where} {name!r}: there is no [[case.step]]")
    made = tuple(
        _all(
            partial(_step, step, f"{where} {name!r}, step {at}") for at, step in enumerate(steps, 1)
        )
    )
    _require_saved(made)
    return Case(
        name=name, file=where, proves=_value(table, "proves", shapes.text, where, ""),
        tags=_words(table.get("tags", []), where), steps=made,
        sign_on=_value(table, "sign_on", shapes.flag, where, otherwise=True),
        repeat=_value(table, "repeat", shapes.positive, where, 1),
    )  # fmt: skip


def _step(table: Mapping[str, Any], at: str) -> Step:
    _known(table, (*shapes.STEP, "expect"), at)
    if "do" not in table:
        raise ScenarioWrong(f"{at}: there is no do; it says what the step does")
    given = _shaped(table, shapes.STEP, at)
    return Step(at=at, expect=_expectation(table.get("expect"), f"{at}, expect"), **given)


def _expectation(table: Mapping[str, Any] | None, at: str) -> Expectation | None:
    if table is None:
        return None
    _known(table, shapes.EXPECT, at)
    return Expectation(**_shaped(table, shapes.EXPECT, at))


def _shaped(table: Mapping[str, Any], known: Mapping[str, shapes.Shape], at: str) -> dict[str, Any]:
    return {
        _OTHERWISE.get(key, key): _value(table, key, shape, at)
        for key, shape in known.items()
        if key in table
    }


def _value(
    table: Mapping[str, Any], key: str, shape: shapes.Shape, at: str, otherwise: Any = None
) -> Any:
    if key not in table:
        return otherwise
    try:
        return shape(table[key])
    except ValueError as error:
        raise ScenarioWrong(f"{at}: {key} {error}") from None


def _all(reads: Iterable[Callable[[], T]]) -> list[T]:
    """Return what each reads.  Raises ``ScenarioWrong`` with what all of them say, a line each."""
    made, wrong = [], []
    for read in reads:
        try:
            made.append(read())
        except ScenarioWrong as one:
            wrong.append(str(one))
    if wrong:
        raise ScenarioWrong("\n".join(dict.fromkeys(wrong)))
    return made


def _rows(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        message = "is a list of tables, one for each case"
        raise ValueError(message)
    return value


def _words(value: Any, where: str) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ScenarioWrong(f"{where}: tags is a list of words")
    return frozenset(value)


def _require_saved(steps: Sequence[Step]) -> None:
    """Raise ``ScenarioWrong`` for a step that names what no step before it has saved."""
    saved: set[str] = set()
    for step in steps:
        wanted = {step.again} if step.do == "repeat" else set()
        wanted |= {step.expect.same_as} - {None} if step.expect else set()
        missing = wanted - saved
        if missing:
            raise ScenarioWrong(
                f"{step.at}: no step before it has save = {next(iter(missing)) or ''!r}"
            )
        saved |= {step.save} if step.save else set()


def _known(table: Any, keys: Iterable[str], where: str) -> None:
    if not isinstance(table, Mapping):
        raise ScenarioWrong(f"{where}: is no table")
    for key in table:
        if key not in keys:
            near = difflib.get_close_matches(key, keys, n=1)
            advice = (
                f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(keys))}"
            )
            raise ScenarioWrong(f"{where}: {key!r} is not known; {advice}")
