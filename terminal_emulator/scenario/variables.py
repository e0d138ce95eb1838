"""Put variables into a case: its own, drawn ones, and facts of the target.

``${name}`` is a value of ``[vars]``, of the case or of its row in ``each``; ``${digits:6}``,
``${hex:16}`` and ``${letters:5}`` are drawn from the seed; ``${card.ROLE}``, ``${pin.ROLE}``
and ``${kpj.ROLE}`` are facts of the host under test.
"""

import random
import re
from collections.abc import Callable, Mapping
from typing import Any

_VARIABLE = re.compile(r"\$\{([A-Za-z_.:0-9-]+)\}")
_DRAWN = {
    "digits": "0123456789", "hex": "0123456789ABCDEF", "letters": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
}  # fmt: skip

Facts = Callable[[str], str | None]
"""What a ``${name}`` stands for at the target; empty where it has no such thing, ``None`` for
a name that no target has."""


class Variables:
    """What the names in one case stand for."""

    def __init__(self, own: Mapping[str, Any], facts: Facts, chance: random.Random) -> None:
        """``chance`` is seeded: the same draws come again."""
        self._own, self._facts, self._chance = own, facts, chance
        self.facts_used: set[str] = set()

    def filled(self, value: Any) -> Any:
        """Put the variables in, however deep they stand.

        A text that is one variable and nothing else becomes its value: a number stays one.
        Raises ``ValueError`` naming a variable that nobody gave.
        """
        if isinstance(value, str):
            alone = _VARIABLE.fullmatch(value)
            if alone and alone[1] in self._own:
                return self._own[alone[1]]
            return _VARIABLE.sub(lambda found: str(self._value(found[1])), value)
        if isinstance(value, list):
            return [self.filled(one) for one in value]
        if isinstance(value, dict):
            return {str(self.filled(key)): self.filled(one) for key, one in value.items()}
        return value

    def _value(self, name: str) -> Any:
        if name in self._own:
            return self._own[name]
        drawn = re.fullmatch(r"(digits|hex|letters):([0-9]{1,3})", name)
        if drawn:
            return "".join(self._chance.choices(_DRAWN[drawn[1]], k=int(drawn[2])))
        fact = self._facts(name)
        if fact is None:
            raise ValueError(f"nothing is called ${{{name}}}; see [vars] and the target")
        self.facts_used.add(name)
        return fact
