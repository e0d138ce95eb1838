"""What the core gets to see of the settings."""

from datetime import time

from atm_switch.domain.identifiers import AcquirerId, Channel, TerminalId
from atm_switch.domain.instant import Zone
from atm_switch.settings.load import read_settings
from atm_switch.switch.policy import MacPolicy, PinPolicy

TEXT = """
[[listeners]]
[[acquirers]]
id = "009"
name = "BANK CONTOH"
pin = "acquirer"
terminals = "listed"
channels = ["6011", "6012"]
zone = "WITA"
end_of_day = "23:58-00:02"
[[acquirers]]
id = "014"
name = "BANK LAIN"
[[terminals]]
id = "S1ABC123"
acquirer = "009"
zone = "WIT"
"""


def test_bank_becomes_its_policy() -> None:
    """Every key of a bank arrives, as the type the core knows."""
    policy = read_settings(TEXT).to_policy().acquirers[AcquirerId("009")]

    assert (PinPolicy.ACQUIRER, MacPolicy.OFF) == (policy.pin, policy.mac)
    assert not policy.admits_any_terminal
    assert frozenset({Channel("6011"), Channel("6012")}) == policy.channels
    assert (time(23, 58), time(0, 2)) == policy.end_of_day
    assert Zone.WITA is policy.zone


def test_terminals_go_to_their_bank_only() -> None:
    """A listed terminal is known to the bank it names and to no other."""
    acquirers = read_settings(TEXT).to_policy().acquirers

    assert Zone.WIT is acquirers[AcquirerId("009")].terminals[TerminalId("S1ABC123")].zone
    assert {} == acquirers[AcquirerId("014")].terminals


def test_strikes_default_to_the_profile() -> None:
    """Only what the operator wrote goes before the profile; zero is written, too."""
    silent, off = read_settings(TEXT), read_settings(TEXT + "[limits]\nbad_frames_per_minute = 0\n")

    assert None is silent.to_policy().bad_frames_per_minute
    assert 0 == off.to_policy().bad_frames_per_minute


def test_production_limits_cards_and_terminals_where_nothing_is_said() -> None:
    """A person at an ATM never asks so often; the lab, and who writes a number, has it so."""
    bank = '[[listeners]]\n[[acquirers]]\nid = "009"\nname = "B"\npin = "acquirer"\n'
    production = 'mode = "production"\n' + bank + '[hsm]\nengine = "none"\n'
    own = "[limits]\ninquiries_per_card_per_hour = 5\ninquiries_per_terminal_per_minute = 0\n"
    own += "in_flight_per_terminal_max = 3\n"

    limits = [
        (
            one.inquiries_per_card_per_hour,
            one.inquiries_per_terminal_per_minute,
            one.in_flight_per_terminal_max,
        )
        for one in (
            read_settings(text).to_policy() for text in (bank, production, production + own)
        )
    ]

    assert [(0, 0, 0), (20, 30, 8), (5, 0, 3)] == limits
