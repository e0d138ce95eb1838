"""Reading settings: all problems at once, each with its line and its remedy."""

from pathlib import Path

import pytest

from atm_switch.settings.load import SettingsWrong, load_settings, read_settings

GOOD = '[[listeners]]\nlisten = "127.0.0.1:0"\n[[acquirers]]\nid = "009"\nname = "BANK CONTOH"\n'


def problems_of(text: str) -> tuple[str, ...]:
    """Return the lines a wrong text is refused with."""
    with pytest.raises(SettingsWrong) as refusal:
        read_settings(text)
    return refusal.value.lines


def test_least_settings_take_the_defaults() -> None:
    """One listener and one bank are enough; the rest has defaults."""
    settings = read_settings(GOOD)

    assert ("127.0.0.1", 0) == (settings.listeners[0].host, settings.listeners[0].port)
    assert 1024 == settings.limits.in_flight_max
    assert "issuer" == settings.acquirers[0].pin


def test_all_problems_come_at_once() -> None:
    """Three mistakes in three sections are three lines, in the order of the file."""
    text = 'mode = "lav"\n' + GOOD + "[limits]\nin_flight_max = 0\n[log]\nlevel = 5\n"

    lines = problems_of(text)

    assert [
        "switch.toml:1: mode",
        "switch.toml:8: limits.in_flight_max",
        "switch.toml:10: log.level",
    ] == [line.partition(" = ")[0] for line in lines]


def test_unknown_key_asks_what_was_meant() -> None:
    """A typing mistake in a key is named with the key it is near to."""
    lines = problems_of(GOOD.replace("name =", "nmae ="))

    assert "switch.toml:5: acquirers[1].nmae: unknown key; did you mean name?" in lines
    assert "switch.toml:3: acquirers[1].name: is missing; add it" in lines


def test_value_under_unknown_key_is_not_repeated() -> None:
    """Whoever pastes a key into the file does not find it in the messages."""
    secret = "0123456789ABCDEFFEDCBA9876543210"

    lines = problems_of(f'{GOOD}[keys]\ntpk = "{secret}"\n[log]\nlevel = "{secret}"\n')

    assert 2 == len(lines)
    assert secret not in "".join(lines)


def test_mac_is_required_or_off() -> None:
    """There is no third word, and no "if present"."""
    (line,) = problems_of(GOOD + 'mac = "optional"\n')

    assert line.startswith('switch.toml:6: acquirers[1].mac = "optional": ')
    assert "required" in line


@pytest.mark.parametrize(
    ("listen", "wrong"),
    [
        ("127.0.0.1:65536", "the port is above 65535"),
        ("127.0.0.1", "is not HOST:PORT"),
        ("::1:8583", "is not HOST:PORT"),
        (":8583", "is not HOST:PORT"),
        ("127.0.0.1:-1", "is not HOST:PORT"),
    ],
)
def test_impossible_address_is_named(listen: str, wrong: str) -> None:
    """An address nobody can listen on is refused with a form that works."""
    (line,) = problems_of(GOOD.replace("127.0.0.1:0", listen))

    assert f'switch.toml:2: listeners[1].listen = "{listen}": {wrong}' in line


def test_ipv6_address_loses_its_brackets() -> None:
    """What the socket gets is the bare address."""
    settings = read_settings(GOOD.replace("127.0.0.1:0", "[::1]:8583"))

    assert ("::1", 8583) == (settings.listeners[0].host, settings.listeners[0].port)


def test_strangers_and_twins_are_named() -> None:
    """A bank nobody knows, and an id that is there twice, are both refused."""
    text = GOOD + (
        '[[acquirers]]\nid = "009"\nname = "X"\n'
        '[[terminals]]\nid = "S1ABC123"\nacquirer = "014"\nzone = "WIT"\n'
    )

    lines = problems_of(text)

    twin = 'acquirers[2].id = "009": is there twice; take one of them out'
    stranger = 'terminals[1].acquirer = "014": no [[acquirers]] has this id; there are: 009'
    assert (f"switch.toml:7: {twin}", f"switch.toml:11: {stranger}") == lines


def test_empty_file_says_what_to_add() -> None:
    """Without a listener and a bank there is nothing to serve."""
    lines = problems_of("")

    assert 2 == len(lines)
    assert "add a table [[listeners]]" in lines[1] + lines[0]


def test_broken_toml_is_one_line() -> None:
    """What is not TOML is named by its line, without repeating it."""
    (line,) = problems_of('mode = "lab"\nlisten = = 1\n')

    assert line.startswith("switch.toml:2: is not TOML")


def test_missing_file_names_the_way_out(tmp_path: Path) -> None:
    """A folder without settings is told how one is made."""
    with pytest.raises(SettingsWrong, match="atm-switch init"):
        load_settings(tmp_path)


def test_environment_goes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable changes one value and leaves its neighbours in the file alone."""
    monkeypatch.setenv("ATM_LIMITS__IN_FLIGHT_MAX", "7")

    settings = read_settings(GOOD + "[limits]\nin_flight_max = 9\nidle_seconds_max = 11\n")

    assert (7, 11) == (settings.limits.in_flight_max, settings.limits.idle_seconds_max)


def test_wrong_variable_is_named_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bad value from the environment is not blamed on the file."""
    monkeypatch.setenv("ATM_LIMITS__IN_FLIGHT_MAX", "many")

    (line,) = problems_of(GOOD)

    assert line.startswith("ATM_LIMITS__IN_FLIGHT_MAX: limits.in_flight_max")


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("ATM_LIMITS__IN_FLIGHT_MAKS", "did you mean ATM_LIMITS__IN_FLIGHT_MAX?"),
        ("ATM_ACQUIRERS", "write tables in switch.toml"),
        ("ATM_ACQUIRERS__0__PIN", "write tables in switch.toml"),
    ],
)
def test_unknown_variable_is_refused(
    name: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that would set nothing, or a list, is an error and not ignored."""
    monkeypatch.setenv(name, "1")

    assert any(name in line and advice in line for line in problems_of(GOOD))


def test_bare_schema_variable_means_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of somebody else's called SCHEMA does not reach the settings."""
    monkeypatch.setenv("SCHEMA", "99")

    assert 1 == read_settings(GOOD).schema_version


@pytest.mark.parametrize("name", ["ATM_SWITCH_PURE", "ATM_SWITCH_COMPILE"])
def test_choice_of_the_codec_is_no_setting(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which code was loaded is settled before; the switch starts with it set."""
    monkeypatch.setenv(name, "1")

    assert read_settings(GOOD).listeners
