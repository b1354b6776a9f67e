"""Sessions whose values travel encoded: exact, or within a tolerance where that is asked for."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from tests.client.conftest import running_server, save, tiny_model, wait_for_tails

from cutpoint import InferenceSession
from cutpoint.client.codec_choice import codec_choice
from cutpoint.client.codec_survey import survey_codecs
from cutpoint.client.server_connection import ServerConnection
from cutpoint.cost.tolerance import LARGEST_ERROR
from cutpoint.exceptions import (
    CodecError,
    FeedError,
    ProfileError,
    ProfileMismatchError,
    ToleranceError,
)
from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.graph import SERVER_ONLY, sample_feed
from cutpoint.profiling.calibrate import calibrate
from cutpoint.profiling.calibration_file import save_calibration
from cutpoint.records import Withdrawal
from cutpoint.wire.codecs import codec_named

NOWHERE = "127.0.0.1:1"
WIDTH = 256
PATIENT = {"slowdown": 50.0}
"""A server that answers late on a busy machine is no matter of codecs."""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the path of a model whose values are worth encoding."""
    return save(tmp_path_factory.mktemp("models") / "tiny.onnx", tiny_model(width=WIDTH))


@pytest.fixture(scope="module")
def address(path: Path) -> Iterator[str]:
    """Give a running server of it."""
    with running_server(path) as found:
        yield found


@pytest.fixture(scope="module")
def feeds() -> list[dict[str, np.ndarray]]:
    """Give inputs like those of later."""
    rng = np.random.default_rng(0)
    return [{"x": rng.standard_normal((1, 8, WIDTH)).astype(np.float32)} for _ in range(40)]


