"""``atm-switch cards block|unlink|consent|replace|show``: one card at the officer's desk.

Each asks for the card number unseen, changes one link, and leaves an audit record: that first,
so that without it nothing is changed.
"""

from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from atm_switch.cli.options import data_folder, examples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atm_switch.domain.card import Pan
    from atm_switch.folder import DataFolder
    from atm_switch.ledger.registry_book import CardRecord, Witness
    from atm_switch.ledger.store import Store
    from atm_switch.security.vault import Vault

_day = click.option(
    "--on", "day", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD",
    help="The day it happened; today (WIB) if left out.",
)  # fmt: skip


@click.command(
    short_help="Block a card (62).",
    epilog=examples("atm-switch cards block bank", "atm-switch cards block bank < pan.txt"),
)
@data_folder
def block(folder: Path) -> None:
    """Block a card, whose number is asked for: its inquiries get 62 from now on."""
    from atm_switch.ledger import registry_book

    with _desk(folder) as (opened, store, vault):
        pan = _asked()
        done = f"{pan.masked}: blocked"
        tell = _telling(opened, "cards block", done)
        registry_book.block(store, vault.card_refs(pan), _today(), tell)
    print(done)


@click.command(
    short_help="Take a card off its KPJ (56).", epilog=examples("atm-switch cards unlink bank")
)
@data_folder
def unlink(folder: Path) -> None:
    """Take a card, whose number is asked for, off its KPJ: its inquiries get 56."""
    from atm_switch.ledger import registry_book

    with _desk(folder) as (opened, store, vault):
        pan = _asked()
        done = f"{pan.masked}: unlinked"
        tell = _telling(opened, "cards unlink", done)
        registry_book.unlink(store, vault.card_refs(pan), _today(), tell)
    print(done)


@click.command(
    short_help="Erase an unlinked card's record.", epilog=examples("atm-switch cards forget bank")
)
@data_folder
def forget(folder: Path) -> None:
    """Erase the link of an unlinked or replaced card, whose number is asked for, for good.

    Consent and evidence go with it, and a withdrawal too: a file that names the card links it
    anew. The journal keeps the card's keyed hash until its rows
    are purged (atm-switch journal purge).
    """
    from atm_switch.ledger import registry_book

    with _desk(folder) as (opened, store, vault):
        pan = _asked()
        done = f"{pan.masked}: forgotten"
        registry_book.forget(store, vault.card_refs(pan), _telling(opened, "cards forget", done))
    print(done)


@click.command(
    short_help="Record consent, or its withdrawal (57).",
    epilog=examples(
        'atm-switch cards consent bank --given --evidence "form 2026/118"',
        'atm-switch cards consent bank --withdrawn --on 2026-06-30 --evidence "letter of 29 June"',
    ),
)
@data_folder
@click.option("--given/--withdrawn", "is_given", required=True, help="What the owner said.")
@click.option("--evidence", required=True, help="What proves it: a form, a letter, a call.")
@_day
def consent(folder: Path, is_given: bool, evidence: str, day: datetime | None) -> None:  # noqa: FBT001
    """Record that a card's owner agreed to balance inquiries, or took that back (then 57)."""
    from atm_switch.ledger import registry_book

    record = registry_book.give_consent if is_given else registry_book.withdraw_consent
    with _desk(folder) as (opened, store, vault):
        pan = _asked()
        on = _day_that_was(day)
        word = "given" if is_given else "withdrawn"
        done = f"{pan.masked}: consent {word} on {on}: {evidence.strip()}"
        tell = _telling(opened, "cards consent", done)
        record(store, vault.card_refs(pan), on, evidence, tell)
    print(done)


@click.command(
    short_help="Link a new card in a lost one's place.",
    epilog=examples(
        "atm-switch cards replace bank --expiry 2912 --pvv 1234 --pvki 1",
        "Asks for the lost card's number, then for the new one's.",
    ),
)
@data_folder
@click.option("--expiry", required=True, metavar="YYMM", help="Of the new card.")
@click.option("--pvv", default="", help="PIN verification value of the new card, four digits.")
@click.option("--pvki", default="", help="Index of its PIN verification key, one digit.")
def replace(folder: Path, expiry: str, pvv: str, pvki: str) -> None:
    """Link a new card to a lost one's KPJ, consent included; the lost one stays blocked."""
    import re

    from atm_switch.card_key_change import require_card_key_read, require_same_card_key
    from atm_switch.cli.asking import checked
    from atm_switch.domain.card import Expiry
    from atm_switch.key_office import record_command
    from atm_switch.ledger import registry_book

    if bool(pvv) != bool(pvki) or not re.fullmatch(r"([0-9]{4})?", pvv):
        raise click.UsageError("--pvv is four digits and --pvki one, together or not at all")
    if not re.fullmatch(r"[0-9]?", pvki):
        raise click.UsageError("--pvki is one digit")
    good_until = checked(Expiry, expiry)
    with _desk(folder) as (opened, store, vault):
        require_card_key_read(opened, vault)
        lost, new = _asked("Lost card number: "), _asked("New card number: ")
        done = f"{lost.masked}: replaced by {new.masked}"

        def tell(held: "CardRecord") -> None:
            require_same_card_key(opened, vault)
            record_command(opened, "cards replace", f"{done}, KPJ {held.kpj.masked}")

        card = registry_book.NewCard(vault.card_refs(new), good_until, pvv, pvki)
        kpj = registry_book.replace(store, vault.card_refs(lost), card, _today(), tell)
    print(f"{done}, KPJ {kpj.masked}")


