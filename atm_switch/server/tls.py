"""What TLS needs from disk: our certificate and key, and the CA whose clients may come in.

Plan: ``tls_problems`` judges the files, each problem named by the file it is in;
``server_context`` makes of them what links are secured with.  TLS 1.2 or later, and no
client without a certificate of our CA.
With a revocation list of that CA, no certificate that is on it.
Out of date: nobody comes in by such a CA or list, for TLS itself sees to that, and callers that
verify our certificate hang up on such a one; a reload that finds one changes nothing.  A start
goes on: the other doors are not shut for it.
Limits: the list is a file that somebody else keeps new.
"""

import ssl
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from atm_switch.domain.errors import Refused

if TYPE_CHECKING:
    from cryptography import x509

GROUP_OR_OTHER = 0o077
_REMEDY = "put a new one there, then SIGHUP"


class TlsFiles(NamedTuple):
    """Where the files are, all PEM; the key is not enciphered."""

    certificate: Path
    """Ours, followed by the intermediate certificates, if any."""
    key: Path
    client_ca: Path
    """One or more CA certificates; who shows a certificate of one of them is let in."""
    crl: Path | None = None
    """The revocation lists of those CAs, one or more."""


class TlsProblem(NamedTuple):
    """What is wrong with one of the files; ``part`` is its name in ``TlsFiles``."""

    part: str
    text: str
    is_of_date: bool = False
    """Whether the file is as it should be, but too old, or too new for this clock."""


class _OfDate(str):
    """A doubt about a file that is about nothing but its date."""

    __slots__ = ()


def server_context(files: TlsFiles, *, in_date: bool = True) -> ssl.SSLContext:
    """Make the context every link of a listener is secured with.

    Raises ``Refused`` with everything wrong about the files, a line each; what is out of date
    only is wrong if they must be ``in_date``, and lets nobody in otherwise.
    """
    problems = [one for one in tls_problems(files) if in_date or not one.is_of_date]
    if problems:
        raise Refused("\n".join(problem.text for problem in problems))
    try:
        return _load(files)
    except OSError:  # an SSLError too is one
        raise Refused("the TLS files changed while they were read: try again") from None


def tls_problems(files: TlsFiles) -> list[TlsProblem]:
    """Name what is wrong with the files, each with a remedy; never what is in them."""
    problems = [
        *_doubts("certificate", files.certificate, _date_of_first),
        *_doubts("key", files.key, _closed_to_others),
        *_doubts("client_ca", files.client_ca, _date_of_any),
        *(_doubts("crl", files.crl, _date_of_lists) if files.crl else ()),
    ]
    if all(problem.is_of_date for problem in problems):
        problems += _doubts("key", files.key, lambda _: _pair(files))
    return problems


def expiring(files: TlsFiles, within: timedelta, now: datetime) -> list[TlsProblem]:
    """Name what is out of date ``within`` that time: our certificate, the CAs', the lists."""
    return [
        TlsProblem(part, f"{path} {_good_until(end, now)}: {_REMEDY}")
        for part, path in files._asdict().items()
        if (end := end_of(path)) is not None and end - now < within
    ]


def _good_until(end: datetime, now: datetime) -> str:
    return f"was good until {end:%Y-%m-%d}" if end < now else f"is good until {end:%Y-%m-%d} only"


def end_of(path: Path | None) -> datetime | None:
    """Return when the first certificate or list in a file ends, UTC; ``None`` for any other."""
    with suppress(OSError, ValueError):
        return min(_ends(path)) if path is not None else None
    return None


def _ends(path: Path) -> list[datetime]:
    raw = path.read_bytes()
    if b"X509 CRL" in raw:
        return [one.next_update_utc for one in _lists(raw) if one.next_update_utc is not None]
    return [one.not_valid_after_utc for one in _certificates_in(raw)]


def _load(files: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    # No tickets: every link shows its certificate, none lives on a session made before.
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    context.load_verify_locations(cafile=files.client_ca)
    if files.crl is not None:
        context.load_verify_locations(cafile=files.crl)
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    # An enciphered key would be asked for at the terminal; no password makes it an error.
    context.load_cert_chain(files.certificate, files.key, password=bytes)
    return context


def _doubts(part: str, path: Path, judge: Callable[[Path], str]) -> Iterator[TlsProblem]:
    try:
        text = judge(path)
    except OSError as error:
        text = f"cannot be read ({error.strerror}): write its path relative to the data folder"
    except ValueError:
        text = "holds no certificate: put a PEM certificate there"
    if text:
        yield TlsProblem(part, f"{path} {text}", isinstance(text, _OfDate))


def _date_of_first(path: Path) -> str:
    first, *_ = _certificates(path)
    return _out_of_date(first)


def _date_of_any(path: Path) -> str:
    doubts = [_out_of_date(one) for one in _certificates(path)]
    return "" if "" in doubts else doubts[0]


def _date_of_lists(path: Path) -> str:
    lists = _lists(path.read_bytes())
    if not lists:
        return "holds no revocation list: put a PEM CRL there"
    now = datetime.now(UTC)
    for one in lists:
        if one.next_update_utc is not None and now > one.next_update_utc:
            due = f"{one.next_update_utc:%Y-%m-%d}"
            return _OfDate(f"was to be renewed on {due}: get the CA's newest list")
    return ""


def _lists(raw: bytes) -> "list[x509.CertificateRevocationList]":
    from cryptography import x509  # noqa: PLC0415 - a start without TLS does not wait for it

    end = b"-----END X509 CRL-----"
    blocks = (part[part.find(b"-----BEGIN") :] for part in raw.split(end)[:-1])
    return [x509.load_pem_x509_crl(block + end + b"\n") for block in blocks]


def _certificates(path: Path) -> "list[x509.Certificate]":
    return _certificates_in(path.read_bytes())


def _certificates_in(raw: bytes) -> "list[x509.Certificate]":
    from cryptography import x509  # noqa: PLC0415 - a start without TLS does not wait for it

    return x509.load_pem_x509_certificates(raw)


def _out_of_date(certificate: "x509.Certificate") -> str:
    now = datetime.now(UTC)
    if now > certificate.not_valid_after_utc:
        day = f"{certificate.not_valid_after_utc:%Y-%m-%d}"
        return _OfDate(f"expired on {day}: put a new certificate there")
    if now < certificate.not_valid_before_utc:
        day = f"{certificate.not_valid_before_utc:%Y-%m-%d}"
        return _OfDate(f"is not valid before {day}: check the clock, or wait")
    return ""


def _closed_to_others(path: Path) -> str:
    with path.open("rb") as file:
        file.read(1)
    mode = stat.S_IMODE(path.stat().st_mode)
    return f"is open to others (mode {mode:04o}): chmod go= {path}" if mode & GROUP_OR_OTHER else ""


def _pair(files: TlsFiles) -> str:
    try:
        _load(files)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            return f"is not the key of {files.certificate}: put the two that belong together there"
        return f"is no key that can be used with {files.certificate}: put an unenciphered PEM there"
    return ""
