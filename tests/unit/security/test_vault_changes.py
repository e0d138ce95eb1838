"""Claims about vaults made of a vault: a layer over the card key, another key of a line."""

import hashlib
import hmac
import os

import pytest

from atm_switch.domain.card import Pan
from atm_switch.domain.errors import Refused
from atm_switch.domain.identifiers import AcquirerId, TerminalId
from atm_switch.domain.secret import Key
from atm_switch.security.key_ring import KeyName, KeyUsage, Ladder
from atm_switch.security.vault import KEY_BYTES, Vault, fresh_line_key, pvk_name
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


def test_card_is_found_under_every_card_key() -> None:
    """Each layer hashes the hash before; any older hash can be brought to the newest."""
    pan = Pan("9990090000000012")
    bare = Vault.fresh(CountedEntropy())
    keys = [Key(bytes([at]) * KEY_BYTES) for at in (1, 2)]
    layered = bare.with_card_layer(keys[0]).with_card_layer(keys[1])
    digest = bare.card_ref(pan).digest
    expected = [digest]
    for key in keys:
        digest = hmac.new(key.reveal(), digest, hashlib.sha256).digest()
        expected.insert(0, digest)

    refs = layered.card_refs(pan)

    assert expected == [ref.digest for ref in refs]
    assert layered.card_key_ids == tuple(ref.key_id for ref in refs)
    assert 3 == len(set(layered.card_key_ids))
    assert refs[0] == layered.card_ref(pan)
    assert [refs[0]] * 3 == [layered.newest_ref(ref) for ref in refs]
    assert refs[2] == bare.card_ref(pan)


def test_card_under_a_key_that_is_not_there_is_refused() -> None:
    """A hash under a card key of another folder is brought nowhere."""
    vault = Vault.fresh(CountedEntropy())
    other = vault.with_card_layer(Key(bytes([7]) * KEY_BYTES))

    with pytest.raises(ValueError, match="under a key that is not in the key file"):
        vault.newest_ref(other.card_ref(Pan("9990090000000012")))


def test_vaults_are_the_same_by_their_keys() -> None:
    """And by the state of each: a copy is, one with another PVK is not."""
    entropy = CountedEntropy()
    vault = Vault.fresh(entropy)
    more = vault.with_key(pvk_name("3"), fresh_line_key("T", entropy))
    more = more.with_key(pvk_name("2"), fresh_line_key("T", entropy))

    assert vault.is_same_as(Vault.from_document(vault.to_document()))
    assert not vault.is_same_as(more)
    assert ("1",) == vault.pvk_indices
    assert ("1", "2", "3") == more.pvk_indices


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