def outlier(feed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Give an input with one number that leaves no steps to the others."""
    changed = {"x": feed["x"].copy()}
    changed["x"][0, 0, 0] = 1e4
    return changed


def opened(path: Path, address: str, policy: str, **settings: Any) -> InferenceSession:
    """Give a session that is ready."""
    session = InferenceSession(path, server=address, policy=policy, **PATIENT, **settings)
    session.wait_until_ready(20)
    wait_for_tails(session)
    return session


def run_checked(session: InferenceSession, feed: dict[str, np.ndarray]) -> np.ndarray:
    """Run, and wait until what is to be checked is."""
    (output,) = session.run(None, feed)
    engine = session._engine
    assert engine is not None
    if engine._codecs.guard is not None:
        assert engine._codecs.guard.check.wait_until_idle(20)
    return output


def test_by_default_the_answer_is_exact_and_nothing_is_checked(
    path: Path, address: str, feeds: list
) -> None:
    """Only codecs that give every bit back are rows of the table; raw is what a record says."""
    (exact,) = onnxruntime.InferenceSession(path).run(None, feeds[0])
    with opened(path, address, "server") as session:
        (output,) = session.run(None, feeds[0])
        record, engine = session.last_record, session._engine
        assert engine is not None
        assert engine._codecs.guard is None
        assert (record.codecs, record.calibrated_error) == (("raw",), 0.0)
        assert session.withdrawn == ()
        codecs = {row for row in engine._dispatch.table.codecs if row != "raw"}
        assert all(codec_named(name).is_lossless for name in codecs)
    assert np.allclose(output, exact, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("policy", ["server@uint8", "t0@uint8+zstd", "server@zstd"])
def test_what_is_asked_for_travels_and_the_record_says_so(
    path: Path, address: str, feeds: list, policy: str
) -> None:
    """Codec and calibrated error of the row; fewer bytes; an answer within the tolerance."""
    (exact,) = onnxruntime.InferenceSession(path).run(None, feeds[0])
    with opened(path, address, policy, tolerance="l2:0.05", calibrate=feeds) as session:
        output = run_checked(session, feeds[0])
        record = session.last_record
    codec = policy.partition("@")[2]
    assert record.codecs == (codec,)
    assert record.fallback_reason is None
    raw_bytes = {"server": 8 * WIDTH * 4, "t0": 8 * WIDTH * 2}[policy.partition("@")[0]]
    assert 0 < record.sent_bytes < raw_bytes
    error = float(np.linalg.norm(output - exact) / np.linalg.norm(exact))
    if codec == "zstd":
        assert record.calibrated_error == 0
        assert error < 1e-5
    else:
        assert 0 < record.calibrated_error <= 0.05
        assert 1e-5 < error < 0.05


def test_what_breaks_the_tolerance_is_struck(
    path: Path, address: str, feeds: list, caplog: pytest.LogCaptureFixture
) -> None:
    """Half bytes lose too much: asked for by name, the values travel raw, and it is said."""
    with caplog.at_level(logging.INFO):
        session = opened(path, address, "server@uint4+zstd", tolerance="l2:0.05", calibrate=feeds)
    with session, caplog.at_level(logging.INFO):
        run_checked(session, feeds[0])
        run_checked(session, feeds[1])
        record, engine = session.last_record, session._engine
        assert engine is not None
        table = engine._dispatch.table
        rows = {(cut.id, codec) for cut, codec in zip(table.cuts, table.codecs, strict=True)}
    assert (record.codecs, record.calibrated_error) == (("raw",), 0.0)
    assert record.fallback_reason is None
    assert (SERVER_ONLY, "uint4+zstd") not in rows
    assert (SERVER_ONLY, "uint8") in rows
    assert "uint4+zstd at server-only is struck" in caplog.text
    assert caplog.text.count("raw instead of uint4+zstd") == 1


def test_a_shift_of_the_inputs_withdraws_the_codec(
    path: Path, address: str, feeds: list, caplog: pytest.LogCaptureFixture
) -> None:
    """Told by the log, the callback and the session; from then on the answers are exact again."""
    told: list[Withdrawal] = []
    settings = {"tolerance": "l2:0.05", "calibrate": feeds, "on_withdrawn": told.append}
    shifted = outlier(feeds[0])
    (exact,) = onnxruntime.InferenceSession(path).run(None, shifted)
    with opened(path, address, "server@uint8", check_rate=0.2, **settings) as session:
        for feed in feeds:
            run_checked(session, feed)
        assert told == []
        num = next(i for i in range(200) if run_checked(session, shifted) is not None and told)
        assert num <= 100
        withdrawn = session.withdrawn
        output = run_checked(session, shifted)
        record = session.last_record
    assert tuple(told) == withdrawn
    first = withdrawn[0]
    assert (first.cut, first.crossing, first.codec) == (SERVER_ONLY, ("x",), "uint8")
    assert first.error > 0.05 >= first.calibrated_error
    assert {each.codec for each in withdrawn} >= {"uint8", "uint8+zstd"}
    assert "float16" not in {each.codec for each in withdrawn}
    assert caplog.text.count("used no more") == 1
    assert record.codecs == ("raw",)
    assert np.allclose(output, exact, rtol=1e-4, atol=1e-6)


def test_an_observer_that_raises_costs_nothing(
    path: Path, address: str, feeds: list, caplog: pytest.LogCaptureFixture
) -> None:
    """Its error is logged; the codec is withdrawn all the same."""

    def raising(withdrawal: Withdrawal) -> None:
        raise RuntimeError("observer")

    settings = {"tolerance": "l2:0.05", "calibrate": feeds, "on_withdrawn": raising}
    with opened(path, address, "server@uint8", check_rate=1.0, **settings) as session:
        for _ in range(30):
            run_checked(session, outlier(feeds[0]))
        assert session.withdrawn
        assert session.last_record.codecs == ("raw",)
    assert "on_withdrawn failed" in caplog.text


def test_a_function_that_fails_costs_no_inference(path: Path, address: str, feeds: list) -> None:
    """It judged when calibrating, and raises in the session: the codec goes, every answer comes."""
    fails: list[bool] = []

    def fragile(exact: dict, got: dict) -> float:
        if fails:
            raise RuntimeError("broken")
        return 0.0

    settings = {"tolerance": fragile, "calibrate": feeds, "check_rate": 1.0}
    with opened(path, address, "server@uint8", **settings) as session:
        run_checked(session, feeds[0])
        assert session.last_record.codecs == ("uint8",)
        fails.append(True)
        for feed in feeds[:20]:
            assert run_checked(session, feed).shape == (1, 8, WIDTH // 16)
        assert {each.codec for each in session.withdrawn} >= {"uint8"}
        assert session.withdrawn[0].error == LARGEST_ERROR
        assert session.last_record.codecs == ("raw",)


def test_a_value_that_cannot_be_encoded_is_sent_as_it_is(
    path: Path, address: str, feeds: list
) -> None:
    """No number among the inputs: the record says raw, the answer is that of the model."""
    broken = {"x": feeds[0]["x"].copy()}
    broken["x"][0, 0, 0] = np.nan
    (exact,) = onnxruntime.InferenceSession(path).run(None, broken)
    settings = {"tolerance": "l2:0.05", "calibrate": feeds, "check_rate": 1.0}
    with opened(path, address, "server@uint8", **settings) as session:
        output = run_checked(session, broken)
        record = session.last_record
    assert record.codecs == ("raw",)
    assert record.placement == "server"
    assert np.allclose(output, exact, rtol=1e-4, atol=1e-6, equal_nan=True)


def test_a_calibration_file_serves_as_feeds_do(
    path: Path, address: str, feeds: list, tmp_path: Path
) -> None:
    """Made beforehand, with ranges fixed then: what lies beyond saturates, and is found out."""
    graph = load_graph(ModelFile.open(path))
    found = calibrate(Segments(graph, ()), [codec_named("uint8")], feeds, fixes_ranges=True)
    save_calibration(found, tmp_path / "c.json")
    settings = {"tolerance": "l2:0.05", "calibration": tmp_path / "c.json", "check_rate": 1.0}
    with opened(path, address, "server@uint8", **settings) as session:
        for feed in feeds[:5]:
            run_checked(session, feed)
        assert session.last_record.codecs == ("uint8",)
        assert session.withdrawn == ()
        brighter = {"x": feeds[0]["x"] * np.float32(8)}
        for _ in range(20):
            run_checked(session, brighter)
        assert session.withdrawn[0].codec == "uint8"


def test_times_and_calibration_are_kept_between_starts(
    path: Path, feeds: list, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second session calibrates nothing and knows the same."""
    settings = {"tolerance": "l2:0.05", "calibrate": feeds, "cache": tmp_path}
    with InferenceSession(path, server=NOWHERE, **settings) as session:
        first = session._engine._codecs.book._survey.calibration
    monkeypatch.setattr(
        "cutpoint.profiling.kept_calibration.calibrate", lambda *_, **__: pytest.fail("again")
    )
    with InferenceSession(path, server=NOWHERE, **settings) as session:
        assert session._engine._codecs.book._survey.calibration == first


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"codecs": "uint8"}, CodecError),
        ({"codecs": "no-such"}, CodecError),
        ({"policy": "server@uint8"}, CodecError),
        ({"tolerance": "close"}, ToleranceError),
        ({"tolerance": "l2:0.1"}, ToleranceError),
        ({"tolerance": lambda exact, got: 1 / 0, "calibrate": "feeds"}, ToleranceError),
        ({"tolerance": lambda exact, got: float("nan"), "calibrate": "feeds"}, ToleranceError),
        ({"tolerance": "l2:0.1", "calibrate": []}, FeedError),
        ({"tolerance": "l2:0.1", "calibrate": [{"z": np.zeros(1)}]}, FeedError),
        ({"tolerance": "l2:0.1", "calibrate": Path("/no/such/folder")}, FeedError),
        ({"tolerance": "l2:0.1", "calibration": Path("/no/such/file")}, ProfileError),
    ],
)
def test_what_does_not_fit_is_an_error_at_the_start(
    path: Path, feeds: list, settings: dict, error: type[Exception]
) -> None:
    """Typed, before any inference."""
    if settings.get("calibrate") == "feeds":
        settings = {**settings, "calibrate": feeds}
    with pytest.raises(error):
        InferenceSession(path, server=NOWHERE, **settings)


