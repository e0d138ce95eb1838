"""``atm-switch cards``: link cards to members, make PVVs for the lab, unblock a card."""

import sys
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from atm_switch.cli.asking import ask, checked, pan_of, pin_of
from atm_switch.cli.card_desk import block, consent, forget, replace, rotate_key, show, unlink
from atm_switch.cli.options import data_folder, examples
from atm_switch.command_groups import Group

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atm_switch.domain.card import Pan
    from atm_switch.domain.secret import Pin


@click.group(
    cls=Group,
    epilog=examples(
        "atm-switch cards link bank cards.csv",
        "atm-switch cards pvv bank",
        "atm-switch cards unblock bank",
    ),
)
def cards() -> None:
    """Link cards to members, make PVVs for the lab, unblock a card."""
    from atm_switch.adapters.process_hygiene import forbid_core_dumps

    forbid_core_dumps()


@cards.command(
    epilog=examples(
        "atm-switch cards link bank cards.csv",
        "atm-switch cards link bank cards.csv --skip-bad rejects.csv",
        "atm-switch cards link bank cards.csv --relink    links unlinked cards again",
        "columns: pan,expiry,kpj,pvv,pvki,status (expiry YYMM; status active or blocked)",
    )
)
@data_folder
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--skip-bad", type=click.Path(path_type=Path), metavar="FILE",
    help="Write bad rows here and take the others; without it a bad row stops all.",
)  # fmt: skip
@click.option("--relink", is_flag=True, help="Link cards again that were unlinked at the desk.")
def link(folder: Path, file: Path, skip_bad: Path | None, *, relink: bool) -> None:
    """Link the cards of FILE to their KPJ, with consent recorded as of today.

    Of a PAN only a keyed hash is stored. What was decided at the desk stays: a consent
    withdrawn, a block, a replacement; a warning names each row that says otherwise.
    """
    from atm_switch.cli.importing import link_card_file

    link_card_file(folder, file, skip_bad, relink=relink)


@cards.command(
    epilog=examples(
        "atm-switch cards pvv bank                asks for PAN and PIN",
        "atm-switch cards pvv bank < pairs.txt    a line PAN, a line PIN, and so on",
    )
)
@data_folder
def pvv(folder: Path) -> None:
    """Print "pvv,pvki" of a card and its PIN, for cards.csv; lab mode only.

    Under [pins] method = "ibm-3624" it is the offset that stands in the pvv column.
    """
    from atm_switch.domain.errors import Refused
    from atm_switch.folder import open_folder
    from atm_switch.security.ibm3624 import ibm3624_offset
    from atm_switch.security.pvv import visa_pvv

    opened = open_folder(folder)
    if not opened.is_lab:
        raise Refused("PVVs are made here in lab mode only: in production the card issuer does")
    vault, pins = opened.vault(), opened.settings.pins
    pvki = vault.pvk_indices[0]
    pvk = vault.pvk(pvki)
    if pvk is None or not pvk.is_clear:
        raise Refused("PVVs are made where the PIN verification key is: in the HSM")
    for pan, pin in _pairs():
        try:
            if pins.method == "ibm-3624":
                value = ibm3624_offset(pin, pan, pvk.token, pins.decimalisation_table)
            else:
                value = visa_pvv(pin, pan, pvki, pvk.token)
            print(f"{value},{pvki}", flush=True)
        finally:
            pin.wipe()


@cards.command(
    epilog=examples(
        "atm-switch cards unblock bank            asks for the PAN",
        "atm-switch cards unblock bank < pan.txt",
    )
)
@data_folder
def unblock(folder: Path) -> None:
    """Lift the block of a card, whose PAN is asked for, and clear its used PIN tries."""
    import os
    from contextlib import closing
    from functools import partial

    from atm_switch.adapters.audit_book import ask_journal
    from atm_switch.adapters.clock import utc_now
    from atm_switch.adapters.journal_batch import Unblock
    from atm_switch.folder import command_actor, open_to_write
    from atm_switch.ledger.opening import open_store
    from atm_switch.ledger.registry_book import unblock as lift

    opened = open_to_write(folder)
    vault = opened.vault()
    pan = ask("Card number: ", pan_of)
    ref, *former = vault.card_refs(pan)
    question = Unblock(ref, command_actor(), pan.masked, tuple(former))
    clear = partial(ask_journal, opened.journal_place, vault, utc_now, os.urandom, question)
    with closing(open_store(opened.settings.ledger.url, opened.ledger)) as store:
        was_blocked, tries = lift(store, vault.card_refs(pan), clear)
    tries_told = f"{tries} used PIN tries cleared" if tries else "no PIN tries were used"
    print(f"{pan.masked}: {'the block is lifted, ' if was_blocked else ''}{tries_told}")


def _pairs() -> "Iterator[tuple[Pan, Pin]]":
    """Yield one pair asked for at a terminal, or every pair of lines of a pipe."""
    if sys.stdin.isatty():
        yield ask("Card number: ", pan_of), ask("PIN: ", pin_of)
        return
    lines = filter(str.strip, sys.stdin)
    first = next(lines, None)
    if first is None:
        raise click.UsageError("standard input is empty: a line PAN, a line PIN, and so on")
    for line in chain([first], lines):
        yield checked(pan_of, line), checked(pin_of, next(lines, ""))


for command in (block, unlink, forget, consent, replace, show, rotate_key):
    cards.add_command(command)
