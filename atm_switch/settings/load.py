"""Read the settings of a data folder: the file, the environment, every problem at once.

Plan: ``tomllib`` reads the text, pydantic-settings lays the environment over it, all
errors are turned into lines a person can act on.  The environment may set single values
of plain sections (``ATM_LIMITS__IN_FLIGHT_MAX=64``, ``ATM_MODE=lab``); lists of tables and
unknown names are refused.  ``ATM_TEST_...`` is left to tests.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import SettingsError

from atm_switch.domain.errors import SwitchError
from atm_switch.settings.lines import find_lines, line_of
from atm_switch.settings.model import (
    ENVIRONMENT_DELIMITER,
    ENVIRONMENT_PREFIX,
    Place,
    Settings,
)
from atm_switch.settings.problems import describe, known_keys, shown, suggest, written
from atm_switch.wire.variant import BUILD, FORCE

FILE_NAME = "switch.toml"
TABLES = ("listeners", "lines", "acquirers", "terminals")
_TABLES = tuple(ENVIRONMENT_PREFIX + one.upper() for one in TABLES)
"""Lists of tables are no matter for a variable."""
_TEST_PREFIX = "ATM_TEST_"


class SettingsWrong(SwitchError):
    """The settings cannot be used; ``lines`` holds one sentence for every problem."""

    def __init__(self, lines: list[str]) -> None:
        """Keep the lines; the text is all of them."""
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


@dataclass(frozen=True, slots=True)
class _Source:
    """The file as read: its name for messages, its content, its lines."""

    name: str
    content: dict[str, Any]
    lines: dict[Place, int]

    def problem(self, place: Place, text: str) -> tuple[int, str]:
        """Put a problem where it can be mended: a line of the file, or a variable."""
        variable = variable_of(place)
        if variable in os.environ:  # noqa: TID251 - settings are the edge
            return 0, f"{variable}: {text}"
        line = line_of(place, self.lines)
        return line or 0, f"{self.name}:{line}: {text}" if line else f"{self.name}: {text}"


def load_settings(folder: Path) -> Settings:
    """Read ``switch.toml`` of a data folder, or a settings file given itself.

    Raises ``SettingsWrong`` with all that is wrong.
    """
    path = folder / FILE_NAME if folder.is_dir() else folder
    return read_settings(settings_text(folder), path.name)


def settings_text(folder: Path) -> str:
    """Return the text of ``switch.toml`` of a data folder, or of a settings file given itself.

    Raises ``SettingsWrong`` where it cannot be read.
    """
    path = folder / FILE_NAME if folder.is_dir() else folder
    try:
        return path.read_bytes().decode()  # as it is, line ends too: the audit names its digest
    except UnicodeDecodeError:
        raise SettingsWrong([f"{path.name}: is not UTF-8 text; save it as UTF-8"]) from None
    except OSError as error:
        reason = error.strerror or "cannot be read"
        message = f"{path}: {reason}; make a data folder with: atm-switch init DIR"
        raise SettingsWrong([message]) from None


def read_settings(text: str, name: str = FILE_NAME) -> Settings:
    """Read the text of a settings file; ``name`` stands before each problem's line.

    Raises ``SettingsWrong`` with all that is wrong.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsWrong([_not_toml(name, str(error))]) from None
    source = _Source(name, content, find_lines(text))
    strangers = [*_strange_variables(), *_reserved_keys(source)]
    try:
        settings = Settings(**{key: content[key] for key in content if not key.startswith("_")})
    except ValidationError as error:
        found = sorted(_validation(error, source), key=lambda one: one[0])
        raise SettingsWrong([*strangers, *(line for _, line in found)]) from None
    except SettingsError:
        raise SettingsWrong(strangers or ["environment: an ATM_ variable is unreadable"]) from None
    strangers += _weakened(settings, source)
    doubts = [
        source.problem(one.place, _contradiction(settings, one.place, one.text))
        for one in settings.contradictions()
    ]
    if strangers or doubts:
        raise SettingsWrong([*strangers, *(line for _, line in sorted(doubts))])
    return settings


def variable_of(place: Place) -> str:
    """Name the environment variable that sets the value at ``place``."""
    return ENVIRONMENT_PREFIX + ENVIRONMENT_DELIMITER.join(str(part).upper() for part in place)


def settable_variables() -> dict[str, Place]:
    """Map every variable the environment may set to its place."""
    places: list[Place] = []
    for key in known_keys(()):
        inner = known_keys((key,))
        if key in {*TABLES, "schema"}:
            continue
        places += [(key, one) for one in inner] if inner else [(key,)]
    return {variable_of(place): place for place in places}


def _strange_variables() -> Iterator[str]:
    environment: Mapping[str, str] = os.environ  # noqa: TID251 - settings are the edge
    known = settable_variables()
    for name in sorted(environment):
        upper = name.upper()
        is_ours = upper.startswith(ENVIRONMENT_PREFIX) and not upper.startswith(_TEST_PREFIX)
        if is_ours and name not in known and name not in (FORCE, BUILD):
            is_table = upper.startswith(_TABLES)
            advice = _WHERE if is_table or not _is_near(upper, known) else suggest(upper, known)
            yield f"environment: {name}: unknown variable; {advice}"


def _weakened(settings: Settings, source: _Source) -> Iterator[str]:
    """Refuse an environment that takes production back to the lab."""
    if source.content.get("mode") == "production" and settings.mode != "production":
        yield source.problem(
            ("mode",), f"{source.name} says production, and only the file takes that back; unset it"
        )[1]


def _reserved_keys(source: _Source) -> Iterator[str]:
    """Refuse what the settings class would take for a word to itself."""
    for key in source.content:
        if key.startswith("_"):
            yield source.problem((key,), f"{key}: unknown key; take it out")[1]


_WHERE = f"write tables in {FILE_NAME}, or unset it"


def _is_near(name: str, known: Mapping[str, Place]) -> bool:
    return suggest(name, known).startswith("did you mean")


def _validation(error: ValidationError, source: _Source) -> Iterator[tuple[int, str]]:
    for one in error.errors(include_url=False):
        place = one["loc"]
        text = describe(one["type"], place, one["input"], one.get("ctx", {}))
        yield source.problem(place, text)


def _contradiction(settings: Settings, place: Place, text: str) -> str:
    if len(place) < 3:
        return f"{written(place)}: {text}"
    name, at, key = place
    value = getattr(getattr(settings, str(name))[int(at)], str(key))
    return f"{written(place)} = {shown(value)}: {text}"


def _not_toml(name: str, message: str) -> str:
    """Turn tomllib's ``... (at line 3, column 5)`` into our form; it quotes no values."""
    what, _, where = message.partition(" (at ")
    number = "".join(one for one in where.partition(",")[0] if one.isdigit())
    line = f"{name}:{number}" if number else name
    return f"{line}: is not TOML: {what}; see atm-switch config example"
