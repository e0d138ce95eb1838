"""Write settings out: the commented example, and the short file of a new folder.

Plan: both are made from the fields themselves - their descriptions, defaults and examples
- so what they say cannot differ from what is read.
"""

import json
import textwrap
from collections.abc import Iterator, Mapping

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from atm_switch.settings.dialling import OutgoingLine
from atm_switch.settings.listener import Listener
from atm_switch.settings.model import Settings
from atm_switch.settings.sections import Acquirer, Terminal

TABLES: Mapping[str, type[BaseModel]] = {
    "listeners": Listener,
    "lines": OutgoingLine,
    "acquirers": Acquirer,
    "terminals": Terminal,
}
_WIDTH = 88


def example_text() -> str:
    """Write every key there is, each with its meaning and its default."""
    lines = [*_remark("Settings of one atm-switch data folder; every key with its default."), ""]
    sections = []
    for name, field in Settings.model_fields.items():
        key = field.alias or name
        if key in TABLES:
            is_idle = key in ("lines", "terminals")
            sections.append(["", *_remark(field.description or "")])
            sections.append(_table(f"[[{key}]]", TABLES[key], is_idle=is_idle))
        elif isinstance(field.default, BaseModel):
            sections.append(["", *_remark(field.description or "")])
            sections.append(_table(f"[{key}]", type(field.default), is_idle=False))
        else:
            lines += [*_remark(field.description or ""), f"{key} = {toml_value(field.default)}"]
    return "\n".join([*lines, *(line for section in sections for line in section)]) + "\n"


def table_text(header: str, model: type[BaseModel], values: Mapping[str, object]) -> str:
    """Write one table with ``values``, each under its meaning: what a new folder gets."""
    lines = [header]
    for name, value in values.items():
        lines += [*_remark(model.model_fields[name].description or "")]
        lines.append(f"{name} = {toml_value(value)}")
    return "\n".join(lines) + "\n"


def toml_value(value: object) -> str:
    """Write a value as TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return f"[{', '.join(toml_value(one) for one in value)}]"
    if isinstance(value, str):
        # JSON escapes are TOML escapes, but for DEL, which TOML wants escaped as well.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value)


def _table(header: str, model: type[BaseModel], *, is_idle: bool) -> list[str]:
    lines = [f"# {header}" if is_idle else header]
    for name, field in model.model_fields.items():
        lines += _remark(field.description or "")
        lines += _setting(name, field, is_idle=is_idle)
    return lines


def _setting(name: str, field: FieldInfo, *, is_idle: bool) -> Iterator[str]:
    is_optional = field.default is None
    value = field.examples[0] if field.examples else field.default
    mark = "# " if is_idle or is_optional else ""
    yield f"{mark}{name} = {toml_value(value)}"


def _remark(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ")
