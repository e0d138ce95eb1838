"""The vault as plain words and hexadecimal: what the key file seals.

Plan: ``schema`` first; then each key of 32 bytes by name, the PVKs by index, the PIN keys
as rows of acquirer, terminal (null: the acquirer's other terminals) and key.
Limits: schema 1 only; a later release reads this one too.
Why so strict: the document was sealed by us, so anything unexpected in it is damage or a
release that knows more, and neither may be guessed at.  Errors name entries, not values.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from atm_switch.domain.identifiers import AcquirerId, TerminalId
from atm_switch.domain.secret import Key

SCHEMA = 1
KEY_NAMES = ("pan_key", "person_key", "fingerprint_key", "sealing_key")


class VaultKeys(NamedTuple):
    """The keys of a vault, sorted as in the document; not yet judged."""

    named: dict[str, Key]
    pvks: dict[str, Key]
    pin_keys: dict[tuple[AcquirerId, TerminalId | None], Key]


def write_document(keys: VaultKeys) -> dict[str, object]:
    """Write the keys in hexadecimal.  For the sealed key file alone."""
    rows = [
        {
            "acquirer": acquirer.text,
            "terminal": terminal.text if terminal else None,
            "key": key.reveal().hex(),
        }
        for (acquirer, terminal), key in keys.pin_keys.items()
    ]
    return {
        "schema": SCHEMA,
        **{name: keys.named[name].reveal().hex() for name in KEY_NAMES},
        "pvks": {pvki: key.reveal().hex() for pvki, key in keys.pvks.items()},
        "pin_keys": rows,
    }


def read_document(document: Mapping[str, object]) -> VaultKeys:
    """Read what ``write_document`` wrote.

    Raises ``ValueError``, without values, for an entry missing, unknown, misshapen or
    given twice, and for another schema.
    """
    if type(document.get("schema")) is not int or document["schema"] != SCHEMA:
        message = f"the keys are not of schema {SCHEMA}"
        raise ValueError(message)
    _require_entries(document, {"schema", *KEY_NAMES, "pvks", "pin_keys"})
    pvks = document["pvks"]
    if not isinstance(pvks, dict):
        message = "pvks is not a table"
        raise ValueError(message)  # noqa: TRY004 - callers await one kind of error
    return VaultKeys(
        {name: _key(document[name], name) for name in KEY_NAMES},
        {pvki: _key(text, "pvks") for pvki, text in pvks.items()},
        _pin_keys(document["pin_keys"]),
    )


def _pin_keys(rows: object) -> dict[tuple[AcquirerId, TerminalId | None], Key]:
    if not isinstance(rows, list):
        message = "pin_keys is not a list"
        raise ValueError(message)  # noqa: TRY004 - callers await one kind of error
    keys = dict(_pin_key(row) for row in rows)
    if len(keys) != len(rows):
        message = "pin_keys names an owner twice"
        raise ValueError(message)
    return keys


def _pin_key(row: object) -> tuple[tuple[AcquirerId, TerminalId | None], Key]:
    if not isinstance(row, dict):
        message = "a row of pin_keys is not a table"
        raise ValueError(message)  # noqa: TRY004 - callers await one kind of error
    _require_entries(row, {"acquirer", "terminal", "key"})
    terminal = row["terminal"]
    owner = (
        AcquirerId(_text(row["acquirer"], "acquirer")),
        None if terminal is None else TerminalId(_text(terminal, "terminal")),
    )
    return owner, _key(row["key"], "pin_keys")


def _require_entries(table: Mapping[str, object], names: set[str]) -> None:
    if set(table) != names:
        message = "an entry is missing from the keys or unknown among them"
        raise ValueError(message)


def _key(value: object, name: str) -> Key:
    text = _text(value, name)
    if not re.fullmatch(r"(?:[0-9a-f]{2})+", text):
        message = f"{name} is not lower-case hexadecimal"
        raise ValueError(message)
    return Key.from_hex(text)


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        message = f"{name} is not text"
        raise ValueError(message)  # noqa: TRY004 - callers await one kind of error
    return value
