"""The key ceremony at the keyboard: components asked for and judged, the key they make.

Plan: a component is shown by its check value only, and judged the moment it is typed, so
that the ceremony ends before the next custodian is called.
Limits: what is typed stays in the memory of this process until it ends; core dumps are off.
"""

import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from atm_switch.domain.secret import Key
    from atm_switch.folder import DataFolder
    from atm_switch.security.key_ring import KeyName, LineKey

_ANEW = "begin the ceremony anew"


def ask_components(folder: "DataFolder", count: int, algorithm: str) -> "list[Key]":
    """Ask each custodian for a component, unseen; a pipe gives a line each.

    ``algorithm`` is ``T`` or ``A``.  Raises ``Refused``, which names a component by its
    number, for one that is no key, is known to others or is a key of this switch itself.
    """
    return [_component(folder, at + 1, count, algorithm) for at in range(count)]


def formed_key(
    folder: "DataFolder", name: "KeyName", parts: "Sequence[Key]", algorithm: str
) -> "LineKey":
    """Return the key that the components make, not kept yet.

    Raises ``Refused`` for what is no key, or must not become the key of ``name``.
    """
    from atm_switch.domain.errors import Refused
    from atm_switch.security.components import combine
    from atm_switch.security.key_ring import LineKey
    from atm_switch.security.key_rules import why_not

    try:
        key = LineKey.clear(combine(parts, algorithm), algorithm)
    except ValueError as error:
        raise Refused(f"{error}; {_ANEW}") from None
    reason = why_not(key, name, folder.vault(), refuses_known=not folder.is_lab)
    if reason is not None:
        raise Refused(f"{reason} (check value {key.check}); {_ANEW} with other components")
    return key


def require_agreed(folder: "DataFolder", name: "KeyName", *, yes: bool, replace: bool) -> None:
    """See that somebody wants the key there is to be cut off: asked at a terminal, else told.

    ``yes`` answers the question at a terminal; where nobody can be asked only ``replace``
    will do.  Raises ``Refused``, with nothing changed.
    """
    import click

    from atm_switch.domain.errors import Refused

    held = folder.vault().keys.get(name)
    if held is None or replace:
        return
    there = f"{name} has a key, check value {held.in_use.check}"
    if not sys.stdin.isatty():
        raise Refused(f"{there}; to cut it off say --replace (the other side needs the new one)")
    print(f"{there}; the line stops until the", end=" ")
    if yes:
        print("other side has the new one too.")
    elif not click.confirm("other side has the new one too. Replace it?"):
        raise Refused("not replaced; nothing was changed")


def _component(folder: "DataFolder", number: int, count: int, algorithm: str) -> "Key":
    import getpass

    from atm_switch.domain.errors import Refused
    from atm_switch.domain.secret import Key
    from atm_switch.security.key_ring import LineKey
    from atm_switch.security.key_rules import why_no_component

    question = f"component {number} of {count}: "
    text = getpass.getpass(question) if sys.stdin.isatty() else sys.stdin.readline()
    try:
        part = LineKey.clear(Key.from_hex(re.sub(r"\s", "", text)), algorithm)
    except ValueError as error:
        raise Refused(f"component {number}: {error}; {_ANEW}") from None
    reason = why_no_component(part, folder.vault(), refuses_known=not folder.is_lab)
    if reason is not None:
        raise Refused(f"component {number}: {reason}; {_ANEW}")
    print(f"component {number} has the check value {part.check}")
    return part.token
