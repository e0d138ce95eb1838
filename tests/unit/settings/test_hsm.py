"""Claims about how the settings let an HSM be reached."""

import pytest

from atm_switch.settings.load import SettingsWrong, read_settings

REST = (
    '[[acquirers]]\nid = "009"\nname = "BANK CONTOH"\n'
    '[[listeners]]\nlisten = "127.0.0.1:8583"\n[hsm]\n'
)
HOST = 'engine = "host"\n'
AWAY, HERE = 'addresses = ["10.0.0.5:1500"]\n', 'addresses = ["127.0.0.1:1500", "[::1]:1501"]\n'
TLS = 'tls_ca = "ca"\ntls_certificate = "crt"\ntls_key = "key"\n'


@pytest.mark.parametrize(
    "lines", [HOST + HERE, HOST + AWAY + TLS, HOST + HERE + TLS, HOST + AWAY + "plaintext = true"]
)
def test_hsm_elsewhere_is_reached_by_tls_or_as_said(lines: str) -> None:
    """On this machine, by TLS on both sides, or in the clear where that is said."""
    assert read_settings(REST + lines).hsm.has_tls is ("tls" in lines)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (HOST, "addresses: is empty; name the HSM"),
        (HOST + AWAY, "10.0.0.5:1500 is another machine, reached without TLS"),
        (HOST + 'addresses = ["127.0.0.1:1", "hsm.example:1"]', "hsm.example:1 is another machine"),
        (HOST + AWAY + 'tls_ca = "ca"', "needs tls_certificate and tls_key as well"),
        (HOST + AWAY + 'tls_key = "k"\ntls_ca = "ca"', "needs tls_certificate as well"),
        (HOST + AWAY + TLS + "plaintext = true", "is of no use beside TLS"),
        (TLS, 'is of no use without engine = "host"'),
        ("plaintext = true", 'is of no use without engine = "host"'),
    ],
)
def test_half_secured_is_refused(lines: str, said: str) -> None:
    """What would be in the clear by oversight, or secures nothing, is named."""
    with pytest.raises(SettingsWrong) as caught:
        read_settings(REST + lines)

    assert said in str(caught.value)
    assert "hsm." in str(caught.value)
