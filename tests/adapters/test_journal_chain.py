"""What a chain is made of, written out by hand: a file of any earlier release is held to it."""

import hashlib
import hmac

import pytest

from atm_switch.adapters.journal_chain import (
    BEGINNING,
    AuditChain,
    Head,
    JournalChain,
    RowChain,
    chains_of,
)
from tests.doubles.journal_bench import fresh_vault

VAULT = fresh_vault()
HEAD = Head(7, bytes(range(32)))
RECORD = (1, 5, "start", "switch", "bank", "")
CANONICAL = b"seq=i1:1,at=i1:5,kind=s5:start,actor=s6:switch,subject=s4:bank,detail=s0:,"
OF_NODE = chains_of(VAULT, "one")
BESIDE, ALONE = b"head beside an audit\0", b"head\0"
CHAINS: dict[str, tuple[RowChain, bytes, bytes]] = {
    "journal": (JournalChain(VAULT), b"atm-switch journal chain 1", BESIDE),
    "audit": (AuditChain(VAULT), b"atm-switch audit chain 1", ALONE),
    "a node's journal": (OF_NODE[0], b"atm-switch journal chain 1 of node one", ALONE),
    "a node's audit": (OF_NODE[1], b"atm-switch audit chain 1 of node one", ALONE),
}


def code(label: bytes, material: bytes) -> bytes:
    """HMAC-SHA-256 under the key that a chain's label draws from the vault."""
    own = hmac.new(VAULT.fingerprint_key.reveal(), label, hashlib.sha256).digest()
    return hmac.new(own, material, hashlib.sha256).digest()


@pytest.mark.parametrize(("chain", "label", "of_head"), CHAINS.values(), ids=CHAINS)
def test_heads_and_floors_are_sealed_under_the_chains_own_key(
    chain: RowChain, label: bytes, of_head: bytes
) -> None:
    """Each over its own word, its number and its link; one is no seal of the other."""
    seal = code(label, of_head + b"7:" + HEAD.chain)
    floor = code(label, b"floor\0" + b"7:" + HEAD.chain)

    assert (seal, floor) == (chain.seal(HEAD), chain.floor_seal(HEAD))
    assert (True, True) == (chain.is_sealed(HEAD, seal), chain.is_floor(HEAD, floor))
    assert (False, False) == (chain.is_sealed(HEAD, floor), chain.is_floor(HEAD, seal))


@pytest.mark.parametrize("name", ["audit", "a node's audit"])
def test_record_is_linked_to_what_is_before_it(name: str) -> None:
    """Over that link and each cell with its column's name, its type and its length."""
    chain, label, _ = CHAINS[name]

    link = code(label, b"row\0" + BEGINNING.chain + CANONICAL)

    assert link == chain.link_cells(BEGINNING.chain, RECORD)
    assert bytes(32) == BEGINNING.chain


def test_head_of_the_first_release_is_right_and_tells_of_no_audit() -> None:
    """It was sealed before there was one."""
    chain, label, _ = CHAINS["journal"]
    assert isinstance(chain, JournalChain)
    first, now = (code(label, word + b"7:" + HEAD.chain) for word in (ALONE, BESIDE))

    assert (True, False) == (chain.is_sealed(HEAD, first), chain.tells_of_audit(HEAD, first))
    assert (True, True) == (chain.is_sealed(HEAD, now), chain.tells_of_audit(HEAD, now))
