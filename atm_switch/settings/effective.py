"""The settings in effect, each with where it comes from."""

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from atm_switch.settings.example import toml_value
from atm_switch.settings.load import variable_of
from atm_switch.settings.model import Place, Settings
from atm_switch.settings.problems import written

Origin = Literal["default", "switch.toml", "environment"]


@dataclass(frozen=True, slots=True)
class Effective:
    """One value in effect."""

    key: str
    value: str
    origin: Origin


def effective_settings(settings: Settings, text: str) -> tuple[Effective, ...]:
    """List every value of ``settings``; ``text`` is the file they were read from."""
    content = tomllib.loads(text)
    return tuple(
        Effective(written(place), "-" if value is None else toml_value(value), origin)
        for place, value in _leaves(settings, ())
        for origin in [_origin(place, content)]
    )


def _leaves(value: object, place: Place) -> Iterator[tuple[Place, object]]:
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from _leaves(getattr(value, name), (*place, field.alias or name))
    elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
        for at, one in enumerate(value):
            yield from _leaves(one, (*place, at))
    else:
        yield place, value


def _origin(place: Place, content: Mapping[str, Any]) -> Origin:
    if variable_of(place) in os.environ:  # noqa: TID251 - settings are the edge
        return "environment"
    here: Any = content
    for part in place:
        try:
            here = here[part]
        except (KeyError, IndexError, TypeError):
            return "default"
    return "switch.toml"
