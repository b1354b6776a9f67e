"""Who is let in: real servers, real certificates, and a device that answers right all the same."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from tests.certificates import CLIENT_USE, SERVER_USE, Authority

from cutpoint.client.session import InferenceSession
from cutpoint.exceptions import ConnectError, CutpointError, RefusedError, TlsError
from cutpoint.lab.fork_server import ForkServer
from cutpoint.lab.forked_server import ForkedServer
from cutpoint.wire.credentials import ClientSecurity

TOKEN, SECRET = "good-token", "s3cr3t-canary"


@dataclass(frozen=True)
class Site:
    """Three servers, and what a device needs for each of them."""

    mutual: ForkedServer
    tokens: ForkedServer
    plain: ForkedServer
    ours: Authority
    theirs: Authority
    device: ClientSecurity
    bearer: ClientSecurity
    expire: Callable[[], None]


@pytest.fixture(scope="module")
def site(
    six_convs: Path, tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer
) -> Iterator[Site]:
    """Start a server of mutual TLS, one of tokens over TLS, and one of neither."""
    folder = tmp_path_factory.mktemp("site")
    ours, theirs = Authority(folder, "ours"), Authority(folder, "theirs")
    server = ours.pair("server", SERVER_USE)
    tokens = folder / "tokens"
    tokens.write_text(f"another\n{TOKEN}\n")
    tls = ("--tls-cert", server.certificate, "--tls-key", server.key)
    device = ours.pair("device")

    def expire() -> None:
        old = ours.pair("old", SERVER_USE, begins=-3, ends=-2)
        shutil.copy(old.certificate, server.certificate)
        shutil.copy(old.key, server.key)

    servers = tuple(
        fork_server.server([str(six_convs)], arguments)
        for arguments in (
            (*tls, "--tls-client-ca", ours.ca),
            (*tls, "--token-file", str(tokens)),
            (),
        )
    )
    try:
        with ThreadPoolExecutor() as threads:
            list(threads.map(_start, servers))
        yield Site(
            *servers,
            ours,
            theirs,
            ClientSecurity(ours.ca, device.certificate, device.key),
            ClientSecurity(ours.ca, token=TOKEN),
            expire,
        )
    finally:
        for each in servers:
            each.kill()


def _start(server: ForkedServer) -> None:
    server.start()
    server.wait_until_ready()


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    """Give an input."""
    return np.random.default_rng(3).standard_normal((1, 3, 64, 64), dtype=np.float32)


@pytest.fixture(scope="module")
def truth(six_convs: Path, image: np.ndarray) -> list[np.ndarray]:
    """Give the outputs as ONNX Runtime alone computes them."""
    session = onnxruntime.InferenceSession(six_convs, providers=["CPUExecutionProvider"])
    outputs: list[np.ndarray] = session.run(None, {"image": image})
    return outputs


def _check(session: InferenceSession, image: np.ndarray, truth: list[np.ndarray]) -> None:
    for computed, expected in zip(session.run(None, {"image": image}), truth, strict=True):
        np.testing.assert_allclose(computed, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("way", ["mutual TLS", "token", "token, over plaintext on loopback"])
def test_who_shows_what_is_asked_for_is_let_in(
    site: Site, six_convs: Path, image: np.ndarray, truth: list[np.ndarray], way: str
) -> None:
    """Handshake, health and inferences all pass the gate, and the server does compute."""
    server, security = {
        "mutual TLS": (site.mutual, site.device),
        "token": (site.tokens, site.bearer),
        "token, over plaintext on loopback": (site.plain, ClientSecurity(token=TOKEN)),
    }[way]
    with InferenceSession(
        six_convs, server=server.address, security=security, policy="server"
    ) as session:
        session.wait_until_ready()
        _check(session, image, truth)
        assert session.last_record is not None
        assert session.last_record.placement == "server"


def _problem(session: InferenceSession) -> CutpointError:
    """Wait until the server was tried; give what came of it."""
    while True:
        with pytest.raises(CutpointError) as caught:
            session.wait_until_ready(0.02)
        if "not reached yet" not in str(caught.value):
            return caught.value


def _of_client(site: Site, **what: object) -> ClientSecurity:
    authority = what.pop("authority", site.ours)
    assert isinstance(authority, Authority)
    pair = authority.pair("bad", **what)  # type: ignore[arg-type]
    return replace(site.device, certificate=pair.certificate, key=pair.key)


REFUSED: dict[str, tuple[Callable[[Site], tuple[ForkedServer, ClientSecurity | None]], type, str]]
REFUSED = {
    "no client certificate": (
        lambda s: (s.mutual, ClientSecurity(s.ours.ca)), ConnectError, "--tls-cert and --tls-key",
    ),
    "foreign client certificate": (
        lambda s: (s.mutual, _of_client(s, authority=s.theirs)), ConnectError, "does not accept",
    ),
    "expired client certificate": (
        lambda s: (s.mutual, _of_client(s, begins=-3, ends=-2)), ConnectError, "does not accept",
    ),
    "client certificate of the future": (
        lambda s: (s.mutual, _of_client(s, begins=2, ends=3)), ConnectError, "does not accept",
    ),
    "client certificate for servers": (
        lambda s: (s.mutual, _of_client(s, use=SERVER_USE)), ConnectError, "does not accept",
    ),
    "another authority at the client": (
        lambda s: (s.tokens, replace(s.bearer, ca=s.theirs.ca)), TlsError, "no authority this dev",
    ),
    "another name": (
        lambda s: (s.tokens, replace(s.bearer, server_name="edge.example")), TlsError, "--tls-name",
    ),
    "plaintext to a server of TLS": (
        lambda s: (s.tokens, ClientSecurity(token=TOKEN)), ConnectError, "it speaks TLS",
    ),
    "TLS to a server of plaintext": (
        lambda s: (s.plain, s.bearer), TlsError, "does not speak TLS",
    ),
    "no token": (
        lambda s: (s.tokens, replace(s.bearer, token=None)), RefusedError, "no token was shown",
    ),
    "bad token": (
        lambda s: (s.tokens, replace(s.bearer, token=SECRET)), RefusedError, "give another",
    ),
    "garbled token": (
        lambda s: (s.tokens, replace(s.bearer, token=TOKEN + "\x7e\x21")), RefusedError, "another",
    ),
    "expired server certificate": (  # the last: the server goes on with it
        lambda s: (s.expire(), (s.tokens, s.bearer))[1], TlsError, "has expired",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_anybody_else_is_refused_and_computes_alone(
    site: Site, six_convs: Path, image: np.ndarray, truth: list[np.ndarray], case: str
) -> None:
    """The answer is right, the record says why the device was alone, and what to do about it."""
    arrange, kind, words = REFUSED[case]
    server, security = arrange(site)
    with InferenceSession(
        six_convs, server=server.address, security=security, policy="server"
    ) as session:
        error = _problem(session)
        assert type(error) is kind
        assert words in str(error)
        _check(session, image, truth)
        record = session.last_record
        assert record is not None
        assert (record.placement, record.sent_bytes) == ("device", 0)
        assert record.fallback_reason == str(error)
        assert server.address in record.fallback_reason
        assert SECRET not in record.fallback_reason + repr(session)


def test_a_key_that_is_not_the_certificates_is_refused_before_anything_is_dialled(
    site: Site, six_convs: Path
) -> None:
    """What can be seen on the device is told at once, like an address that is none."""
    mixed = replace(site.device, key=site.ours.pair("other", CLIENT_USE).key)
    with pytest.raises(ConnectError, match="is not the key of certificate"):
        InferenceSession(six_convs, server=site.mutual.address, security=mixed)
