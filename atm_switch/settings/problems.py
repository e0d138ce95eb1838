"""Say what is wrong with settings so that the reader can mend them without a manual.

Every line reads ``switch.toml:LINE: section.key = value: what is wrong; what to do``.
Limits: a value that could be a secret (long digits or hexadecimal, or under a key nobody
knows) is never repeated.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args

from pydantic import BaseModel

from atm_switch.settings.lines import Place
from atm_switch.settings.model import Settings

_PASSWORD = re.compile(r"(://[^/@:]*:).*@")
_SECRET = re.compile(r"[0-9A-Fa-f]{13,}")
_SHOWN_MAX = 40

_RULES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _: "is missing; add it",
    "greater_than_equal": lambda limit: f"is too small; the least is {limit['ge']}",
    "greater_than": lambda limit: f"is too small; it must be above {limit['gt']}",
    "less_than_equal": lambda limit: f"is too large; the most is {limit['le']}",
    "literal_error": lambda limit: f"is none of the choices; write {limit['expected']}",
    "too_short": lambda _: "is empty; give at least one",
    "string_too_short": lambda _: "is empty; write something between the quotes",
    "string_too_long": lambda limit: f"is too long; the most is {limit['max_length']} characters",
    "string_type": lambda _: "is not text; put it in quotes",
    "tuple_type": lambda _: "is no list; put it in [ ]",
    "value_error": lambda limit: str(limit["error"]),
}
_BY_KIND = {
    "int": "is not a whole number; write digits only",
    "float": "is not a number; write e.g. 30 or 0.5",
    "bool": "is neither true nor false; write one of them without quotes",
    "model": "is not a table; see atm-switch config example",
}


def known_keys(place: Place) -> tuple[str, ...]:
    """Name the keys that may stand in the table at ``place``."""
    model: type[BaseModel] | None = Settings
    for part in place:
        if isinstance(part, str) and model is not None:
            model = _model_at(model, part)
    fields = {} if model is None else model.model_fields
    return tuple(field.alias or name for name, field in fields.items())


def suggest(word: str, choices: Iterable[str]) -> str:
    """Say what may have been meant; nothing where nothing is near, all where few are."""
    known = list(choices)
    near = difflib.get_close_matches(word, known, n=1)
    if near:
        return f"did you mean {near[0]}?"
    return f"there are: {', '.join(known)}" if known else "take it out"


def written(place: Place) -> str:
    """Write a place as a reader looks for it: ``acquirers[2].pin``, counted from 1."""
    text = ""
    for part in place:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def describe(kind: str, place: Place, value: object, context: Mapping[str, Any]) -> str:
    """Write ``section.key = value: what is wrong; what to do`` of one pydantic error."""
    if kind == "extra_forbidden":
        *table, key = place
        return f"{written(place)}: unknown key; {suggest(str(key), known_keys(tuple(table)))}"
    rule = _RULES.get(kind)
    text = rule(context) if rule else _BY_KIND.get(kind.partition("_")[0], "cannot be read")
    if kind == "literal_error" and isinstance(value, str):
        choices = re.findall(r"'([^']*)'", str(context["expected"]))
        near = difflib.get_close_matches(value, choices, n=1)
        text += f"; did you mean {near[0]}?" if near else ""
    if kind == "missing" or isinstance(value, dict | list):
        return f"{written(place)}: {text}"
    return f"{written(place)} = {shown(value)}: {text}"


def shown(value: object) -> str:
    """Write a value as TOML would, shortened; hidden where it could be a secret."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(shown(one) for one in value)}]"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    printable = "".join(one if one.isprintable() else "?" for one in text)
    printable = _PASSWORD.sub(r"\1***@", printable)
    if _SECRET.search(re.sub(r"[\s-]", "", printable)):
        return "(not shown)"
    return printable if len(printable) <= _SHOWN_MAX else f"{printable[:_SHOWN_MAX]}..."


def _model_at(model: type[BaseModel], part: str) -> type[BaseModel] | None:
    """Find the model of the table a field holds, or of the tables it lists."""
    for name, field in model.model_fields.items():
        if part == (field.alias or name):
            for kind in (field.annotation, *get_args(field.annotation)):
                if isinstance(kind, type) and issubclass(kind, BaseModel):
                    return kind
    return None
