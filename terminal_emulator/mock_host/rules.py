"""Rules of a mock host: which requests, and what becomes of them.

Plan: TOML, ``[[rule]]`` tables in order; the first that fits decides.  What no rule fits is
answered as a well-meaning host would.
"""

import random
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from atm_switch.wire.message import IsoMessage

ACTIONS = ("answer", "drop", "close", "reset", "garbage")
SECONDS_MAX, TIMES_MAX = 3_600, 100
_ELEMENTS = range(2, 129)

EXAMPLE = """\
# Rules of a mock host; the first that fits a request decides.
# Without any rule 0800 gets 00, and 0200 gets 00 with an invented balance.

[[rule]]                       # every tenth inquiry: the ledger is away
mti = "0200"
every = 10
code = "91"

[[rule]]                       # one terminal is slow; 2 = "..." would name a card
elements = { 41 = "S1ABC126" }
delay = 3.0                    # seconds

[[rule]]                       # one in a hundred is never answered
chance = 0.01
do = "drop"                    # answer drop close reset garbage

[[rule]]                       # the third inquiry only: the link breaks
mti = "0200"
nth = 3
do = "reset"

[[rule]]                       # one terminal gets each answer a second time, half a second later
elements = { 41 = "S1ABC124" }
times = 2
apart = 0.5                    # seconds

[[rule]]                       # an answer with an element changed and one left out
elements = { 41 = "S1ABC125" }
set = { 41 = "S1ABC999" }
unset = [37]
"""


class RulesWrong(ValueError):
    """A rules file cannot be used; the text names the rule and the key."""


@dataclass(slots=True)
class Rule:
    """One rule; ``met`` counts the requests that fitted it so far."""

    mti: str | None = None
    elements: Mapping[int, str] = field(default_factory=dict, repr=False)
    every: int = 1
    nth: int = 0
    """Of the requests that fit, only this one; 0 for any."""
    chance: float = 1.0
    do: str = "answer"
    code: str | None = None
    set: Mapping[int, str] = field(default_factory=dict)
    unset: tuple[int, ...] = ()
    delay: float = 0.0
    times: int = 1
    apart: float = 0.0
    """Seconds between the same answer and the next."""
    met: int = 0

    def fits(self, request: IsoMessage, chance: random.Random) -> bool:
        """Tell whether this rule decides about a request."""
        if self.mti is not None and request.mti != self.mti:
            return False
        if any(request.get(number) != text for number, text in self.elements.items()):
            return False
        self.met += 1
        if self.nth and self.met != self.nth:
            return False
        return self.met % self.every == 0 and chance.random() < self.chance


@dataclass(slots=True)
class Rules:
    """All rules, and how often each thing was done."""

    rules: Sequence[Rule] = ()
    chance: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311 - tests
    done: Counter[str] = field(default_factory=Counter)

    def rule_for(self, request: IsoMessage) -> Rule:
        """Return the rule that decides about a request."""
        found = next((one for one in self.rules if one.fits(request, self.chance)), None)
        return found or Rule()


def read_rules(text: str, seed: str) -> Rules:
    """Read a rules file.  Raises ``RulesWrong``."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RulesWrong(str(error)) from None
    strange = sorted(set(document) - {"rule"})
    if strange:
        raise RulesWrong(f"{strange[0]!r} is not known; there is [[rule]]")
    tables = document.get("rule", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise RulesWrong("a rule begins with [[rule]], in two brackets")
    rules = [_rule(table, number, text) for number, table in enumerate(tables, 1)]
    return Rules(rules, random.Random(seed))  # noqa: S311 - which requests, not keys


def _rule(table: Mapping[str, Any], number: int, text: str) -> Rule:
    for key, value in table.items():
        check = _CHECKS.get(key)
        if check is None:
            said = f"{key!r} is not known; there are {', '.join(sorted(_CHECKS))}"
        elif check[0](value):
            continue
        else:
            said = f"{key} is {check[1]}"
        raise RulesWrong(f"line {_line_of(text, number, key)}: rule {number}: {said}")
    given = {**table, "unset": tuple(table.get("unset", ()))}
    for name in ("elements", "set"):
        given[name] = {int(key): str(value) for key, value in table.get(name, {}).items()}
    return Rule(**given)


def _line_of(text: str, number: int, key: str) -> int:
    """Return the line where a rule has a key, or where the rule begins; from 1."""
    seen = begins = 0
    for at, line in enumerate(text.splitlines(), 1):
        if re.match(r"\s*\[\[\s*rule\s*\]\]", line):
            seen, begins = seen + 1, at if seen + 1 == number else begins
        elif seen == number and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line):
            return at
    return begins


def _is_whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_number(value: object, most: float) -> bool:
    # nan and infinity are TOML too; neither is within bounds.
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most


def _is_numbered(value: object) -> bool:
    return isinstance(value, dict) and all(
        re.fullmatch(r"[0-9]{1,3}", key) and int(key) in _ELEMENTS
        and isinstance(text, str | int) and not isinstance(text, bool)
        for key, text in value.items()
    )  # fmt: skip


def _is_text(pattern: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


_COUNT = (lambda value: _is_whole(value, 1, 10**9), "a whole number from 1 on")
_SECONDS = (
    lambda value: _is_number(value, SECONDS_MAX), f"seconds, from 0 to {SECONDS_MAX}",
)  # fmt: skip
_NUMBERED = (_is_numbered, 'a table of data elements from 2 to 128, as { 41 = "S1ABC124" }')

_CHECKS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "mti": (_is_text("[0-9]{4}"), 'four digits, as "0200"'),
    "elements": _NUMBERED,
    "every": _COUNT,
    "nth": _COUNT,
    "chance": (lambda value: _is_number(value, 1), "from 0 to 1"),
    "do": (lambda value: value in ACTIONS, f"one of {', '.join(ACTIONS)}"),
    "code": (_is_text("[0-9A-Z]{2}"), 'two characters, as "91"'),
    "set": _NUMBERED,
    "unset": (
        lambda value: isinstance(value, list) and all(_is_whole(one, 2, 128) for one in value),
        "a list of data elements from 2 to 128, as [37]",
    ),
    "delay": _SECONDS,
    "times": (
        lambda value: _is_whole(value, 1, TIMES_MAX), f"a whole number from 1 to {TIMES_MAX}",
    ),
    "apart": _SECONDS,
}  # fmt: skip
"""What each key of a rule may be, and how that is said."""
