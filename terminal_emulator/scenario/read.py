"""Read scenario files: TOML into cases, every mistake named by file, case, step and key.

Plan: a file has ``[[case]]`` tables with ``[[case.step]]``; a case with ``each`` (a list of
tables) stands for as many cases, in whose texts ``${key}`` is put in.  ``${digits:6}`` draws
digits from the seed, ``${card.ROLE}`` and ``${kpj.ROLE}`` are facts of the target.
"""

import random
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from terminal_emulator.scenario.model import OTHER_STEPS, VERBS, Case, Expectation, Step

_VARIABLE = re.compile(r"\$\{([A-Za-z_.:0-9-]+)\}")
_STEP_KEYS = {
    "do", "expect", "card", "pin", "data", "mti", "code", "set", "unset", "skew", "mac", "save",
    "again", "hex", "replace", "cut", "append", "length", "split", "drip", "times", "hold",
    "seconds",
}  # fmt: skip
_EXPECT_KEYS = set(Expectation.__dataclass_fields__)
_CASE_KEYS = {"name", "proves", "tags", "step", "sign_on", "repeat", "each", "vars"}
_FILE_KEYS = {"title", "vars", "case", "tags"}
_MACS = ("right", "wrong", "missing", "truncated")

Facts = Callable[[str], str | None]
"""What a ``${name}`` stands for at the target; ``None`` for a name it does not know."""


class ScenarioWrong(ValueError):
    """A scenario file cannot be used; the text names file, case, step and key."""


