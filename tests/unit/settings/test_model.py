"""Claims about what settings may not say together once real money's cards are behind them."""

from typing import TYPE_CHECKING

import pytest

from atm_switch.settings.load import SettingsWrong, read_settings

if TYPE_CHECKING:
    from atm_switch.settings.model import Settings

BANK = '[[acquirers]]\nid = "009"\nname = "BANK CONTOH"\npin = "acquirer"\n'
SECOND = '[[acquirers]]\nid = "014"\nname = "BANK LAIN"\npin = "acquirer"\n'
LINE = '[[listeners]]\nlisten = "127.0.0.1:8583"\n'
TLS = 'tls_certificate = "a.pem"\ntls_key = "b.pem"\ntls_client_ca = "c.pem"\n'
PRODUCTION = 'mode = "production"\n'
NO_ENGINE = '[hsm]\nengine = "none"\n'


def problems(text: str) -> str:
    """Return what is wrong with a settings file."""
    with pytest.raises(SettingsWrong) as caught:
        read_settings(text)
    return str(caught.value)


def test_production_never_starts_with_software_engine() -> None:
    """
    Even where no bank needs a key, production names another engine than the lab's.
    """
    found = problems(PRODUCTION + LINE + BANK)

    assert 'set engine = "none", for no bank needs PINs or MACs here' in found


def test_bank_that_does_it_all_needs_no_hsm() -> None:
    """
    A bank that verifies PINs itself and sends no MAC is served in production without an HSM.
    """
    settings = read_settings(PRODUCTION + LINE + BANK + NO_ENGINE)

    assert "none" == settings.hsm.engine


@pytest.mark.parametrize("mode", ["lab", "production"])
def test_no_engine_cannot_serve_who_needs_one(mode: str) -> None:
    """
    In either mode a bank whose PINs are verified here is refused where nothing can.
    """
    issuer = BANK.replace('"acquirer"', '"issuer"')

    found = problems(f'mode = "{mode}"\n' + LINE + issuer + NO_ENGINE)

    assert 'acquirers[1].pin = "issuer": PINs are not verified without an HSM' in found


def test_environment_never_takes_production_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What the file calls production the environment cannot call the lab.
    """
    monkeypatch.setenv("ATM_MODE", "lab")

    found = problems(PRODUCTION + LINE + BANK + NO_ENGINE)

    assert "ATM_MODE: switch.toml says production, and only the file takes that back" in found


def test_environment_may_make_it_stricter(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The environment makes production of a lab's file, with all that production asks.
    """
    monkeypatch.setenv("ATM_MODE", "production")

    settings = read_settings(LINE + BANK + NO_ENGINE)

    assert "production" == settings.mode


@pytest.mark.parametrize(
    "text", [PRODUCTION + NO_ENGINE + LINE + TLS + BANK, LINE + TLS + BANK + SECOND]
)
def test_bank_behind_tls_has_its_own_name(text: str) -> None:
    """
    With TLS in production, or with a second bank, no certificate of the CA is anybody's.
    """
    found = problems(text)

    assert "acquirers[1].certificate_names" in found
    assert "any certificate of the CA may sign on as this bank" in found


def test_named_banks_behind_tls_are_settings() -> None:
    """
    Banks that name their certificates are let in by them and no others.
    """
    first, second = (
        f'{bank}certificate_names = ["{name}"]\n'
        for bank, name in ((BANK, "one.example"), (SECOND, "two.example"))
    )

    settings: Settings = read_settings(PRODUCTION + NO_ENGINE + LINE + TLS + first + second)

    assert [("one.example",), ("two.example",)] == [
        bank.certificate_names for bank in settings.acquirers
    ]


@pytest.mark.parametrize("name", ["one.example", "ONE.example"])
@pytest.mark.parametrize("mode", ["lab", "production"])
def test_certificate_name_belongs_to_one_bank(mode: str, name: str) -> None:
    """
    A name that two banks give would let one sign on as the other: told at the second's line.
    """
    first = f'{BANK}certificate_names = ["one.example"]\n'
    second = f'{SECOND}certificate_names = ["two.example", "{name}"]\n'

    found = problems(f'mode = "{mode}"\n' + NO_ENGINE + LINE + TLS + first + second)

    at = found.partition("switch.toml:")[2].partition(":")[0]
    assert "18" == at
    assert "acquirers[2].certificate_names = " in found
    assert f"{name} is acquirer 009's already" in found
    assert 1 == found.count("\n") + 1


def test_bank_may_repeat_its_own_name() -> None:
    """
    The same name twice in one bank's list is odd, and harms nobody.
    """
    bank = f'{BANK}certificate_names = ["one.example", "one.example"]\n'

    settings = read_settings(PRODUCTION + NO_ENGINE + LINE + TLS + bank)

    assert 1 == len(settings.acquirers)
