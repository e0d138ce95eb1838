"""TLS where this switch is the one that connects: to a broker, to an HSM.

Plan: the other side's certificate is verified against a CA and its host's name, ours is
shown where there is one; TLS 1.2 or later.  Contexts are made anew for each connection, so
that a renewed certificate needs no restart.
Limits: no revocation lists on this side.
"""

import ssl
from pathlib import Path


def client_context(
    ca: Path | None, certificate: Path | None = None, key: Path | None = None
) -> ssl.SSLContext:
    """Make the context of one connection; without ``ca`` the system's CAs are believed.

    Raises ``OSError`` or ``ValueError`` for files that cannot be used; ``plain_words`` says
    it without what is in them.
    """
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate is not None:
        # An enciphered key would be asked for at the terminal; no password makes it an error.
        context.load_cert_chain(certificate, key, password=bytes)
    return context


def plain_words(error: Exception) -> str:
    """Say in a few words why a connection, or the files for it, could not be used."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate refused, {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return (error.reason or "TLS is broken").replace("_", " ").lower()
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return type(error).__name__
