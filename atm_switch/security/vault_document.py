"""The vault as plain words and hexadecimal: what the key file seals.

Plan: ``schema`` first; then each key of 32 bytes by name, then the keys of the lines as
rows: usage, acquirer, terminal, index (null where there is none), the key in use, the
other of its ladder (null: none), ``is_coming``, ``until`` and the spare.
Limits: writes schema 2; reads schema 1 too, which knew PVKs and PIN keys only.
Why so strict: the document was sealed by us, so anything unexpected in it is damage or a
release that knows more, and neither may be guessed at.  Errors name entries, not values.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from atm_switch.domain.identifiers import AcquirerId, TerminalId
from atm_switch.domain.secret import Key
from atm_switch.security.key_ring import AES, TDES, KeyName, KeyUsage, Ladder, LineKey

SCHEMA = 2
KEY_NAMES = ("pan_key", "person_key", "fingerprint_key", "sealing_key")
ROW = {"usage", "acquirer", "terminal", "index", "in_use", "other", "is_coming", "until", "spare"}


class VaultKeys(NamedTuple):
    """The keys of a vault, sorted as in the document; not yet judged."""

    named: dict[str, Key]
    keys: dict[KeyName, Ladder]


def write_document(keys: VaultKeys) -> dict[str, object]:
    """Write the keys in hexadecimal.  For the sealed key file alone."""
    return {
        "schema": SCHEMA,
        **{name: keys.named[name].reveal().hex() for name in KEY_NAMES},
        "keys": [_row_of(name, ladder) for name, ladder in keys.keys.items()],
    }


def read_document(document: Mapping[str, object]) -> VaultKeys:
    """Read what ``write_document`` wrote, in this release or the first.

    Raises ``ValueError``, without values, for an entry missing, unknown, misshapen or
    given twice, and for another schema.
    """
    schema = document.get("schema")
    if type(schema) is not int or schema not in (1, SCHEMA):
        message = f"the keys are not of schema 1 to {SCHEMA}"
        raise ValueError(message)
    tables = {"pvks", "pin_keys"} if schema == 1 else {"keys"}
    _require_entries(document, {"schema", *KEY_NAMES, *tables})
    named = {name: _key(document[name], name) for name in KEY_NAMES}
    if schema == 1:
        return VaultKeys(named, {**_first_pvks(document), **_first_pin_keys(document)})
    return VaultKeys(named, _unrepeated(document["keys"], _ladder_of))


def _row_of(name: KeyName, ladder: Ladder) -> dict[str, object]:
    return {
        "usage": name.usage.value,
        "acquirer": name.acquirer.text if name.acquirer else None,
        "terminal": name.terminal.text if name.terminal else None,
        "index": name.index or None,
        "in_use": _line_key_row(ladder.in_use),
        "other": _line_key_row(ladder.other) if ladder.other else None,
        "is_coming": ladder.is_coming,
        "until": ladder.until.astimezone(UTC).isoformat() if ladder.until else None,
        "spare": _line_key_row(ladder.spare) if ladder.spare else None,
    }


def _line_key_row(key: LineKey) -> dict[str, object]:
    return {
        "token": key.token.reveal().hex(),
        "check": key.check,
        "algorithm": key.algorithm,
        "is_clear": key.is_clear,
    }


def _ladder_of(row: Mapping[str, Any]) -> tuple[KeyName, Ladder]:
    row = {"spare": None, **row}
    _require_entries(row, ROW)
    acquirer, terminal, index = row["acquirer"], row["terminal"], row["index"]
    name = KeyName(
        KeyUsage(_text(row["usage"], "usage")),
        None if acquirer is None else AcquirerId(_text(acquirer, "acquirer")),
        None if terminal is None else TerminalId(_text(terminal, "terminal")),
        "" if index is None else _text(index, "index"),
    )
    until = None if row["until"] is None else datetime.fromisoformat(_text(row["until"], "until"))
    other, spare = (None if row[at] is None else _line_key(row[at]) for at in ("other", "spare"))
    return name, Ladder(_line_key(row["in_use"]), other, _flag(row["is_coming"]), until, spare)


def _line_key(row: object) -> LineKey:
    if not isinstance(row, dict):
        message = "a key is not a table"
        raise ValueError(message)  # noqa: TRY004 - callers await one kind of error
    _require_entries(row, {"token", "check", "algorithm", "is_clear"})
    token, algorithm = _key(row["token"], "token"), _text(row["algorithm"], "algorithm")
    if algorithm not in (TDES, AES):
        message = "a key's algorithm is not known"
        raise ValueError(message)
    if _flag(row["is_clear"]):
        return LineKey.clear(token, algorithm)
    return LineKey(token, _text(row["check"], "check"), algorithm, is_clear=False)


def _first_pvks(document: Mapping[str, object]) -> dict[KeyName, Ladder]:
    pvks = document["pvks"]
    if not isinstance(pvks, dict):
        message = "pvks is not a table"
        raise ValueError(message)  # noqa: TRY004 - callers await one kind of error
    return {
        KeyName(KeyUsage.PVK, index=pvki): Ladder(LineKey.clear(_key(text, "pvks")))
        for pvki, text in pvks.items()
    }


def _first_pin_keys(document: Mapping[str, object]) -> dict[KeyName, Ladder]:
    return _unrepeated(document["pin_keys"], _first_pin_key)


def _first_pin_key(row: Mapping[str, Any]) -> tuple[KeyName, Ladder]:
    _require_entries(row, {"acquirer", "terminal", "key"})
    terminal = row["terminal"]
    name = KeyName(
        KeyUsage.PIN,
        AcquirerId(_text(row["acquirer"], "acquirer")),
        None if terminal is None else TerminalId(_text(terminal, "terminal")),
    )
    return name, Ladder(LineKey.clear(_key(row["key"], "pin_keys")))


def _unrepeated(rows: object, read: Any) -> dict[KeyName, Ladder]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        message = "the keys are not a list of tables"
        raise ValueError(message)
    keys = dict(read(row) for row in rows)
    if len(keys) != len(rows):
        message = "a key is named twice"
        raise ValueError(message)
    return keys


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


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        message = "a flag is not true or false"
        raise ValueError(message)  # noqa: TRY004 - callers await one kind of error
    return value
