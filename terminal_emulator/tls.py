"""TLS from the terminal's side: what we show, whom we believe, and what went wrong.

Plan: the host's certificate must be of the CA in ``--tls-ca`` and for the name we call;
ours is shown if the host asks.  OpenSSL's reasons become sentences that say what to do.
Limits: a host's alert against our certificate comes after the handshake is over for us,
so it is met where the first answer is awaited.
"""

import ssl
from pathlib import Path

from atm_switch.domain.errors import Refused
from terminal_emulator.address import Address

HANDSHAKE_SECONDS = 5.0
SHUTDOWN_SECONDS = 2.0

EXPIRED, NOT_YET_VALID = 10, 9
OTHER_CA = frozenset({18, 19, 20, 21})
OTHER_NAME = frozenset({62, 64})
"""OpenSSL's verify codes (x509_vfy.h)."""

_OURS = "have its CA issue one, and pass it with --tls-cert and --tls-key"
_ALERTS = {
    "CERTIFICATE_REQUIRED": f"wants a certificate of ours; {_OURS}",
    "UNKNOWN_CA": f"does not know the CA of our certificate; {_OURS}",
    "CERTIFICATE_EXPIRED": "says that our certificate has expired; have it renewed",
    "CERTIFICATE": f"does not accept our certificate; {_OURS}",
    "HANDSHAKE_FAILURE": f"broke off the handshake; it may want a certificate of ours: {_OURS}",
    "PROTOCOL_VERSION": "speaks none of our versions of TLS; it needs TLS 1.2 or 1.3",
}
"""What a reason ends with, or holds, and what it means; the first that fits counts."""


def client_context(
    ca: Path | None, certificate: Path | None, key: Path | None
) -> ssl.SSLContext | None:
    """Make the context to call a host with; ``None`` without a CA: no TLS then.

    Raises ``ValueError`` for options that do not go together, ``Refused`` for a file that
    cannot be used.
    """
    if (certificate is None) != (key is None):
        message = "--tls-cert and --tls-key go together"
        raise ValueError(message)
    if ca is None and certificate is not None:
        message = "--tls-cert needs --tls-ca, the CA of the host's certificate"
        raise ValueError(message)
    if ca is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cafile=ca)
    except OSError as error:
        raise Refused(f"{_unusable('--tls-ca', ca, error)}; pass the host's CA as PEM") from None
    if certificate is not None and key is not None:
        _show(context, certificate, key)
    return context


def why_refused(error: ssl.SSLError, address: Address) -> str:
    """Say in one sentence what is wrong with the host's certificate, or with ours."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _distrust(error, address)
    reason = error.reason or ""
    if "ALERT" in reason:
        for part, meaning in _ALERTS.items():
            if part in reason:
                return f"{address} {meaning}"
    if reason in {"WRONG_VERSION_NUMBER", "UNEXPECTED_MESSAGE", "RECORD_LAYER_FAILURE"}:
        return f"{address} does not speak TLS; leave out --tls-ca"
    plain = reason.replace("_", " ").lower() or "no reason given"
    return f"{address} and we cannot agree on TLS: {plain}"


def _distrust(error: ssl.SSLCertVerificationError, address: Address) -> str:
    whose = f"the certificate of {address}"
    if error.verify_code == EXPIRED:
        return f"{whose} has expired; whoever runs the host must renew it"
    if error.verify_code == NOT_YET_VALID:
        return f"{whose} is not valid yet; check this machine's clock"
    if error.verify_code in OTHER_CA:
        return f"{whose} is not of the CA in --tls-ca; pass the CA that issued it"
    if error.verify_code in OTHER_NAME:
        return f"{whose} is not for {address.host}; call the host by a name it is for"
    return f"{whose} cannot be trusted: {error.verify_message}"


def _show(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    for option, path in (("--tls-cert", certificate), ("--tls-key", key)):
        try:
            path.open("rb").close()
        except OSError as error:
            raise Refused(_unusable(option, path, error)) from None
    try:
        # An enciphered key would be asked for at the keys; no password makes it an error.
        context.load_cert_chain(certificate, key, password=bytes)
    except ssl.SSLError:
        raise Refused(
            f"--tls-key {key} is not the unenciphered PEM key of --tls-cert {certificate}"
        ) from None


def _unusable(option: str, path: Path, error: OSError) -> str:
    is_readable = isinstance(error, ssl.SSLError)
    why = "holds no certificate" if is_readable else f"cannot be read: {error.strerror}"
    return f"{option} {path} {why}"
