"""Claims about the document the key file seals: written one way, read in no other."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from atm_switch.domain.identifiers import AcquirerId, TerminalId
from atm_switch.domain.secret import Key
from atm_switch.security.key_ring import AES, Fading, KeyName, KeyUsage, Ladder, LineKey
from atm_switch.security.vault_document import (
    KEY_NAMES,
    VaultKeys,
    read_document,
    write_document,
)

BANK, ATM = AcquirerId("009"), TerminalId("ATM00001")
CANARY = "c0ffee00c0ffee11c0ffee22c0ffee33"
NAMED = {name: Key(bytes([at] * 32)) for at, name in enumerate(KEY_NAMES)}
KEY = LineKey.clear(Key.from_hex(CANARY))
OLD = LineKey.clear(Key(bytes(range(16))))
UNTIL = datetime(2026, 3, 1, 12, tzinfo=UTC)

LADDERS = {
    KeyName(KeyUsage.PVK, index="1"): Ladder(OLD),
    KeyName(KeyUsage.PIN, BANK): Ladder(KEY, OLD, until=UNTIL, spare=OLD, past=("ABCDEF",)),
    KeyName(KeyUsage.MAC, BANK, ATM): Ladder(
        LineKey.clear(Key.from_hex(CANARY), AES), fading=(Fading(KEY, UNTIL),)
    ),
    KeyName(KeyUsage.EXCHANGE, BANK): Ladder(
        LineKey(Key(b"U0123"), "ABCDEF", is_clear=False), KEY, is_coming=True
    ),
}


def document() -> dict[str, Any]:
    """Write a document with one key of each kind."""
    return dict(json.loads(json.dumps(write_document(VaultKeys(NAMED, LADDERS)))))


def first_document() -> dict[str, Any]:
    """Write a document as the first release did."""
    return {
        "schema": 1,
        **{name: key.reveal().hex() for name, key in NAMED.items()},
        "pvks": {"1": bytes(range(16)).hex()},
        "pin_keys": [
            {"acquirer": "009", "terminal": None, "key": CANARY},
            {"acquirer": "009", "terminal": "ATM00001", "key": bytes(range(16)).hex()},
        ],
    }


def row(**changes: object) -> dict[str, Any]:
    """Write one row of the keys, changed."""
    return {**document()["keys"][1], **changes}


def test_document_reads_as_it_was_written() -> None:
    """Reading and writing again gives the same document, ladders and all."""
    keys = read_document(document())

    assert document() == write_document(keys)
    assert list(LADDERS) == list(keys.keys)
    assert UNTIL == keys.keys[KeyName(KeyUsage.PIN, BANK)].until


def test_document_of_first_release_is_read() -> None:
    """PVKs and PIN keys of the first release come in under their names."""
    keys = read_document(first_document()).keys

    assert [
        KeyName(KeyUsage.PVK, index="1"),
        KeyName(KeyUsage.PIN, BANK),
        KeyName(KeyUsage.PIN, BANK, ATM),
    ] == list(keys)
    assert CANARY == keys[KeyName(KeyUsage.PIN, BANK)].in_use.token.reveal().hex()


def test_document_of_second_release_is_read() -> None:
    """Rows that do not know what left or fades come in with nothing of either."""
    given = document() | {"schema": 2}
    del given["card_layers"]
    for one in given["keys"]:
        del one["past"], one["fading"]
    del given["keys"][0]["spare"]

    keys = read_document(given).keys

    assert list(LADDERS) == list(keys)
    assert {((), ())} == {(one.past, one.fading) for one in keys.values()}
    assert UNTIL == keys[KeyName(KeyUsage.PIN, BANK)].until


@pytest.mark.parametrize("name", ["past", "fading"])
def test_row_of_second_release_knows_nothing_newer(name: str) -> None:
    """A later row under an older number is not half read."""
    given = document() | {"schema": 2}
    del given["card_layers"]
    for one in given["keys"]:
        del one["past"], one["fading"]
    given["keys"][0][name] = []

    with pytest.raises(ValueError, match="an entry is unknown among the keys"):
        read_document(given)


@pytest.mark.parametrize("schema", [None, 0, 4, "1", True, 1.0])
def test_other_schema_is_refused(schema: object) -> None:
    """Only the whole numbers 1 to 3 are schemas."""
    with pytest.raises(ValueError, match="not of schema 1 to 3"):
        read_document(document() | {"schema": schema})


@pytest.mark.parametrize("name", ["schema", *KEY_NAMES, "keys", "card_layers"])
def test_missing_entry_is_refused(name: str) -> None:
    """No entry may be missing."""
    given = document()
    del given[name]

    with pytest.raises(ValueError, match=r"schema 1|missing"):
        read_document(given)


@pytest.mark.parametrize("name", [*KEY_NAMES, "pvks", "pin_keys"])
def test_missing_entry_of_first_release_is_refused(name: str) -> None:
    """Nor may one be missing that the first release wrote."""
    given = first_document()
    del given[name]

    with pytest.raises(ValueError, match="missing"):
        read_document(given)


def test_unknown_entry_is_refused() -> None:
    """No entry may be there that this release does not know."""
    with pytest.raises(ValueError, match="unknown"):
        read_document(document() | {"zmk": CANARY})


@pytest.mark.parametrize(
    "value", [None, 1, [], CANARY.upper(), CANARY + " ", CANARY[:-1], "", f"0x{CANARY}", "zz"]
)
@pytest.mark.parametrize("name", ["pan_key", "token", "pvks", "pin_keys"])
def test_misshapen_key_is_named_not_quoted(name: str, value: object) -> None:
    """A key that is not lower-case hexadecimal is refused by name alone."""
    key = {"token": value, "check": "ABCDEF", "algorithm": "T", "is_clear": True}
    given: dict[str, dict[str, Any]] = {
        "pan_key": document() | {"pan_key": value},
        "token": document() | {"keys": [row(in_use=key)]},
        "pvks": first_document() | {"pvks": {"1": value}},
        "pin_keys": first_document()
        | {"pin_keys": [{"acquirer": "009", "terminal": None, "key": value}]},
    }

    with pytest.raises(ValueError, match=name) as caught:
        read_document(given[name])

    assert CANARY[:8] not in str(caught.value).lower()


@pytest.mark.parametrize(
    "change",
    [
        {"keys": {}},
        {"keys": [None]},
        {"keys": [{"usage": "pin", "acquirer": "009"}]},
        {"keys": [row(kcv="08D7B4")]},
        {"keys": [row(usage="everything")]},
        {"keys": [row(acquirer=9)]},
        {"keys": [row(acquirer="BNI")]},
        {"keys": [row(terminal="ATM1")]},
        {"keys": [row(until="tomorrow")]},
        {"keys": [row(until="2026-03-01T12:00:00")]},
        {"keys": [row(past="ABCDEF")]},
        {"keys": [row(past=[1])]},
        {"keys": [row(past=["ABCDEF"] * 17)]},
        {"keys": [row(fading=[None])]},
        {"keys": [row(fading=[{"key": row()["in_use"]}])]},
        {"schema": 2},
        {"keys": [row(is_coming=0)]},
        {"keys": [row(in_use=None)]},
        {"keys": [row(in_use={**row()["in_use"], "algorithm": "R"})]},
        {"keys": [row(in_use={**row()["in_use"], "is_clear": "yes"})]},
        {"keys": [row()] * 2},
    ],
)
def test_misshapen_table_is_refused(change: dict[str, object]) -> None:
    """Tables, rows and owners have one shape, and no name comes twice."""
    with pytest.raises(ValueError, match=r"\w") as caught:
        read_document(document() | change)

    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"pvks": []},
        {"pvks": None},
        {"pin_keys": {}},
        {"pin_keys": [None]},
        {"pin_keys": [{"acquirer": "009", "key": CANARY}]},
        {"pin_keys": [{"acquirer": "009", "terminal": None, "key": CANARY, "kcv": "08D7B4"}]},
        {"pin_keys": [{"acquirer": 9, "terminal": None, "key": CANARY}]},
        {"pin_keys": [{"acquirer": "009", "terminal": None, "key": CANARY}] * 2},
    ],
)
def test_misshapen_table_of_first_release_is_refused(change: dict[str, object]) -> None:
    """The tables of the first release are read as strictly."""
    with pytest.raises(ValueError, match=r"\w") as caught:
        read_document(first_document() | change)

    assert CANARY not in str(caught.value)
