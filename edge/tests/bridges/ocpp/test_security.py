"""Security profiles 1 to 3 with real TLS: a station is who it proves to be, and nobody else gets in."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from pathlib import Path
from typing import Any

import pytest
from charge_points import Station
from charging_bench import PASSWORD, Bench, Running, connector
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from simems_edge.bridges.ocpp.access import DeniedError, Gate, hash_of
from simems_edge.config import OcppSettings

pytestmark = pytest.mark.integration
HASH = hash_of(PASSWORD)


class Authority:
    """Signs certificates for one test."""

    def __init__(self, name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._signed(self.name, self.key.public_key(), authority=True)

    def issue(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Certificate and key of ``name``, as PEM files."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate, secret = folder / f"{name}.pem", folder / f"{name}.key"
        certificate.write_bytes(_pem(self._signed(subject, key.public_key(), authority=False)))
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return certificate, secret

    def _signed(self, subject: x509.Name, key: Any, *, authority: bool) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(self.name, subject, key, x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=1))
        builder = builder.not_valid_after(now + datetime.timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        return builder.sign(self.key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


async def _refused(bench: Bench, station: Station, *, password: str | None = None, name: str | None = None) -> None:
    with pytest.raises(Exception, match=r"401|certificate|ALERT|alert|closed|reset|valid HTTP response"):
        async with bench.connected(station, password=password, name=name) as client:
            await client.boot()


async def test_profile_1_asks_for_the_stations_own_password(running: Running) -> None:
    stations = [{"id": "CP1", "password_hash": HASH}, {"id": "CP2", "password_hash": hash_of("another-password-1")}]
    evcs = (connector("evcs0", "CP1"), connector("evcs1", "CP2"))
    async with running(*evcs, ocpp={"security_profile": 1, "stations": stations}) as bench:
        for _ in range(2):
            async with bench.connected(Station("CP1"), password=PASSWORD) as client:
                assert (await client.boot()).status == "Accepted"
        await _refused(bench, Station("CP1"))
        await _refused(bench, Station("CP1"), password="wrong-wrong-wrong-wrong")
        await _refused(bench, Station("CP2"), password=PASSWORD)
        await _refused(bench, Station("CP2"), password=PASSWORD, name="CP1")


async def test_profile_2_is_the_same_over_tls(running: Running, tmp_path: Path) -> None:
    authority = Authority("site")
    certificate, key = authority.issue(tmp_path, "edge")
    stations = [{"id": "CP1", "password_hash": HASH}]
    ocpp = {
        "security_profile": 2, "stations": stations, "certificate": str(certificate), "private_key": str(key),
    }  # fmt: skip
    async with running(connector("evcs0", "CP1"), ocpp=ocpp) as bench:
        bench.tls = _trusting(authority)
        async with bench.connected(Station("CP1"), "ocpp2.0.1", password=PASSWORD) as client:
            assert (await client.boot()).status == "Accepted"
        await _refused(bench, Station("CP1"), password="wrong-wrong-wrong-wrong")


async def test_profile_3_takes_only_the_certificate_of_that_station(running: Running, tmp_path: Path) -> None:
    authority, other = Authority("site"), Authority("somebody else")
    certificate, key = authority.issue(tmp_path, "edge")
    (tmp_path / "ca.pem").write_bytes(_pem(authority.certificate))
    ocpp = {
        "security_profile": 3, "certificate": str(certificate), "private_key": str(key),
        "client_authority": str(tmp_path / "ca.pem"),
    }  # fmt: skip
    async with running(connector("evcs0", "CP1"), ocpp=ocpp) as bench:
        bench.tls = _trusting(authority, authority.issue(tmp_path, "CP1"))
        async with bench.connected(Station("CP1")) as client:
            assert (await client.boot()).status == "Accepted"
        bench.tls = _trusting(authority, authority.issue(tmp_path, "CP2"))
        await _refused(bench, Station("CP1"))
        bench.tls = _trusting(authority, other.issue(tmp_path, "CP1-forged"))
        await _refused(bench, Station("CP1"))
        bench.tls = _trusting(authority)
        await _refused(bench, Station("CP1"))


def _trusting(authority: Authority, own: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=_pem(authority.certificate).decode())
    context.check_hostname = False
    if own is not None:
        context.load_cert_chain(*map(str, own))
    return context


def _gate(profile: int = 1) -> Gate:
    station = {"id": "CP1", "password_hash": HASH}
    files = {"certificate": "a", "private_key": "b", "client_authority": "c"} if profile == 3 else {}
    return Gate(OcppSettings.model_validate({"stations": [station], "security_profile": profile} | files))


@pytest.mark.parametrize(
    "header",
    ["", "Basic", "Basic !!!", "Bearer Q1AxOng=", "Basic Q1Ax", "Basic " + "A" * 4000, "Basic OnB3", "Basic Q1AxOg=="],
)
async def test_credentials_that_are_none(header: str) -> None:
    with pytest.raises(DeniedError):
        await asyncio.to_thread(_gate().admit, "/CP1", {"Authorization": header}, [])


@pytest.mark.parametrize("path", ["", "/", "/CP1/..", "/ocpp/CP1%00", "/ocpp/cp1", "/%43P1x", "/" + "x" * 4000])
def test_a_path_that_names_no_listed_station(path: str) -> None:
    with pytest.raises(DeniedError):
        _gate(profile=3).admit(path, {}, ["CP1"])


def test_a_short_password_is_refused() -> None:
    with pytest.raises(ValueError, match="16"):
        hash_of("short")
