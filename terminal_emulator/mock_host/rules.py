"""Rules of a mock host: which requests, and what becomes of them.

Plan: TOML, ``[[rule]]`` tables in order; the first that fits decides.  What no rule fits is
answered as a well-meaning host would.
"""

import random
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from atm_switch.wire.message import IsoMessage

ACTIONS = ("answer", "drop", "close", "reset", "garbage")
_KEYS = {"mti", "elements", "every", "chance", "do", "code", "set", "unset", "delay", "times"}

EXAMPLE = """\
# Rules of a mock host; the first that fits a request decides.
# Without any rule 0800 gets 00, and 0200 gets 00 with an invented balance.

[[rule]]                       # every tenth inquiry: the ledger is away
mti = "0200"
every = 10
code = "91"

[[rule]]                       # one card is slow
elements = { 2 = "9990090000000020" }
delay = 3.0                    # seconds

[[rule]]                       # one in a hundred is never answered
chance = 0.01
do = "drop"                    # answer drop close reset garbage

[[rule]]                       # answers come twice for one terminal
elements = { 41 = "S1ABC124" }
times = 2

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
    chance: float = 1.0
    do: str = "answer"
    code: str | None = None
    set: Mapping[int, str] = field(default_factory=dict)
    unset: tuple[int, ...] = ()
    delay: float = 0.0
    times: int = 1
    met: int = 0

    def fits(self, request: IsoMessage, chance: random.Random) -> bool:
        """Tell whether this rule decides about a request."""
        if self.mti is not None and request.mti != self.mti:
            return False
        if any(request.get(number) != text for number, text in self.elements.items()):
            return False
        self.met += 1
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
    rules = [_rule(table, number) for number, table in enumerate(document.get("rule", ()), 1)]
    return Rules(rules, random.Random(seed))  # noqa: S311 - which requests, not keys


def _rule(table: Mapping[str, Any], number: int) -> Rule:
    where = f"rule {number}"
    for key in table:
        if key not in _KEYS:
            raise RulesWrong(f"{where}: {key!r} is not known; there are {', '.join(sorted(_KEYS))}")
    if table.get("do", "answer") not in ACTIONS:
        raise RulesWrong(f"{where}: do is one of {', '.join(ACTIONS)}")
    if not 0 <= table.get("chance", 1.0) <= 1 or table.get("every", 1) < 1:
        raise RulesWrong(f"{where}: chance is from 0 to 1, every is 1 or more")
    given = {**table, "unset": tuple(table.get("unset", ()))}
    for name in ("elements", "set"):
        given[name] = _numbered(table.get(name, {}), where)
    return Rule(**given)


def _numbered(table: Mapping[str, Any], where: str) -> dict[int, str]:
    wrong = next((key for key in table if not re.fullmatch(r"[0-9]{1,3}", key)), None)
    if wrong is not None:
        raise RulesWrong(f"{where}: {wrong!r} is no number of a data element")
    return {int(key): str(value) for key, value in table.items()}
