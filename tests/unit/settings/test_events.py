"""Claims about the broker's address and secrets, as the settings take them."""

import pytest

from atm_switch.settings.events import Events
from atm_switch.settings.load import SettingsWrong, read_settings

REST = (
    '[[acquirers]]\nid = "009"\nname = "BANK CONTOH"\npin = "acquirer"\n'
    '[[listeners]]\nlisten = "127.0.0.1:8583"\n'
)


def events(*lines: str) -> Events:
    """Read settings with these lines about events."""
    return read_settings(REST + "[events]\n" + "\n".join(lines) + "\n").events


def test_nobody_is_told_by_default() -> None:
    """Without a broker events are kept for a day, and nothing connects anywhere."""
    found = read_settings(REST).events

    assert ("", 24, "switch", "atm") == (
        found.broker, found.keep_hours, found.name, found.topic_prefix,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://127.0.0.1", ("127.0.0.1", 1883, False)),
        ("mqtt://[::1]:2000", ("::1", 2000, False)),
        ("mqtts://broker.example", ("broker.example", 8883, True)),
        ("mqtts://broker.example:443", ("broker.example", 443, True)),
    ],
)
def test_address_of_a_broker_is_taken(url: str, expected: tuple[str, int, bool]) -> None:
    """Host, port and whether TLS is the way there."""
    found = events(f'broker = "{url}"')

    assert expected == (found.host, found.port, found.is_tls)


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ('broker = "http://broker"', "no address of a broker"),
        ('broker = "mqtt://"', "no address of a broker"),
        ('broker = "mqtt://127.0.0.1/topic"', "no address of a broker"),
        ('broker = "mqtt://127.0.0.1:0"', "no address of a broker"),
        ('broker = "mqtt://127.0.0.1:99999"', "names no port"),
        ('broker = "mqtts://atm@broker.example"', "holds a user"),
        ('broker = "mqtt://broker.example"', "reached without TLS"),
        ('topic_prefix = "atm/#"', "no beginning of a topic"),
        ('topic_prefix = "/atm"', "no beginning of a topic"),
        ('name = "a/b"', "is no name"),
        ('name = ""', "is no name"),
        ('password_file = "secret"', "of no use without username"),
        ("outbox_max = 10", "is too small"),
        ('password = "open"', "unknown key"),
    ],
)
def test_what_cannot_be_is_refused(line: str, wrong: str) -> None:
    """Each mistake is named with its remedy."""
    with pytest.raises(SettingsWrong, match=wrong):
        events(line)


def test_password_in_the_address_is_never_shown() -> None:
    """It is refused, and what it was is not repeated."""
    with pytest.raises(SettingsWrong, match="holds a user") as caught:
        events('broker = "mqtts://atm:sesame@broker.example"')

    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("key", ["tls_ca", "tls_certificate", "tls_key"])
def test_tls_files_need_tls(key: str) -> None:
    """A file that nothing would read is a mistake."""
    with pytest.raises(SettingsWrong, match="of no use without TLS"):
        events('broker = "mqtt://127.0.0.1"', f'{key} = "a.pem"')


@pytest.mark.parametrize("key", ["tls_certificate", "tls_key"])
def test_certificate_and_key_come_together(key: str) -> None:
    """One without the other proves nothing."""
    with pytest.raises(SettingsWrong, match="needs tls_certificate and tls_key both"):
        events('broker = "mqtts://broker.example"', f'{key} = "a.pem"')


def test_plaintext_to_another_machine_is_a_decision() -> None:
    """It can be had where the operator says so."""
    assert not events('broker = "mqtt://broker.example"', "plaintext = true").is_tls
