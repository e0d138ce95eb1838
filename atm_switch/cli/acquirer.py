"""``atm-switch acquirer``: add a bank."""

from pathlib import Path

import click

from atm_switch.cli.options import data_folder, examples
from atm_switch.command_groups import Group


@click.group(cls=Group, epilog=examples('atm-switch acquirer add bank 014 --name "BANK LAIN"'))
def acquirer() -> None:
    """Add a bank to a data folder."""


def _bank(_context: click.Context, _option: click.Parameter, text: str) -> str:
    from atm_switch.domain.identifiers import AcquirerId

    try:
        return AcquirerId(text).text
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@acquirer.command(
    epilog=examples(
        'atm-switch acquirer add bank 014 --name "BANK LAIN"',
        'atm-switch acquirer add bank 002 --name "BANK KEDUA" --pin acquirer --mac required',
        "Restart the switch afterwards.",
    )
)
@data_folder
@click.argument("bank", metavar="ID", callback=_bank)
@click.option("--name", required=True, help="The bank's name, as it heads the slip.")
@click.option(
    "--pin", type=click.Choice(["issuer", "acquirer"]), default="issuer", show_default=True,
    help="Who verifies the PIN: this switch, or the bank.",
)  # fmt: skip
@click.option(
    "--mac", type=click.Choice(["off", "required"]), default="off", show_default=True,
    help="Message authentication in DE64 or DE128.",
)  # fmt: skip
def add(folder: Path, bank: str, name: str, pin: str, mac: str) -> None:
    """Add the bank with DE32 = ID to DIR/switch.toml, with the keys it needs.

    What stands in the file stays as it is.  Of a key only its check value is shown.  A
    bank that is there but lacks keys is given them.
    """
    import os

    from atm_switch.domain.identifiers import AcquirerId
    from atm_switch.folder import open_to_write
    from atm_switch.founding import add_acquirer
    from atm_switch.key_office import record_command
    from atm_switch.line_keys import write_kit

    values = {"id": bank, "name": name, "pin": pin, "mac": mac}
    opened, vault = add_acquirer(open_to_write(folder), values, os.urandom)
    record_command(opened, f"acquirer {bank}", f"added, pin {pin}, mac {mac}")
    print(f"acquirer {bank} is in {folder / 'switch.toml'}; restart the switch to let it in")
    for key_name, ladder in vault.keys.items():
        if key_name.acquirer == AcquirerId(bank):
            print(f"its {key_name.usage.value} key has the check value {ladder.in_use.check}")
    for listener in opened.settings.listeners:
        if listener.acquirer is None:
            print(f"{listener.listen} has no acquirer: sign-ons without DE32 get 30 there now;")
            print("  set acquirer in that [[listeners]] table, or have the banks send DE32")
    if opened.is_lab:
        added = next(one for one in opened.settings.acquirers if one.id == bank)
        print(f"a terminal's kit: {write_kit(opened, added, vault)}")
