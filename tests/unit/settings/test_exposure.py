"""Claims about ways in and out that nothing secures."""

import pytest

from atm_switch.settings.load import SettingsWrong, read_settings

OPEN = '[[listeners]]\nlisten = "0.0.0.0:8583"\nplaintext = true\n'
SECURED = (
    '[[listeners]]\nlisten = "0.0.0.0:8583"\ntls_certificate = "a"\ntls_key = "b"\n'
    'tls_client_ca = "c"\n'
)
HERE = '[[listeners]]\nlisten = "127.0.0.1:8583"\n'
NO_MAC = '[[acquirers]]\nid = "009"\nname = "BANK"\npin = "acquirer"\n'
MAC = NO_MAC + 'mac = "required"\n'
NAMED = NO_MAC + 'certificate_names = ["bank.example"]\n'
QUIET_TERMINAL = '[[terminals]]\nid = "S1ABC123"\nacquirer = "009"\nmac = "off"\n'
NONE = '[hsm]\nengine = "none"\n'
HOST = '[hsm]\nengine = "host"\naddresses = ["127.0.0.1:1500"]\n'
PRODUCTION, LAB = 'mode = "production"\n', 'mode = "lab"\n'
DATABASE = "postgresql://atm@db.example/jht"


@pytest.mark.parametrize(
    "text",
    [PRODUCTION + OPEN + NO_MAC + NONE, PRODUCTION + OPEN + MAC + QUIET_TERMINAL + HOST],
    ids=["bank", "terminal"],
)
def test_production_has_no_line_on_which_nobody_proves_anything(text: str) -> None:
    """Plaintext for other machines and no MAC: whoever reaches the port would be the bank."""
    with pytest.raises(SettingsWrong) as caught:
        read_settings(text)

    assert "lets any machine ask as" in str(caught.value)
    assert "listeners[1].plaintext" in str(caught.value)


def test_line_of_a_bank_with_mac_does_not_let_another_in_without() -> None:
    """A sign-on names its bank: on the plaintext line of one that has a MAC, too."""
    other = NO_MAC.replace('"009"', '"014"')
    own = OPEN + 'acquirer = "009"\n'

    with pytest.raises(SettingsWrong, match="lets any machine ask as acquirer 014"):
        read_settings(PRODUCTION + own + HERE.replace("8583", "8584") + MAC + other + HOST)


@pytest.mark.parametrize(
    "text",
    [
        LAB + OPEN + NO_MAC, PRODUCTION + OPEN + MAC + HOST, PRODUCTION + SECURED + NAMED + NONE,
        PRODUCTION + HERE + NO_MAC + NONE,
    ],
    ids=["lab", "MAC", "TLS", "loopback"],
)  # fmt: skip
def test_one_proof_is_enough(text: str) -> None:
    """A MAC, TLS, the machine itself, or the lab."""
    assert read_settings(text).acquirers


@pytest.mark.parametrize("key", ["ledger.url", "ledger.read_url", "journal.url"])
@pytest.mark.parametrize(
    "url",
    [DATABASE, f"{DATABASE}?sslmode=prefer", f"{DATABASE}?sslmode=allow",
     "postgresql:///jht?host=db.example", "postgresql:///jht?host=/run/pg,db.example"],
)  # fmt: skip
def test_database_elsewhere_is_reached_as_said(key: str, url: str) -> None:
    """Where nothing is said the driver falls back to plaintext, and believes anybody."""
    section, name = key.split(".")

    with pytest.raises(SettingsWrong, match="sslmode=verify-full") as caught:
        read_settings(f'{HERE}{NO_MAC}[{section}]\n{name} = "{url}"\n')

    assert key in str(caught.value)


@pytest.mark.parametrize("mode", ["disable", "require"])
def test_production_verifies_its_database(mode: str) -> None:
    """In the lab plaintext may be meant; production wants the certificate verified."""
    ledger = f'[ledger]\nurl = "{DATABASE}?sslmode={mode}"\n'

    assert mode in read_settings(LAB + HERE + NO_MAC + ledger).ledger.url
    with pytest.raises(SettingsWrong, match="sslmode=verify-full"):
        read_settings(PRODUCTION + HERE + NO_MAC + NONE + ledger)


@pytest.mark.parametrize(
    "url",
    ["postgresql://atm@localhost/jht", "postgresql://[::1]/jht", "postgresql:///jht",
     "postgresql://127.0.0.1/jht", "postgresql:///jht?host=/run/postgresql",
     f"{DATABASE}?sslmode=verify-full"],
)  # fmt: skip
def test_database_on_this_machine_needs_nothing(url: str) -> None:
    """Loopback and sockets are this machine; verified is verified."""
    text = f'{PRODUCTION}{HERE}{NO_MAC}{NONE}[ledger]\nurl = "{url}"\n'

    assert url == read_settings(text).ledger.url
