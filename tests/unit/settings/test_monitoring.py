"""Claims about where the page for Prometheus may be served."""

import pytest

from atm_switch.settings.load import SettingsWrong, read_settings

REST = (
    '[[acquirers]]\nid = "009"\nname = "BANK CONTOH"\npin = "acquirer"\n'
    '[[listeners]]\nlisten = "127.0.0.1:8583"\n[metrics]\n'
)


@pytest.mark.parametrize(
    "lines",
    ["", 'listen = "127.0.0.1:9583"', 'listen = "[::1]:9583"', 'listen = "localhost:9583"',
     'listen = "0.0.0.0:9583"\nplaintext = true'],
)  # fmt: skip
def test_page_is_for_this_machine_or_for_others_where_said(lines: str) -> None:
    """Nowhere, on loopback, or in the open where the settings say that this is meant."""
    assert read_settings(REST + lines).metrics.plaintext is ("plaintext" in lines)


@pytest.mark.parametrize("listen", ["0.0.0.0:9583", "[::]:9583", "switch.example:9583"])
def test_page_in_the_open_must_be_meant(listen: str) -> None:
    """Without TLS and a password traffic by bank is not for everybody."""
    with pytest.raises(SettingsWrong) as caught:
        read_settings(f'{REST}listen = "{listen}"')

    assert "set plaintext = true" in str(caught.value)
