"""Read the tables of a profile, collecting problems instead of stopping at the first."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from atm_switch.domain.outcome import Outcome
from atm_switch.profile.model import (
    ChannelRule,
    Element,
    LayoutField,
    MessageRule,
    OutcomeRow,
    Show,
    SlipTexts,
)

T = TypeVar("T")

CONTENTS = ("n", "a", "an", "ans", "z", "b")
"""Content classes of ISO 8583:1987 as the profiles use them."""


class Problems:
    """A list of lines, each naming its place."""

    def __init__(self) -> None:
        """Start with none."""
        self.lines: list[str] = []

    def add(self, place: str, what: str) -> None:
        """Add one line."""
        self.lines.append(f"{place} {what}")


def read_table(cls: type[T], table: Any, place: str, problems: Problems) -> T | None:
    """Read a table into the dataclass ``cls``: each field a key, no key besides."""
    if not isinstance(table, dict):
        problems.add(place, "must be a table")
        return None
    hints = get_type_hints(cls)
    names = {field.name for field in fields(cls)}  # type: ignore[arg-type]
    for key in sorted(table.keys() - names):
        problems.add(f"{place}.{key}", "is not known here")
    values = {}
    for name in sorted(names):
        if name not in table:
            problems.add(f"{place}.{name}", "is missing")
            continue
        try:
            values[name] = _value(hints[name], table[name])
        except ValueError as error:
            problems.add(f"{place}.{name}", str(error))
    return cls(**values) if values.keys() == names else None


def _value(kind: Any, given: Any) -> Any:
    if kind is bytes:
        return _bytes(given)
    if get_origin(kind) is tuple:
        return tuple(_value(get_args(kind)[0], item) for item in _checked(list, given))
    if get_origin(kind) is not None:
        return dict(_checked(dict, given))
    return _checked(kind, given)


def _checked(kind: type[T], given: Any) -> T:
    if type(given) is not kind:
        words = {str: "a text", int: "a whole number", bool: "true or false", list: "a list"}
        message = f"must be {words.get(kind, 'a table')}"
        raise ValueError(message)
    return given


def _bytes(given: Any) -> bytes:
    try:
        return bytes.fromhex(_checked(str, given))
    except ValueError:
        message = "must be hexadecimal text"
        raise ValueError(message) from None


def read_elements(table: Mapping[str, Any], problems: Problems) -> dict[int, Element]:
    """Read ``[elements]``."""
    elements = {}
    for key, row in table.items():
        element = _element(key, row, problems)
        if element is not None:
            elements[element.number] = element
    return elements


def _element(key: str, row: Mapping[str, Any], problems: Problems) -> Element | None:
    place = f"elements.{key}"
    if not re.fullmatch(r"[0-9]{1,3}", key) or not 2 <= int(key) <= 128 or int(key) == 65:
        problems.add(place, "must be numbered 2 to 128, without 65")
        return None
    unknown = row.keys() - {"name", "class", "length", "min", "show"}
    length = re.fullmatch(r"(\.{0,3})([0-9]{1,3})", str(row.get("length", "")))
    if unknown or length is None or length[1] == "." or row.get("class") not in CONTENTS:
        problems.add(
            place, 'needs name, class (n a an ans z b), length (6, "..19", "...999"), min, show'
        )
        return None
    longest = int(length[2])
    return Element(
        number=int(key),
        name=str(row.get("name", "")),
        content=row["class"],
        length_digits=len(length[1]),
        shortest=int(row.get("min", 1)) if length[1] else longest,
        longest=longest,
        show=Show(row.get("show", "plain")),
    )


def read_messages(
    table: Mapping[str, Any], problems: Problems
) -> tuple[dict[str, MessageRule], frozenset[int]]:
    """Read ``[messages]``: the rules by name, and what a refusal echoes."""
    rules = {}
    for name, row in table.items():
        if name == "refusal":
            continue
        unknown = row.keys() - {f.name for f in fields(MessageRule)}
        if unknown:
            problems.add(f"messages.{name}", f"does not know {', '.join(sorted(unknown))}")
        rules[name] = MessageRule(
            name=name,
            mti=tuple(row.get("mti", ())),
            processing_codes=tuple(row.get("processing_codes", ())),
            mandatory=frozenset(row.get("mandatory", ())),
            optional=frozenset(row.get("optional", ())),
            echo=frozenset(row.get("echo", ())),
            response=frozenset(row.get("response", ())),
        )
    for name in ("network", "inquiry", "reversal"):
        if name not in rules:
            problems.add(f"messages.{name}", "is missing")
    return rules, frozenset(table.get("refusal", {}).get("echo", ()))


def read_channels(table: Mapping[str, Any], problems: Problems) -> dict[str, ChannelRule]:
    """Read ``[channels]``."""
    rules = {}
    for key, row in table.items():
        rule = read_table(ChannelRule, row, f"channels.{key}", problems)
        if rule is not None:
            rules[key] = rule
    return rules


def read_layouts(
    table: Mapping[str, Any], problems: Problems
) -> dict[str, tuple[LayoutField, ...]]:
    """Read ``[layouts]``."""
    layouts = {}
    for name, rows in table.items():
        try:
            layouts[name] = tuple(LayoutField(str(n), int(length), str(c)) for n, length, c in rows)
        except (TypeError, ValueError):
            problems.add(f"layouts.{name}", "must be a list of [name, length, class]")
    for name in ("inquiry_request", "inquiry_response"):
        if name not in table:
            problems.add(f"layouts.{name}", "is missing")
    return layouts


def read_words(table: Mapping[str, Any], place: str, problems: Problems) -> dict[str, str]:
    """Read a table of texts."""
    for key, value in table.items():
        if not isinstance(value, str):
            problems.add(f"{place}.{key}", "must be a text")
    return {key: str(value) for key, value in table.items()}


def read_outcomes(
    table: Mapping[str, Any], languages: Sequence[str], problems: Problems
) -> dict[Outcome, OutcomeRow]:
    """Read ``[outcomes]``: every outcome once, with a code and a text in every language."""
    rows = {}
    for key in sorted(table.keys() - {outcome.value for outcome in Outcome}):
        problems.add(f"outcomes.{key}", "is no outcome of the switch")
    for outcome in Outcome:
        row = read_words(table.get(outcome.value, {}), f"outcomes.{outcome.value}", problems)
        texts = {language: row.get(language.lower(), "") for language in languages}
        if not re.fullmatch(r"[0-9A-Z]{2}", row.get("code", "")) or not all(texts.values()):
            problems.add(f"outcomes.{outcome.value}", f"needs code and {', '.join(languages)} text")
        rows[outcome] = OutcomeRow(row.get("code", ""), texts)
    return rows


def read_texts(
    table: Mapping[str, Any], languages: Sequence[str], problems: Problems
) -> dict[str, SlipTexts]:
    """Read ``[texts.XX]`` of every language."""
    texts = {}
    for language in languages:
        slip = read_table(SlipTexts, table.get(language), f"texts.{language}", problems)
        if slip is not None:
            texts[language] = slip
    return texts
