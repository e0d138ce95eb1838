"""``atm-switch profile``: the dialects that ship, and the sheet a bank signs."""

import sys
from pathlib import Path

import click

from atm_switch.cli.options import examples
from atm_switch.command_groups import Group


@click.group(
    cls=Group,
    epilog=examples("atm-switch profile list", "atm-switch profile doc bpjstk-jht-v1"),
)
def profile() -> None:
    """List the dialects; write the interface sheet of one."""


@profile.command("list", epilog=examples("atm-switch profile list"))
def list_profiles() -> None:
    """Name the profiles that ship."""
    from atm_switch.profile.load import load_profile
    from atm_switch.profile.shipped import shipped_profiles

    names = shipped_profiles()
    width = max(len(name) for name in names)
    for name in names:
        print(f"{name:{width}}  {load_profile(name).title}")


@profile.command(
    epilog=examples(
        "atm-switch profile doc bpjstk-jht-v1 > interface.md",
        "atm-switch profile doc ./our-dialect.toml",
    )
)
@click.argument("name", metavar="NAME|FILE")
def doc(name: str) -> None:
    """Write the interface sheet of a profile, in Markdown, for the bank to sign."""
    from atm_switch.domain.errors import Refused
    from atm_switch.folder import profile_of
    from atm_switch.profile.load import ProfileWrong
    from atm_switch.profile.sheet import sheet

    try:
        found = profile_of(name, Path())
    except ProfileWrong as wrong:
        raise Refused(str(wrong)) from None
    sys.stdout.write(sheet(found))
