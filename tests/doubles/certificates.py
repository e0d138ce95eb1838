"""A lab CA for tests: certificates made on the spot, none kept in the repository.

Elliptic-curve keys, because they are made in a millisecond.  The extensions are those RFC 5280
wants (4.2.1.1 to 4.2.1.3, 4.2.1.9): from Python 3.13 on a default context insists on them.
"""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from atm_switch.server.tls import TlsFiles

YEAR, DAY = timedelta(days=365), timedelta(days=1)
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path

    @property
    def der(self) -> bytes:
        """The certificate as a peer sees it."""
        return ssl.PEM_cert_to_DER_cert(self.certificate.read_text())


class LabCa:
    """A CA that signs whatever it is asked to."""

    def __init__(self, folder: Path, name: str = "LAB CA") -> None:
        """Make the CA; its files go into ``folder``."""
        self._folder = folder
        self._name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.file = folder / f"{_plain(name)}.crt"
        self.write_own()

    def write_own(self, ends_in: timedelta = YEAR) -> None:
        """Write the CA's own certificate, or write it anew with another end."""
        own = self._builder(self._name, ends_in).public_key(self._key.public_key())
        own = own.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        own = own.add_extension(_SIGNS_CERTIFICATES, critical=True)
        subject = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        own = own.add_extension(subject, critical=False)
        _write(self.file, own.sign(self._key, SHA256()).public_bytes(Encoding.PEM))

    def issue(
        self, name: str, *dns: str, address: str = "", ends_in: timedelta = YEAR, file: str = ""
    ) -> Pair:
        """Sign a certificate for CN ``name`` and the DNS names and IP address given."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(name, ends_in).public_key(key.public_key())
        others: list[x509.GeneralName] = [x509.DNSName(one) for one in dns]
        others += [x509.IPAddress(ip_address(address))] if address else []
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(issuer, critical=False)
        if others:
            builder = builder.add_extension(x509.SubjectAlternativeName(others), critical=False)
        stem = self._folder / (file or _plain(f"{self._name}-{name}"))
        pair = Pair(stem.with_suffix(".crt"), stem.with_suffix(".key"))
        signed = builder.sign(self._key, SHA256())
        _write(pair.certificate, signed.public_bytes(Encoding.PEM))
        _write(pair.key, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return pair

    def revoke(self, *pairs: Pair, ends_in: timedelta = YEAR, file: str = "revoked.pem") -> Path:
        """Sign a revocation list with the certificates of ``pairs`` on it."""
        now = datetime.now(UTC)
        builder = x509.CertificateRevocationListBuilder().issuer_name(_called(self._name))
        builder = builder.last_update(now - 2 * YEAR).next_update(now + ends_in)
        for pair in pairs:
            serial = x509.load_pem_x509_certificate(pair.certificate.read_bytes()).serial_number
            gone = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now - DAY)
            builder = builder.add_revoked_certificate(gone.build())
        path = self._folder / file
        _write(path, builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM))
        return path

    def server(self, name: str = "switch") -> TlsFiles:
        """Make what a listener on loopback needs."""
        pair = self.issue(name, "localhost", address=LOOPBACK, file=name)
        return TlsFiles(pair.certificate, pair.key, self.file)

    def client(self, shown: Pair | None = None) -> ssl.SSLContext:
        """Make the context of a client that believes this CA and shows a certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cafile=self.file)
        if shown is not None:
            context.load_cert_chain(shown.certificate, shown.key)
        return context

    def _builder(self, name: str, ends_in: timedelta) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(_called(name))
            .issuer_name(_called(self._name))
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(now, now + ends_in) - DAY)
            .not_valid_after(now + ends_in)
        )


_SIGNS_CERTIFICATES = x509.KeyUsage(
    digital_signature=False, content_commitment=False, key_encipherment=False,
    data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
    encipher_only=False, decipher_only=False,
)  # fmt: skip


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _plain(name: str) -> str:
    return "".join(one if one.isalnum() else "-" for one in name).lower()


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)
