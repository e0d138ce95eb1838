"""Claims about the document the key file seals: written one way, read in no other."""

import json
from typing import Any

import pytest

from atm_switch.domain.identifiers import AcquirerId, TerminalId
from atm_switch.domain.secret import Key
from atm_switch.security.vault_document import (
    KEY_NAMES,
    VaultKeys,
    read_document,
    write_document,
)

BANK, ATM = AcquirerId("009"), TerminalId("ATM00001")
CANARY = "c0ffee00c0ffee11c0ffee22c0ffee33"


def document() -> dict[str, Any]:
    """Write a document with one key of each kind."""
    named = {name: Key(bytes([at] * 32)) for at, name in enumerate(KEY_NAMES)}
    pin_keys = {(BANK, None): Key.from_hex(CANARY), (BANK, ATM): Key(bytes(range(16)))}
    written = write_document(VaultKeys(named, {"1": Key(bytes(range(16)))}, pin_keys))
    return dict(json.loads(json.dumps(written)))


def test_document_reads_as_it_was_written() -> None:
    """Reading and writing again gives the same document."""
    keys = read_document(document())

    assert document() == write_document(keys)
    assert [(BANK, None), (BANK, ATM)] == list(keys.pin_keys)


def test_document_names_its_schema() -> None:
    """The schema is in the document, and is 1."""
    assert 1 == document()["schema"]


@pytest.mark.parametrize("schema", [None, 0, 2, "1", True, 1.0])
def test_other_schema_is_refused(schema: object) -> None:
    """Only the whole number 1 is schema 1."""
    with pytest.raises(ValueError, match="not of schema 1"):
        read_document(document() | {"schema": schema})


@pytest.mark.parametrize("name", ["schema", *KEY_NAMES, "pvks", "pin_keys"])
def test_missing_entry_is_refused(name: str) -> None:
    """No entry may be missing."""
    given = document()
    del given[name]

    with pytest.raises(ValueError, match=r"schema 1|missing"):
        read_document(given)


def test_unknown_entry_is_refused() -> None:
    """No entry may be there that this release does not know."""
    with pytest.raises(ValueError, match="unknown"):
        read_document(document() | {"zmk": CANARY})


@pytest.mark.parametrize(
    "value", [None, 1, [], CANARY.upper(), CANARY + " ", CANARY[:-1], "", f"0x{CANARY}", "zz"]
)
@pytest.mark.parametrize("name", ["pan_key", "pvks", "pin_keys"])
def test_misshapen_key_is_named_not_quoted(name: str, value: object) -> None:
    """A key that is not lower-case hexadecimal is refused by name alone."""
    wrapped: dict[str, object] = {
        "pan_key": value,
        "pvks": {"1": value},
        "pin_keys": [{"acquirer": "009", "terminal": None, "key": value}],
    }

    with pytest.raises(ValueError, match=name) as caught:
        read_document(document() | {name: wrapped[name]})

    assert CANARY[:8] not in str(caught.value).lower()


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
        {"pin_keys": [{"acquirer": "BNI", "terminal": None, "key": CANARY}]},
        {"pin_keys": [{"acquirer": "009", "terminal": "ATM1", "key": CANARY}]},
        {"pin_keys": [{"acquirer": "009", "terminal": None, "key": CANARY}] * 2},
    ],
)
def test_misshapen_table_is_refused(change: dict[str, object]) -> None:
    """Tables, rows and owners have one shape, and no owner comes twice."""
    with pytest.raises(ValueError, match=r"\w") as caught:
        read_document(document() | change)

    assert CANARY not in str(caught.value)
