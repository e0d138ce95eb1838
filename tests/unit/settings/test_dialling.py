"""Claims about ``[[lines]]``: where the switch dials, and what it refuses to."""

import pytest

from atm_switch.settings.dialling import lines_of
from atm_switch.settings.load import SettingsWrong, read_settings
from atm_switch.settings.model import Settings

BANK = '[[acquirers]]\nid = "009"\nname = "BANK CONTOH"\npin = "acquirer"\n'
TLS = 'tls_ca = "ca.pem"\ntls_certificate = "us.pem"\ntls_key = "us.key"\n'


def read(line: str, head: str = "", acquirer: str = "009") -> Settings:
    """Read settings with one line to dial and no listener."""
    return read_settings(f'{head}[[lines]]\nacquirer = "{acquirer}"\n{line}{BANK}')


def wrong(line: str, head: str = "", acquirer: str = "009") -> str:
    """Return what is said of them."""
    with pytest.raises(SettingsWrong) as refused:
        read(line, head, acquirer)
    return str(refused.value)


def test_line_is_enough_without_a_listener() -> None:
    """A switch may dial only; what is left out has its default."""
    (line,) = read('connect = "127.0.0.1:8583"\n').lines

    assert ("127.0.0.1", 8583, 1, None) == (
        line.host, line.port, line.connections, line.echo_idle_seconds,
    )  # fmt: skip


def test_line_to_another_machine_needs_tls_or_a_word() -> None:
    """Plaintext to another machine is said in so many words."""
    assert "without TLS" in wrong('connect = "10.1.2.3:8583"\n')
    assert read('connect = "10.1.2.3:8583"\nplaintext = true\n').lines[0].is_exposed
    assert not read(f'connect = "10.1.2.3:8583"\n{TLS}').lines[0].is_exposed


def test_half_of_tls_is_refused() -> None:
    """All three files or none, and no plaintext beside them."""
    assert "needs tls_certificate and tls_key" in wrong('connect = "h:1"\ntls_ca = "ca.pem"\n')
    assert "is of no use beside TLS" in wrong(f'connect = "h:1"\nplaintext = true\n{TLS}')


def test_bank_and_port_must_be_known() -> None:
    """A line of no bank, and one without a port, name themselves."""
    assert "no [[acquirers]] has this id" in wrong('connect = "127.0.0.1:1"\n', acquirer="002")
    assert "has no port" in wrong('connect = "127.0.0.1:0"\n')


def test_same_address_twice_is_refused() -> None:
    """More connections to one address are asked for with ``connections``."""
    again = '[[lines]]\nacquirer = "009"\nconnect = "127.0.0.1:1"\n'

    assert "is there twice" in wrong('connect = "127.0.0.1:1"\n', head=again)


def test_production_dials_nobody_who_proves_nothing() -> None:
    """Plaintext to another machine and no MAC: whoever listens there would be the bank."""
    head = 'mode = "production"\n[hsm]\nengine = "none"\n'

    text = wrong('connect = "10.1.2.3:8583"\nplaintext = true\n', head=head)

    assert "sends no MAC" in text


def test_workers_share_connections_and_none_is_left() -> None:
    """Three connections of one line: two are the first worker's, one the second's, none else's."""
    lines = read('connect = "127.0.0.1:1"\nconnections = 3\n').lines

    assert [2, 1] == [len(lines_of(lines, number, 2)) for number in (1, 2)]
    assert [1, 1, 1, 0] == [len(lines_of(lines, number, 4)) for number in (1, 2, 3, 4)]
    assert 3 == len(lines_of(lines, 1, 1))
