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

WORDS = {str: "a text", int: "a whole number", bool: "true or false", list: "a list"}
"""What a kind of value is called in a problem."""


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
        message = f"must be {WORDS.get(kind, 'a table')}"
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


def _element(key: str, row: Any, problems: Problems) -> Element | None:
    fault = _element_fault(key, row)
    if fault:
        problems.add(f"elements.{key}", fault)
        return None
    dots, longest = _length_of(row)
    return Element(
        number=int(key),
        name=row["name"],
        content=row["class"],
        length_digits=dots,
        shortest=row.get("min", 1) if dots else longest,
        longest=longest,
        show=Show(row.get("show", "plain")),
    )


def _element_fault(key: str, row: Any) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,2}", key) or not 2 <= int(key) <= 128 or int(key) == 65:
        return "must be numbered 2 to 128, without 65"
    is_table = isinstance(row, dict)
    if not is_table or row.keys() - {"name", "class", "length", "min", "show"}:
        return "must be a table of name, class, length, min and show"
    if not isinstance(row.get("name"), str) or row.get("class") not in CONTENTS:
        return f"needs a name and a class, one of {' '.join(CONTENTS)}"
    if row.get("show", "plain") not in [show.value for show in Show]:
        return "must have show plain, masked or hidden"
    return _length_fault(row)


def _length_fault(row: Mapping[str, Any]) -> str:
    dots, longest = _length_of(row)
    if not 1 <= longest <= (99 if dots == 2 else 999):
        return 'needs a length: 6, "..19" or "...999"'
    least = row.get("min", 1)
    if type(least) is not int or not 1 <= least <= (longest if dots else 1):
        return "must have a min from 1 to its length, and none if that is fixed"
    return ""


def _length_of(row: Mapping[str, Any]) -> tuple[int, int]:
    """Return the digits of the length before the content, and the longest; 0, 0 for nonsense."""
    given = row.get("length")
    found = re.fullmatch(r"(\.\.|\.\.\.)([0-9]{1,3})", given) if isinstance(given, str) else None
    if found is not None:
        return len(found[1]), int(found[2])
    return 0, given if type(given) is int else 0


def read_messages(
    table: Mapping[str, Any], problems: Problems
) -> tuple[dict[str, MessageRule], frozenset[int]]:
    """Read ``[messages]``: the rules by name, and what a refusal echoes."""
    rules = {}
    for name in table.keys() - {"refusal"}:
        row = _row_of(table[name], f"messages.{name}", RULE_KEYS, problems)
        rules[name] = _rule(name, row, problems)
        if not rules[name].mti:
            problems.add(f"messages.{name}.mti", "is missing")
    for name in ("network", "inquiry", "reversal"):
        if name not in rules:
            problems.add(f"messages.{name}", "is missing")
    refusal = _row_of(table.get("refusal", {}), "messages.refusal", frozenset({"echo"}), problems)
    return {name: rules[name] for name in table if name in rules}, frozenset(
        _list_of(int, refusal, "echo", "messages.refusal", problems)
    )


RULE_KEYS = frozenset({"mti", "processing_codes", "mandatory", "optional", "echo", "response"})


def _rule(name: str, row: Mapping[str, Any], problems: Problems) -> MessageRule:
    place = f"messages.{name}"
    numbers = {
        key: frozenset(_list_of(int, row, key, place, problems))
        for key in ("mandatory", "optional", "echo", "response")
    }
    mti = _list_of(str, row, "mti", place, problems)
    codes = _list_of(str, row, "processing_codes", place, problems)
    for key, words, shape in (("mti", mti, "[0-9]{4}"), ("processing_codes", codes, "[0-9x]{6}")):
        if not all(re.fullmatch(shape, word) for word in words):
            problems.add(f"{place}.{key}", f"must be texts of the shape {shape}")
    return MessageRule(name=name, mti=mti, processing_codes=codes, **numbers)


def _row_of(row: Any, place: str, keys: frozenset[str], problems: Problems) -> Mapping[str, Any]:
    if not isinstance(row, dict):
        problems.add(place, "must be a table")
        return {}
    for key in sorted(row.keys() - keys):
        problems.add(f"{place}.{key}", "is not known here")
    return row


def _list_of(
    kind: type[T], row: Mapping[str, Any], key: str, place: str, problems: Problems
) -> tuple[T, ...]:
    given = row.get(key, [])
    if isinstance(given, list) and all(type(item) is kind for item in given):
        return tuple(given)
    problems.add(f"{place}.{key}", f"must be a list of {WORDS[kind].split(' ', 1)[1]}s")
    return ()


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


def read_words(table: Any, place: str, problems: Problems) -> dict[str, str]:
    """Read a table of texts."""
    if not isinstance(table, dict):
        problems.add(place, "must be a table")
        return {}
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
