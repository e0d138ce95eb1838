"""Whose certificate may do what: names that nobody could show, that anybody or two could.

Limits: names are compared as text, upper and lower case alike; what certificates there are
is not looked at.
"""

from collections.abc import Iterator, Sequence

from atm_switch.settings.lines import Place
from atm_switch.settings.listener import Listener
from atm_switch.settings.sections import Acquirer, Terminal

Doubt = tuple[Place, str]
"""Where something is wrong, and what."""


def nameless(
    listeners: Sequence[Listener], acquirers: Sequence[Acquirer], terminals: Sequence[Terminal]
) -> Iterator[Doubt]:
    """Name every certificate name that is asked for where no peer shows a certificate."""
    if any(one.has_tls for one in listeners):
        return
    named: list[tuple[Place, object]] = [
        *((("acquirers", at, "certificate_names"), one.certificate_names)
          for at, one in enumerate(acquirers)),
        *((("terminals", at, "certificate_name"), one.certificate_name)
          for at, one in enumerate(terminals)),
    ]  # fmt: skip
    for place, value in named:
        if value:
            yield place, "no listener has TLS, so no peer shows a certificate; set tls_... in one"


def anybody(
    listeners: Sequence[Listener], acquirers: Sequence[Acquirer], *, is_lab: bool
) -> Iterator[Doubt]:
    """Name every bank as which any certificate of the CA may sign on."""
    has_tls = any(one.has_tls for one in listeners)
    if not has_tls or (is_lab and len(acquirers) < 2):
        return
    for at, bank in enumerate(acquirers):
        if not bank.certificate_names:
            text = "is empty: any certificate of the CA may sign on as this bank; name its own"
            yield ("acquirers", at, "certificate_names"), text


def shared(acquirers: Sequence[Acquirer]) -> Iterator[Doubt]:
    """Name every bank that gives a certificate name another bank has given before it."""
    owners: dict[str, str] = {}
    for at, bank in enumerate(acquirers):
        for name in dict.fromkeys(bank.certificate_names):
            owner = owners.setdefault(name.casefold(), bank.id)
            if owner != bank.id:
                text = (
                    f"{name} is acquirer {owner}'s already, so one bank could sign on as the "
                    "other; give each its own"
                )
                yield ("acquirers", at, "certificate_names"), text
