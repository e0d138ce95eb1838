"""``atm-switch init``: make a data folder."""

import shlex
import sys
from pathlib import Path

import click

from atm_switch.cli.options import examples


def _address(_context: click.Context, _option: click.Parameter, text: str) -> str:
    from atm_switch.settings.shapes import split_address

    try:
        split_address(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return text


def _nameable(_context: click.Context, _argument: click.Parameter, folder: Path) -> Path:
    """Refuse a name in bytes that are no text: settings and kit name their files."""
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        raise click.BadParameter("is no text in UTF-8: give the folder another name") from None
    return folder


@click.command(
    epilog=examples(
        "atm-switch init bank",
        "atm-switch init bank --sample                    with sample members and cards",
        "atm-switch init bank --listen 0.0.0.0:8583       reachable from other machines",
        "atm-switch init bank --pin acquirer              the bank verifies the PIN",
        "atm-switch init bank --mac required              every message carries a MAC",
    )
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path), callback=_nameable)
@click.option(
    "--listen", metavar="HOST:PORT", default="127.0.0.1:8583", show_default=True,
    callback=_address, help="Where to take connections; port 0 is any free one.",
)  # fmt: skip
@click.option(
    "--mac", type=click.Choice(["off", "required"]), default="off", show_default=True,
    help="Message authentication in DE64 or DE128.",
)  # fmt: skip
@click.option(
    "--pin", type=click.Choice(["issuer", "acquirer"]), default="issuer", show_default=True,
    help="Who verifies the PIN: this switch, or the bank.",
)  # fmt: skip
@click.option("--sample", is_flag=True, help="Add the sample members and cards.")
def init(folder: Path, listen: str, mac: str, pin: str, sample: bool) -> None:  # noqa: FBT001 - click hands flags in so
    """Make the data folder DIR: settings, fresh keys, empty ledger and journal.

    The master key that opens the key file is put beside DIR, not into it: keep a copy of
    it in another place than the copies of DIR.
    """
    import os

    from atm_switch import founding, line_keys
    from atm_switch.adapters.clock import read_clock

    wishes = founding.Wishes(listen=listen, mac=mac, pin=pin, with_sample=sample)
    made = founding.init(folder, wishes, read_clock, os.urandom)
    where = shlex.quote(str(folder))
    print(f"made {made.root} (mode {made.settings.mode}, acquirer {line_keys.LAB_ACQUIRER})")
    print(f"master key: {made.master_file.resolve()} - keep a copy away from the folder's copies")
    print(f"a terminal's kit: {made.root / line_keys.KIT_FILE}")
    if any(one.is_exposed for one in made.settings.listeners):
        warning = "connections without TLS are allowed (plaintext = true); see TLS in README.md"
        print(f"warning: {listen}: {warning}", file=sys.stderr)
    if sample:
        print(f"sample cards and PINs: {made.root / founding.SAMPLE_FOLDER / 'cards.txt'}")
    print(f"next: atm-switch serve {where}")
