"""The host under test: which cards it knows in which role, and what it answers otherwise.

Somebody else's host is described by a target file, TOML; ``TARGET_EXAMPLE`` explains it.
Without one the sample data of ``atm-switch init --sample`` beside the kit is the target.
"""

import csv
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from atm_switch.domain.errors import Refused
from atm_switch.profile.model import Profile
from terminal_emulator.given_file import text_of_file

ROLES = (
    "approved", "several", "claimed", "bpu", "pmi", "blocked", "expired", "unlinked", "empty",
)  # fmt: skip
_SHOWS = {
    "approved": "published simulation", "several": "three KPJ", "claimed": "claimed out",
    "bpu": "self-employed", "pmi": "migrant", "blocked": "blocked", "expired": "expired",
    "unlinked": "no member is linked", "empty": "nothing booked",
}  # fmt: skip


TARGET_EXAMPLE = """\
# A host under test.  terminal-emulator scenario run --suite conformance --target FILE
# Cases whose card it has not, or whose tag it is without, are skipped and said so.

without = ["mac", "repeat"]        # tags of cases not to be asked; scenario list shows them all

[codes]                            # DE39 it uses in place of the profile's
"58" = "91"

[cards.approved]                   # roles: approved several claimed bpu pmi
pan = "9990090000000012"           #        blocked expired unlinked empty
pin = "123456"
kpj = "12345678901"

[cards.blocked]
pan = "9990090000000061"
pin = "678901"
"""
HOW = "one to begin from: terminal-emulator scenario target > FILE"


@dataclass(frozen=True, slots=True, repr=False)
class Role:
    """A card; not printable."""

    pan: str
    pin: str = ""
    kpj: str = ""


_NOBODY = Role("")


@dataclass(frozen=True, slots=True)
class Target:
    """What is known of a host."""

    cards: Mapping[str, Role] = field(default_factory=dict, repr=False)
    without: frozenset[str] = frozenset()
    codes: Mapping[str, str] = field(default_factory=dict)

    def fact(self, name: str) -> str | None:
        """Return what ``${name}`` stands for: ``card.ROLE``, ``pin.ROLE``, ``kpj.ROLE``.

        Empty where the host has no such card; ``None`` for a name that is no fact.
        """
        what, _, role = name.partition(".")
        if what not in ("card", "pin", "kpj") or role not in ROLES:
            return None
        card = self.cards.get(role, _NOBODY)
        return {"card": card.pan, "pin": card.pin, "kpj": card.kpj}[what]

    def lacks(self, facts: Iterable[str]) -> list[str]:
        """Return those of the facts that are not known of this host."""
        return sorted(name for name in facts if not self.fact(name))

    def code(self, code: str) -> str:
        """Return the DE39 this host uses for one of the profile's."""
        return self.codes.get(code, code)


def beyond(profile: Profile) -> set[str]:
    """Return the tags of cases whose bytes a dialect does not have."""
    framing, encoding = profile.framing, profile.encoding
    two_bytes = (framing.length, framing.length_bytes, framing.header_bytes, framing.trailer)
    has = {
        "text-dialect": encoding.text == "ascii" and encoding.bitmap == "hex",
        "text-digits": encoding.numbers == "text",
        "two-byte-length": two_bytes == ("binary-big-endian", 2, 0, b""),
    }
    return {tag for tag, is_so in has.items() if not is_so}


def read_target(path: Path) -> Target:
    """Read a target file.  Raises ``Refused``."""
    try:
        document = tomllib.loads(text_of_file(path, HOW))
        _require_known(document, ("without", "codes", "cards"), "key")
        _require_known(document.get("cards", {}), ROLES, "role")
        roles = {name: _role(name, one) for name, one in document.get("cards", {}).items()}
        codes = _texts(document.get("codes", {}), "codes")
    except ValueError as error:
        raise Refused(f"{path}: {error}; {HOW}") from None
    without = document.get("without", [])
    if not isinstance(without, list) or not all(isinstance(one, str) for one in without):
        raise Refused(f"{path}: without is a list of tags; {HOW}")
    # What only the sample data says of itself is true of no other host.
    return Target(roles, frozenset({"sample", *without}), codes)


def _require_known(table: Any, known: Sequence[str], what: str) -> None:
    """Raise ``ValueError`` for what is no table, or has a key that nobody knows."""
    if not isinstance(table, dict):
        message = f"{what}s are not in a table"
        raise ValueError(message)  # noqa: TRY004  a file's content is a value, not a type
    strange = sorted(set(table) - set(known))
    if strange:
        message = f"{strange[0]!r} is no {what}; there are {', '.join(known)}"
        raise ValueError(message)


def _role(name: str, table: Any) -> Role:
    card = _texts(table, f"cards.{name}")
    if set(card) - {"pan", "pin", "kpj"} or not re.fullmatch("[0-9]{1,19}", card.get("pan", "")):
        message = f"cards.{name} has a pan of digits, and may have pin and kpj"
        raise ValueError(message)
    return Role(**card)


def _texts(table: Any, name: str) -> dict[str, str]:
    if not isinstance(table, dict) or not all(isinstance(one, str) for one in table.values()):
        message = f"{name} is a table of texts, in quotes"
        raise ValueError(message)
    return table


def sample_target(folder: Path) -> Target:
    """Return the sample data in a data folder as a target; without it, one with no card."""
    listed = folder / "sample" / "cards.txt"
    if not listed.is_file():
        return Target()
    linked = folder / "sample" / "cards.csv"
    kpjs: dict[str, str] = {}
    if linked.is_file():
        with linked.open(encoding="utf-8", newline="") as file:
            kpjs = {row["pan"]: row["kpj"] for row in csv.DictReader(file)}
    roles = {}
    for line in listed.read_text(encoding="utf-8").splitlines():
        found = re.match(r"([0-9]{13,19})\s+[0-9]{4}\s+([0-9]{4,12})\s+\w\w\s+(.*)", line)
        role = next((r for r, text in _SHOWS.items() if found and text in found[3]), None)
        if found and role:
            roles[role] = Role(found[1], found[2], kpjs.get(found[1], ""))
    return Target(roles)
