"""What ``cutpoint serve`` tells people: lines that say what holds."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from cutpoint.cli.serve_voice import voice_of
from cutpoint.graph import SERVER_ONLY
from cutpoint.server.model_store import StoreEvent


@pytest.fixture
def heard(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Give what was said to people since the last time."""
    return lambda: capsys.readouterr().err.strip()


def _event(kind: Any, version: int, *, is_first: bool) -> StoreEvent:
    cut = SimpleNamespace(id=SERVER_ONLY)
    model: Any = SimpleNamespace(
        name="m",
        version=version,
        cuts=(cut,),
        graph=SimpleNamespace(sha256="0" * 64),
        idle_s=lambda cut: 0.01,
        served_name=lambda cut: "m",
    )
    loaded = model if kind == "loaded" else None
    return StoreEvent(kind, "m", version, is_first, "why", model=loaded)


@pytest.mark.parametrize(("uses_tls", "scheme"), [(False, "http"), (True, "https")])
def test_the_metrics_are_where_the_line_says(
    heard: Callable[[], str], uses_tls: bool, scheme: str
) -> None:
    """With a certificate the page speaks TLS, and the address to copy says so."""
    voice_of(as_json=False, uses_tls=uses_tls).metrics("127.0.0.1:8002")
    assert heard() == f"metrics on {scheme}://127.0.0.1:8002/metrics"


def test_a_version_that_comes_back_is_named(heard: Callable[[], str]) -> None:
    """The first version goes without saying only before anything else was served."""
    voice = voice_of(as_json=False)
    voice.model(_event("loaded", 1, is_first=True))
    assert heard().startswith("m: 10")
    voice.model(_event("loaded", 1, is_first=False))
    assert heard().startswith("m version 1: 10")


def test_what_could_not_be_loaded_is_not_said_to_be_gone(heard: Callable[[], str]) -> None:
    """The version may be served all the same, as it was loaded before."""
    voice_of(as_json=False).model(_event("failed", 1, is_first=False))
    assert heard() == "m version 1 could not be loaded: why"
