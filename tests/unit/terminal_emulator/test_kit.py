"""Claims about the terminal kit."""

import json
from pathlib import Path
from typing import Any

import pytest

from atm_switch.domain.errors import Refused
from atm_switch.domain.instant import Zone
from terminal_emulator.kit import BARE_KIT, KitError, find_profile, kit_of, read_kit
from tests.unit.terminal_emulator.host import PIN_KEY, PIN_KEY_CHECK

DOCUMENT: dict[str, Any] = {
    "schema": 1,
    "profile": "bpjstk-jht-v1-bcd",
    "acquirer": "009",
    "terminal": "S1ABC123",
    "card_acceptor": "BNI000000000001",
    "location": "ATM KC HARMONI        JAKARTA       ID  ",
    "channel": "6011",
    "zone": "WIT",
    "pin_key": PIN_KEY,
    "pin_key_check": PIN_KEY_CHECK,
}


def written(folder: Path, mode: int = 0o600, **changed: Any) -> Path:
    """Write a kit; a value of ``None`` leaves its key out."""
    kept = {key: value for key, value in {**DOCUMENT, **changed}.items() if value is not None}
    path = folder / "terminal-kit.json"
    path.write_text(json.dumps(kept))
    path.chmod(mode)
    return path


def test_kit_is_read_whole(tmp_path: Path) -> None:
    """Everything of the file arrives, the key usable and unprintable."""
    kit = read_kit(written(tmp_path))

    assert ("bpjstk-jht-v1-bcd", Zone.WIT) == (kit.profile, kit.station.zone)
    assert kit.pin_key is not None
    assert bytes.fromhex(PIN_KEY) == kit.pin_key.reveal()
    assert PIN_KEY not in repr(kit)


def test_kit_without_a_key_is_fine(tmp_path: Path) -> None:
    """Where the acquirer verifies the PIN there is no key."""
    kit = read_kit(written(tmp_path, pin_key=None, pin_key_check=None))

    assert kit.pin_key is None


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"schema": 2}, "no terminal kit of schema 1"),
        ({"terminal": None}, "terminal is missing or no text"),
        ({"terminal": "SHORT"}, "a terminal id has eight"),
        ({"location": "short"}, "a card acceptor has 15 characters"),
        ({"zone": "CET"}, "zone is not one of WIB, WITA, WIT"),
        ({"pin_key_check": "000000"}, "does not have the check value"),
        ({"pin_key_check": None}, "pin_key_check is missing"),
        ({"pin_key": "00" * 16}, "pin_key does not have the check value"),
        ({"pin_key": "00" * 15}, "pin_key is unusable"),
        ({"pin_key": "xyz"}, "pin_key is unusable"),
    ],
)
def test_wrong_kit_names_the_key(tmp_path: Path, changed: dict[str, Any], sentence: str) -> None:
    """A kit that cannot be used says in one sentence which key is at fault."""
    with pytest.raises(KitError, match=sentence) as caught:
        read_kit(written(tmp_path, **changed))

    assert PIN_KEY not in str(caught.value)


def test_absent_kit_is_one_sentence(tmp_path: Path) -> None:
    """A kit that is not there is named with the system's reason."""
    with pytest.raises(KitError, match="cannot be read: No such file"):
        read_kit(tmp_path / "absent.json")


def test_kit_that_is_no_text_or_no_file(tmp_path: Path) -> None:
    """Neither is told in the interpreter's words, nor warned of as if it held a key."""
    (tmp_path / "kit.json").write_bytes(b"\xff\xfe\x00")
    warnings: list[str] = []

    with pytest.raises(KitError, match=r"cannot be used: it is no text in UTF-8$"):
        read_kit(tmp_path / "kit.json")
    with pytest.raises(KitError, match="cannot be read: Is a directory"):
        read_kit(tmp_path, warnings.append)

    assert [] == warnings


def test_kit_that_is_no_json(tmp_path: Path) -> None:
    """A file that is not JSON is named, and not quoted."""
    path = tmp_path / "kit.json"
    path.write_text(f'{{"pin_key": {PIN_KEY}')

    with pytest.raises(KitError, match="cannot be used") as caught:
        read_kit(path)

    assert PIN_KEY not in str(caught.value)


@pytest.mark.parametrize(("mode", "warnings"), [(0o600, 0), (0o640, 1), (0o604, 1)])
def test_readable_by_others_is_warned(tmp_path: Path, mode: int, warnings: int) -> None:
    """A kit others may read is used all the same, with a warning and its remedy."""
    sentences: list[str] = []

    read_kit(written(tmp_path, mode), sentences.append)

    assert warnings == len([sentence for sentence in sentences if "chmod 600" in sentence])


def test_words_take_the_kits_place() -> None:
    """What the command line names replaces the kit's word, and only that."""
    kit = BARE_KIT.with_words(terminal="OTHER123", acquirer=None)

    assert ("OTHER123", "009") == (kit.station.terminal.text, kit.station.acquirer.text)


def test_list_is_no_kit() -> None:
    """JSON of another shape is refused, not stumbled over."""
    with pytest.raises(ValueError, match="no terminal kit"):
        kit_of([])


def test_profile_may_be_a_file(tmp_path: Path) -> None:
    """A profile file outside the installation extends one that ships."""
    path = tmp_path / "bank.toml"
    path.write_text('extends = "bpjstk-jht-v1"\nname = "bank"\n')

    assert "bank" == find_profile(str(path)).name


def test_absent_profile_file_is_named(tmp_path: Path) -> None:
    """A profile file that is not there is refused with its name."""
    told = r"absent\.toml: No such file or directory; name the profile's file, or one that ships$"
    with pytest.raises(Refused, match=told):
        find_profile(str(tmp_path / "absent.toml"))


def test_profile_file_lies_beside_the_kit(tmp_path: Path) -> None:
    """A profile file named in a kit is looked for from the kit's folder."""
    (tmp_path / "bank.toml").write_text('extends = "bpjstk-jht-v1"\nname = "bank"\n')

    kit = read_kit(written(tmp_path, profile="bank.toml"))

    assert "bank" == find_profile(kit.profile).name
