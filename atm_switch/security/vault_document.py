"""The vault as plain words and hexadecimal: what the key file seals.

Plan: ``schema`` first; then each key of 32 bytes by name, then the keys of the lines as
rows: usage, acquirer, terminal, index (null where there is none), the key in use, the
other of its ladder (null: none), ``is_coming``, ``until``, the spare, the check values of
keys that left, and the keys that are fading; then the layers over the card key.
Limits: writes schema 3; reads schema 2 too, which forgot what had left, and schema 1, which
knew PVKs and PIN keys only.
Why so strict: the document was sealed by us, so anything unexpected in it is damage or a
release that knows more, and neither may be guessed at.  Errors name entries, not values.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from atm_switch.domain.identifiers import AcquirerId, TerminalId
from atm_switch.domain.secret import Key
from atm_switch.security.key_ring import (
    AES,
    FADING_MAX,
    PAST_MAX,
    TDES,
    Fading,
    KeyName,
    KeyUsage,
    Ladder,
    LineKey,
)

SCHEMA = 3
KEY_NAMES = ("pan_key", "person_key", "fingerprint_key", "sealing_key")
ROW = {
    "usage", "acquirer", "terminal", "index",
    "in_use", "other", "is_coming", "until", "spare", "past", "fading",
}  # fmt: skip
LAYERS_MAX = 64
"""Card keys laid over the first one in the life of a folder; a lookup asks for each."""
_HEX = re.compile("[0-9a-f]+")
SECOND_ROW: dict[str, Any] = {"past": [], "fading": []}
"""What a row of schema 2 does not say."""


class VaultKeys(NamedTuple):
    """The keys of a vault, sorted as in the document; not yet judged."""

    named: dict[str, Key]
    keys: dict[KeyName, Ladder]
    card_layers: tuple[Key, ...] = ()
    """Card keys of 32 bytes laid over ``pan_key`` one after the other, the newest last."""


def write_document(keys: VaultKeys) -> dict[str, object]:
    """Write the keys in hexadecimal.  For the sealed key file alone."""
    return {
        "schema": SCHEMA,
        **{name: keys.named[name].reveal().hex() for name in KEY_NAMES},
        "keys": [_row_of(name, ladder) for name, ladder in keys.keys.items()],
        "card_layers": [key.reveal().hex() for key in keys.card_layers],
    }


def read_document(document: Mapping[str, object]) -> VaultKeys:
    """Read what ``write_document`` wrote, in this release or an older one.

    Raises ``ValueError``, without values, for an entry missing, unknown, misshapen or
    given twice, and for another schema.
    """
    schema = document.get("schema")
    if type(schema) is not int or schema not in (1, 2, SCHEMA):
        message = f"the keys are not of schema 1 to {SCHEMA}"
        raise ValueError(message)
    tables = {1: {"pvks", "pin_keys"}, 2: {"keys"}}.get(schema, {"keys", "card_layers"})
    _require_entries(document, {"schema", *KEY_NAMES, *tables})
    named = {name: _key(document[name], name) for name in KEY_NAMES}
    if schema == 1:
        return VaultKeys(named, {**_first_pvks(document), **_first_pin_keys(document)})
    if schema == 2:
        return VaultKeys(named, _unrepeated(document["keys"], _second_ladder_of))
    layers = _list(document["card_layers"], LAYERS_MAX)
    card_layers = tuple(_key(one, "card_layers") for one in layers)
    return VaultKeys(named, _unrepeated(document["keys"], _ladder_of), card_layers)


def _row_of(name: KeyName, ladder: Ladder) -> dict[str, object]:
    return {
        "usage": name.usage.value,
        "acquirer": name.acquirer.text if name.acquirer else None,
        "terminal": name.terminal.text if name.terminal else None,
        "index": name.index or None,
        "in_use": _line_key_row(ladder.in_use),
        "other": _line_key_row(ladder.other) if ladder.other else None,
        "is_coming": ladder.is_coming,
        "until": _moment_text(ladder.until) if ladder.until else None,
        "spare": _line_key_row(ladder.spare) if ladder.spare else None,
        "past": list(ladder.past),
        "fading": [
            {"key": _line_key_row(one.key), "until": _moment_text(one.until)}
            for one in ladder.fading
        ],
    }


def _moment_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _line_key_row(key: LineKey) -> dict[str, object]:
    return {
        "token": key.token.reveal().hex(),
        "check": key.check,
        "algorithm": key.algorithm,
        "is_clear": key.is_clear,
    }


def _second_ladder_of(row: Mapping[str, Any]) -> tuple[KeyName, Ladder]:
    if SECOND_ROW.keys() & set(row):
        message = "an entry is unknown among the keys"
        raise ValueError(message)
    return _ladder_of({"spare": None, **row, **SECOND_ROW})


def _ladder_of(row: Mapping[str, Any]) -> tuple[KeyName, Ladder]:
    _require_entries(row, ROW)
    acquirer, terminal, index = row["acquirer"], row["terminal"], row["index"]
    name = KeyName(
        KeyUsage(_text(row["usage"], "usage")),
        None if acquirer is None else AcquirerId(_text(acquirer, "acquirer")),
        None if terminal is None else TerminalId(_text(terminal, "terminal")),
        "" if index is None else _text(index, "index"),
    )
    other, spare = (None if row[at] is None else _line_key(row[at]) for at in ("other", "spare"))
    ladder = Ladder(
        _line_key(row["in_use"]),
        other,
        _flag(row["is_coming"]),
        None if row["until"] is None else _moment(row["until"]),
        spare,
        tuple(_text(check, "past") for check in _list(row["past"], PAST_MAX)),
        tuple(_fading(one) for one in _list(row["fading"], FADING_MAX)),
    )
    return name, ladder


def _fading(row: object) -> Fading:
    if not isinstance(row, dict):
        message = "a fading key is not a table"
        raise ValueError(message)  # noqa: TRY004 - callers await one kind of error
    _require_entries(row, {"key", "until"})
    return Fading(_line_key(row["key"]), _moment(row["until"]))


def _moment(value: object) -> datetime:
    moment = datetime.fromisoformat(_text(value, "until"))
    if moment.tzinfo is None:
        message = "a moment has no time zone"
        raise ValueError(message)
    return moment


def _list(value: object, length_max: int) -> list[object]:
    if not isinstance(value, list) or len(value) > length_max:
        message = "a list of the keys is misshapen"
        raise ValueError(message)
    return value


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
    if len(text) % 2 or not _HEX.fullmatch(text):
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