def read_cases(text: str, file: str, facts: Facts, seed: str) -> list[Case]:
    """Read all cases of a file.  Raises ``ScenarioWrong``."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioWrong(f"{file}: {error}") from None
    _known(document, _FILE_KEYS, file)
    tables = document.get("case", [])
    if not isinstance(tables, list) or not tables:
        raise ScenarioWrong(f"{file}: there is no [[case]]")
    shared, tags = document.get("vars", {}), document.get("tags", [])
    cases = [
        case
        for number, table in enumerate(tables, 1)
        for case in _cases(table, f"{file}: case {number}", {**shared}, facts, seed)
    ]
    names = [case.name for case in cases]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ScenarioWrong(f"{file}: two cases are called {twice!r}")
    return [_tagged(case, tags, file) for case in cases]


def _tagged(case: Case, tags: Sequence[str], file: str) -> Case:
    return Case(
        name=case.name, file=file, proves=case.proves, tags=case.tags | frozenset(tags),
        steps=case.steps, sign_on=case.sign_on, repeat=case.repeat,
    )  # fmt: skip


def _cases(
    table: Mapping[str, Any], where: str, values: dict[str, Any], facts: Facts, seed: str
) -> Iterator[Case]:
    _known(table, _CASE_KEYS, where)
    for row in table.get("each", [{}]):
        own = {**values, **table.get("vars", {}), **row}
        chance = random.Random(f"{seed} {where} {row}")  # noqa: S311 - digits of a test
        filled = _filled({k: v for k, v in table.items() if k != "each"}, own, facts, chance, where)
        name = filled.get("name")
        if not isinstance(name, str) or not name:
            raise ScenarioWrong(f"{where}: a case has a name")
        steps = filled.get("step", [])
        if not steps:
            raise ScenarioWrong(f"{where} {name!r}: there is no [[case.step]]")
        yield Case(
            name=name, file=where, proves=filled.get("proves", ""),
            tags=frozenset(filled.get("tags", [])), sign_on=filled.get("sign_on", True),
            repeat=filled.get("repeat", 1),
            steps=tuple(
                _step(step, f"{where} {name!r}, step {at}") for at, step in enumerate(steps, 1)
            ),
        )  # fmt: skip


def _filled(
    value: Any, own: Mapping[str, Any], facts: Facts, chance: random.Random, where: str
) -> Any:
    """Put the variables in, however deep they stand."""
    if isinstance(value, str):
        whole = _VARIABLE.fullmatch(value)
        if whole and whole[1] in own:
            return own[whole[1]]  # a number stays a number
        return _VARIABLE.sub(
            lambda found: str(_variable(found[1], own, facts, chance, where)), value
        )
    if isinstance(value, list):
        return [_filled(one, own, facts, chance, where) for one in value]
    if isinstance(value, dict):
        return {
            str(_filled(key, own, facts, chance, where)): _filled(one, own, facts, chance, where)
            for key, one in value.items()
        }
    return value


def _variable(
    name: str, own: Mapping[str, Any], facts: Facts, chance: random.Random, where: str
) -> Any:
    if name in own:
        return own[name]
    drawn = re.fullmatch(r"digits:([0-9]{1,3})", name)
    if drawn:
        return "".join(chance.choices("0123456789", k=int(drawn[1])))
    fact = facts(name)
    if fact is None:
        raise ScenarioWrong(f"{where}: nothing is called ${{{name}}}; see [vars] and the target")
    return fact


def _step(table: Mapping[str, Any], at: str) -> Step:
    _known(table, _STEP_KEYS, at)
    do = table.get("do")
    if do not in (*VERBS, *OTHER_STEPS):
        raise ScenarioWrong(f"{at}: do is one of {', '.join((*VERBS, *OTHER_STEPS))}, not {do!r}")
    if table.get("mac", "right") not in _MACS:
        raise ScenarioWrong(f"{at}: mac is one of {', '.join(_MACS)}")
    given = {
        key: table[key]
        for key in (
            "card", "pin", "data", "mti", "code", "skew", "mac", "save", "again", "cut", "length",
            "drip", "times", "hold", "seconds",
        )
        if key in table
    }  # fmt: skip
    try:
        return Step(
            do=do, at=at, expect=_expectation(table.get("expect"), at),
            set=_numbered(table.get("set", {}), at), unset=tuple(table.get("unset", ())),
            octets=bytes.fromhex(table.get("hex", "")),
            append=bytes.fromhex(table.get("append", "")),
            replace=tuple(
                (old.encode("latin-1"), new.encode("latin-1"))
                for old, new in table.get("replace", ())
            ),
            split=_split(table.get("split", ()), at), **given,
        )  # fmt: skip
    except (TypeError, ValueError) as error:
        if isinstance(error, ScenarioWrong):
            raise
        raise ScenarioWrong(f"{at}: {error}") from None


def _split(value: Any, at: str) -> tuple[int, ...] | str:
    if value == "every":
        return "every"
    if isinstance(value, list | tuple) and all(isinstance(one, int) for one in value):
        return tuple(value)
    raise ScenarioWrong(f'{at}: split is a list of offsets, or "every"')


def _expectation(table: Mapping[str, Any] | None, at: str) -> Expectation | None:
    if table is None:
        return None
    _known(table, _EXPECT_KEYS, f"{at}, expect")
    given = dict(table)
    given["elements"] = _numbered(given.get("elements", {}), f"{at}, expect")
    for name in ("present", "absent", "echoed"):
        given[name] = tuple(given.get(name, ()))
    return Expectation(**given)


def _numbered(table: Mapping[str, Any], at: str) -> dict[int, str]:
    wrong = [key for key in table if not re.fullmatch(r"[0-9]{1,3}", key)]
    if wrong:
        raise ScenarioWrong(f"{at}: {wrong[0]!r} is no number of a data element")
    return {int(key): str(value) for key, value in table.items()}


def _known(table: Mapping[str, Any], keys: set[str], where: str) -> None:
    if not isinstance(table, Mapping):
        raise ScenarioWrong(f"{where}: is no table")
    for key in table:
        if key not in keys:
            raise ScenarioWrong(
                f"{where}: {key!r} is not known; there are {', '.join(sorted(keys))}"
            )