def test_a_server_is_not_blamed_for_values_that_cannot_be_encoded(
    path: Path, address: str, feeds: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sent as they are they take longer than predicted, which says nothing of its pace."""
    paced: list[float] = []
    settings = {"tolerance": "l2:0.05", "calibrate": feeds, "codecs": "uint8"}
    with opened(path, address, "server@uint8", **settings) as session:
        learn = ServerConnection.paced

        def noted(server: ServerConnection, *seconds: float) -> None:
            paced.append(seconds[0])
            learn(server, *seconds)

        monkeypatch.setattr(ServerConnection, "paced", noted)
        session.run(None, feeds[0])
        assert (session.last_record.codecs, len(paced)) == (("uint8",), 1)
        nan = {"x": np.full_like(feeds[0]["x"], np.nan)}
        for _ in range(3):
            session.run(None, nan)
            assert session.last_record.codecs == ("raw",)
        assert len(paced) == 1


def test_a_calibration_in_other_measures_is_refused(
    path: Path, feeds: list, tmp_path: Path
) -> None:
    """Rather than taken for one that no codec keeps; for exact codecs it need not tell any."""
    graph = load_graph(ModelFile.open(path))
    found = calibrate(Segments(graph, ()), [codec_named("uint8"), codec_named("zstd")], feeds[:1])
    save_calibration(found, tmp_path / "c.json")
    settings = {"tolerance": lambda exact, got: 0.0, "calibration": tmp_path / "c.json"}
    with pytest.raises(ToleranceError, match="no errors in the measure of"):
        InferenceSession(path, server=NOWHERE, **settings)
    InferenceSession(path, server=NOWHERE, codecs="zstd", **settings).close()


def test_a_calibration_of_another_model_is_refused(path: Path, feeds: list, tmp_path: Path) -> None:
    """By its digest, before any inference."""
    other = save(tmp_path / "other.onnx", tiny_model(seed=1, width=WIDTH))
    found = calibrate(Segments(load_graph(ModelFile.open(other)), ()), (), feeds)
    save_calibration(found, tmp_path / "c.json")
    with pytest.raises(ProfileMismatchError, match="cutpoint calibrate"):
        InferenceSession(path, server=NOWHERE, calibration=tmp_path / "c.json")


def test_without_a_server_codecs_cost_nothing(path: Path, feeds: list) -> None:
    """No engine, no calibration: it is ONNX Runtime."""
    with InferenceSession(path, tolerance="l2:0.1", calibrate=feeds) as session:
        assert session._engine is None
        assert session.withdrawn == ()
        assert len(session.run(None, feeds[0])) == 1


def test_made_up_integers_say_nothing_of_how_real_ones_compress(model_of, tmp_path: Path) -> None:
    """Zeros and ones would shrink to nothing: only inputs that were given are believed."""
    file = tmp_path / "ids.onnx"
    text = "(int64[1,512] x) => (float[1,512] y) { y = Cast <to = 1> (x) }"
    file.write_bytes(model_of(text).SerializeToString())
    segments = Segments(load_graph(ModelFile.open(file)), ())
    choice = codec_choice()
    feed = sample_feed(segments.graph)
    made_up = survey_codecs(segments, choice, feed, is_made_up=True, cache=None)
    given = survey_codecs(segments, choice, feed, is_made_up=False, cache=None)
    assert not any(made_up.ratios.values())
    assert given.ratios["zstd"]["x"] < 0.2
