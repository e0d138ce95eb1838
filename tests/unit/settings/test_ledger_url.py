"""Claims about the address of a ledger on PostgreSQL, as the settings take it."""

import pytest

from atm_switch.settings.load import SettingsWrong, read_settings

BANK = '[[acquirers]]\nid = "009"\nname = "BANK CONTOH"\npin = "acquirer"\n'
LINE = '[[listeners]]\nlisten = "127.0.0.1:8583"\n'


def ledger(lines: str) -> str:
    """Write settings with these lines about the ledger."""
    return f"{LINE}{BANK}[ledger]\n{lines}\n"


def test_ledger_is_a_file_by_default() -> None:
    """Without an address the ledger is a file, and nothing else is read."""
    found = read_settings(LINE + BANK).ledger

    assert ("", "", 4) == (found.url, found.read_url, found.connections)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://atm@db.example/jht?sslmode=verify-full",
        "postgres://atm@[::1]:5433/jht?sslmode=verify-full",
        "postgresql:///jht?host=/run/postgresql",
        "postgresql://atm@replica.example,db.example/jht?sslmode=verify-full",
    ],
)
def test_address_of_a_database_is_taken(url: str) -> None:
    """Host, port, socket folder and options are the driver's to understand."""
    assert url == read_settings(ledger(f'url = "{url}"')).ledger.url


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("mysql://db/jht", "no address of a PostgreSQL database"),
        ("postgresql://db", "no address of a PostgreSQL database"),
        ("ledger.db", "no address of a PostgreSQL database"),
        ("postgresql://db:seven/jht", "names no port"),
        ("postgresql://db:70000/jht", "names no port"),
        ("postgresql://[db/jht", "names no port between 0 and 65535, or no host"),
    ],
)
@pytest.mark.parametrize("key", ["url", "read_url"])
def test_address_of_nothing_is_refused(key: str, url: str, wrong: str) -> None:
    """What is no address of a database is refused, and the key is named."""
    with pytest.raises(SettingsWrong, match=wrong) as caught:
        read_settings(ledger(f'{key} = "{url}"'))

    assert f"ledger.{key}" in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["postgresql://atm:tell-nobody@db/jht", "postgresql://db/jht?user=atm&password=tell-nobody"],
)
def test_password_in_address_is_refused_unquoted(url: str) -> None:
    """A password is not for the settings file, and the refusal does not repeat it."""
    with pytest.raises(SettingsWrong, match="holds a password") as caught:
        read_settings(ledger(f'url = "{url}"'))

    assert "tell-nobody" not in f"{caught.value} {caught.value!r}"