@click.command(short_help="Show a card's link.", epilog=examples("atm-switch cards show bank"))
@data_folder
def show(folder: Path) -> None:
    """Show where a card, whose number is asked for, leads and what its owner agreed to."""
    from atm_switch.ledger import registry_book

    with _desk(folder) as (_, store, vault):
        pan = _asked()
        ref, held = registry_book.card_record(store, vault.card_refs(pan))
    consented = f"given on {held.consent_on}" if held.consent_on else "none"
    if held.withdrawn_on:
        consented = f"withdrawn on {held.withdrawn_on}"
    rows = [
        ("card", f"{pan.masked}, expiry {held.expiry.yymm} (YYMM)"),
        ("KPJ", held.kpj.masked),
        ("status", held.status.value),
        ("linked on", held.linked_on),
        ("consent", consented),
        ("evidence", held.consent_evidence or "none noted"),
        ("PIN value", "there" if held.has_pvv else "none"),
        ("blocked on", held.blocked_on),
        ("replaced on", held.replaced_on),
        ("unlinked on", held.unlinked_on),
        ("card key", ref.key_id),
    ]
    for label, value in rows:
        if value is not None:
            print(f"{label:12} {value}")


@click.command(
    "rotate-key",
    short_help="Change the key the cards are hashed with.",
    epilog=examples(
        "atm-switch cards rotate-key bank     makes the new key",
        "kill -HUP ...                        the running switch reads it",
        "atm-switch cards rotate-key bank     moves the cards, while inquiries go on",
        "atm-switch cards rotate-key bank --again     begins the next change, a year later",
    ),
)
@data_folder
@click.option("--again", is_flag=True, help="Begin another change after a finished one.")
def rotate_key(folder: Path, again: bool) -> None:  # noqa: FBT001
    """Change the key of the cards' hashes: call it twice, with SIGHUP to the switch between.

    No card number is needed: the new hash is made of the old one.  Interrupted, the next
    call goes on.  A folder takes 64 changes, for no old key can ever be dropped.
    """
    import os
    import sys

    from atm_switch.card_key_change import change_card_key
    from atm_switch.folder import open_to_write

    def tell(moved: int, count: int) -> None:
        print(f"{moved:,} of {count:,} cards moved", file=sys.stderr, flush=True)

    done = change_card_key(open_to_write(folder), os.urandom, tell, again=again)
    if done.is_begun:
        print(f"the new card key is {done.key_id}; send the switch SIGHUP, then run this again")
    else:
        print(f"{done.moved:,} cards are under the card key {done.key_id} now")


@contextmanager
def _desk(folder: Path) -> "Iterator[tuple[DataFolder, Store, Vault]]":
    from contextlib import closing

    from atm_switch.folder import open_to_write
    from atm_switch.ledger.opening import open_store

    opened = open_to_write(folder)
    vault = opened.vault()
    with closing(open_store(opened.settings.ledger.url, opened.ledger)) as store:
        yield opened, store, vault


def _asked(question: str = "Card number: ") -> "Pan":
    from atm_switch.cli.asking import ask, pan_of

    return ask(question, pan_of)


def _telling(folder: "DataFolder", command: str, done: str) -> "Witness":
    """Return what tells the audit of a change before it is durable."""
    from atm_switch.key_office import record_command

    return lambda _held: record_command(folder, command, done)


def _day_that_was(day: datetime | None) -> date:
    today = _today()
    if day is not None and day.date() > today:
        from atm_switch.domain.errors import Refused

        raise Refused(
            f"{day.date()} is still to come; a consent bears today's date or an earlier one"
        )
    return day.date() if day else today


def _today() -> date:
    from atm_switch.adapters.clock import read_clock

    return read_clock().jakarta_date()
