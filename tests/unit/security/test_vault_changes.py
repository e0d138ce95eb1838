"""Claims about vaults made of a vault: a layer over the card key, another key of a line."""

import os

import pytest

from atm_switch.domain.errors import Refused
from atm_switch.domain.identifiers import AcquirerId, TerminalId
from atm_switch.domain.secret import Key
from atm_switch.security.key_ring import KeyName, KeyUsage, Ladder
from atm_switch.security.vault import KEY_BYTES, Vault, fresh_line_key
from atm_switch.security.vault_document import LAYERS_MAX
from tests.doubles.memory import CountedEntropy


def test_layer_beyond_the_last_is_refused() -> None:
    """The vault takes as many card keys as its file holds, and says what to do then."""
    full = Vault.fresh(os.urandom)
    for _ in range(LAYERS_MAX):
        full = full.with_card_layer(Key(os.urandom(KEY_BYTES)))

    assert full.card_key_ids == Vault.from_document(full.to_document()).card_key_ids
    with pytest.raises(Refused, match="link the cards there anew"):
        full.with_card_layer(Key(os.urandom(KEY_BYTES)))


def test_replaced_key_of_a_bank_leaves_its_terminals_too() -> None:
    """What a terminal's ladder still held of its bank's key is good no longer, and remembered."""
    entropy = CountedEntropy()
    old, new, own = (fresh_line_key("T", entropy) for _ in range(3))
    bank = KeyName(KeyUsage.MAC, AcquirerId("009"))
    terminal = KeyName(KeyUsage.MAC, AcquirerId("009"), TerminalId("S1ABC123"))
    stranger = KeyName(KeyUsage.MAC, AcquirerId("014"), TerminalId("S1ABC123"))
    vault = Vault.fresh(entropy).with_key(bank, old)
    for name in (terminal, stranger):
        vault = vault.with_ladder(name, Ladder(old).received(own))

    after = vault.with_key(bank, new)

    assert [own.check] == [key.check for key in after.keys[terminal].rungs]
    assert old.check in after.keys[terminal].past
    assert vault.keys[stranger] is after.keys[stranger]


def test_terminal_that_waits_for_its_own_key_gets_the_banks_new_one() -> None:
    """An own key that is on its way stays on its way; meanwhile the bank's new key is in use."""
    entropy = CountedEntropy()
    old, new, own = (fresh_line_key("T", entropy) for _ in range(3))
    bank = KeyName(KeyUsage.MAC, AcquirerId("009"))
    terminal = KeyName(KeyUsage.MAC, AcquirerId("009"), TerminalId("S1ABC123"))
    vault = Vault.fresh(entropy).with_key(bank, old)
    vault = vault.with_ladder(terminal, Ladder(old).offered(own))

    after = vault.with_key(bank, new).keys[terminal]

    assert after.is_coming
    assert [new.check, own.check] == [key.check for key in after.rungs]
