"""What an officer cannot undo by accident: a withdrawal, and an unlinking."""

import os
from datetime import date, timedelta

import pytest

from atm_switch.domain.card import Expiry
from atm_switch.domain.errors import Refused
from atm_switch.ledger import registry_book as book
from atm_switch.ledger.store import Store
from atm_switch.security.vault import Vault
from tests.doubles.card_bench import KPJ, LOST, NEW, TODAY, link, put_participant


@pytest.fixture
def vault() -> Vault:
    """Bring fresh keys."""
    return Vault.fresh(os.urandom)


@pytest.fixture
def linked(store: Store, vault: Vault) -> Store:
    """Link one card."""
    put_participant(store)
    link(store, vault.card_ref(LOST))
    return store


def test_consent_older_than_its_withdrawal_lifts_nothing(linked: Store, vault: Vault) -> None:
    """
    A form found later, of an earlier day, is refused with the day; one of that day is taken.
    """
    refs = vault.card_refs(LOST)
    book.withdraw_consent(linked, refs, TODAY, "letter")

    for day in (date(2020, 1, 1), TODAY - timedelta(1)):
        with pytest.raises(Refused, match=f"withdrawn on {TODAY}, which a consent of {day} does"):
            book.give_consent(linked, refs, day, "old form")
    kept = book.card_record(linked, refs)[1]
    book.give_consent(linked, refs, TODAY, "new form")

    assert (None, TODAY, "letter") == (kept.consent_on, kept.withdrawn_on, kept.consent_evidence)
    assert TODAY == book.card_record(linked, refs)[1].consent_on


def test_withdrawal_goes_over_to_the_card_that_replaces(linked: Store, vault: Vault) -> None:
    """
    A new card in the place of one whose consent was withdrawn has it withdrawn that day.
    """
    book.withdraw_consent(linked, vault.card_refs(LOST), TODAY, "letter")

    new = book.NewCard(vault.card_refs(NEW), Expiry("2912"), "4321", "1")
    book.replace(linked, vault.card_refs(LOST), new, TODAY)

    found = book.card_record(linked, new.refs)[1]
    assert (None, TODAY, "letter") == (found.consent_on, found.withdrawn_on, found.consent_evidence)
    with pytest.raises(Refused, match="consent was withdrawn on"):
        book.give_consent(linked, new.refs, date(2020, 1, 1), "old form")


def test_unlinked_card_replaces_once_it_is_forgotten(linked: Store, vault: Vault) -> None:
    """
    It is told to have been unlinked, not to be linked, and what is told helps.
    """
    new = book.NewCard(vault.card_refs(NEW), Expiry("2912"), "4321", "1")
    link(linked, vault.card_ref(NEW))
    book.unlink(linked, new.refs, TODAY)

    told = f"the new card was unlinked on {TODAY}; .* forget it first: atm-switch cards forget"
    with pytest.raises(Refused, match=told):
        book.replace(linked, vault.card_refs(LOST), new, TODAY)
    book.forget(linked, new.refs)

    assert KPJ == book.replace(linked, vault.card_refs(LOST), new, TODAY)
