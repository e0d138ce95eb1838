"""What other machines could read or say because nothing secures the way there.

Plan: each function names the doubts of one way in or out; ``settings/model.py`` collects
them.  Plaintext is for loopback, or where a setting says in so many words that it is meant;
in production not even then where nothing else proves who speaks.
Limits: what secures a line outside this process (a VPN, a proxy on this machine) cannot be
seen here: such a proxy connects from loopback.
"""

from collections.abc import Iterator, Sequence
from urllib.parse import parse_qs, urlsplit

from atm_switch.settings.lines import Place
from atm_switch.settings.listener import TLS_KEYS, Listener
from atm_switch.settings.sections import Acquirer, Journal, Ledger, Terminal
from atm_switch.settings.shapes import is_loopback

Doubt = tuple[Place, str]
"""Where something is wrong, and what."""

SURE_MODES = ("verify-full", "verify-ca")
SAID_MODES = (*SURE_MODES, "require", "disable")
"""What ``sslmode`` may be: not ``allow`` or ``prefer``, which fall back to plaintext."""


def half_secured(listeners: Sequence[Listener]) -> Iterator[Doubt]:
    """Name what of TLS is there in part, and what other machines reach without it."""
    for at, one in enumerate(listeners):
        given = [key for key in TLS_KEYS if getattr(one, key)]
        missing = [key for key in TLS_KEYS if key not in given]
        if given and missing:
            text = f"needs {' and '.join(missing)} as well; TLS takes all three or none"
            yield ("listeners", at, given[0]), text
        elif one.tls_crl and not given:
            text = "is of no use without TLS; set tls_certificate, tls_key and tls_client_ca"
            yield ("listeners", at, "tls_crl"), text
        elif one.plaintext and given:
            text = "is of no use beside TLS, which is the only way in then; take it out"
            yield ("listeners", at, "plaintext"), text
        elif one.is_exposed and not one.plaintext:
            text = (
                "is reached by other machines without TLS; set tls_certificate, tls_key "
                "and tls_client_ca, or plaintext = true"
            )
            yield ("listeners", at, "listen"), text


def unproven(
    listeners: Sequence[Listener], acquirers: Sequence[Acquirer], terminals: Sequence[Terminal]
) -> Iterator[Doubt]:
    """Name every line of a production switch on which nobody proves anything.

    That is: without TLS, reached by other machines, while there is a bank or terminal that
    sends no MAC.  Whose listener it is does not matter: a sign-on may name any bank (DE32).
    """
    silent = [f"acquirer {one.id}" for one in acquirers if one.mac == "off"]
    silent += [f"terminal {one.id}" for one in terminals if one.mac == "off"]
    for at, line in enumerate(listeners):
        if line.is_exposed and silent:
            text = (
                f"lets any machine ask as {silent[0]}, which sends no MAC: in production set "
                'tls_certificate, tls_key and tls_client_ca, or mac = "required"'
            )
            yield ("listeners", at, "plaintext"), text


def unsure_databases(ledger: Ledger, journal: Journal, *, is_lab: bool) -> Iterator[Doubt]:
    """Name every database on another machine that is reached by chance in the clear.

    Of the journal this is no small matter: who poses as it says how many PIN tries are left.
    """
    places: tuple[tuple[Place, str], ...] = (
        (("ledger", "url"), ledger.url), (("ledger", "read_url"), ledger.read_url),
        (("journal", "url"), journal.url),
    )  # fmt: skip
    for place, url in places:
        if not url or not _is_elsewhere(url):
            continue
        (mode,) = parse_qs(urlsplit(url).query).get("sslmode", [""])[:1]
        if mode not in (SAID_MODES if is_lab else SURE_MODES):
            text = (
                "is another machine; add ?sslmode=verify-full, or whoever poses as it is believed"
            )
            text += " (?sslmode=disable where plaintext is meant)" if is_lab else ""
            yield place, text


def _is_elsewhere(url: str) -> bool:
    """Tell whether a host is meant that is not this machine: neither loopback nor a socket."""
    parts = urlsplit(url)
    hosts = [host for one in parse_qs(parts.query).get("host", []) for host in one.split(",")]
    if not hosts and parts.hostname:
        hosts = [parts.hostname]
    return any(not host.startswith("/") and not is_loopback(host) for host in hosts)
