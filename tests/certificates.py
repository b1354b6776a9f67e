"""Authorities and certificates for tests: good ones, and every kind of bad one."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = datetime.timedelta(days=1)
SERVER_USE, CLIENT_USE = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


@dataclass(frozen=True)
class Pair:
    """Files of a certificate and its key."""

    certificate: str
    key: str


class Authority:
    """Makes certificates, and files of them."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder / name
        self._folder.mkdir()
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        built = _certificate(self._name, self._name, self._key, -10, 10)
        built = built.add_extension(x509.BasicConstraints(True, None), critical=True)
        certificate = built.sign(self._key, hashes.SHA256())
        self.ca = str(self._folder / "ca.pem")
        Path(self.ca).write_bytes(certificate.public_bytes(Encoding.PEM))

    def pair(
        self,
        name: str,
        use: x509.ObjectIdentifier = CLIENT_USE,
        begins: float = -1,
        ends: float = 1,
        dns: str = "localhost",
    ) -> Pair:
        """Make a certificate that is good from one day to another, counted from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        built = _certificate(_name(name), self._name, key, begins, ends)
        built = built.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        names = [x509.DNSName(dns), *([loopback] if dns == "localhost" else [])]
        built = built.add_extension(x509.SubjectAlternativeName(names), critical=False)
        chain = built.sign(self._key, hashes.SHA256())
        pair = Pair(str(self._folder / f"{name}.pem"), str(self._folder / f"{name}.key"))
        Path(pair.certificate).write_bytes(chain.public_bytes(Encoding.PEM))
        Path(pair.key).touch(0o600)
        Path(pair.key).write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        return pair


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    begins: float,
    ends: float,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins * _DAY)
        .not_valid_after(now + ends * _DAY)
    )
