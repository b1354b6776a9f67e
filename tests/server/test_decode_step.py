"""Decoding on the server: before the first stage, timed apart from the tail."""

from queue import SimpleQueue

import numpy as np
import pytest
from tests.server.fake_stages import MadeUpStage

from cutpoint.exceptions import RemoteProtocolError
from cutpoint.graph import Graph
from cutpoint.records import Sample
from cutpoint.server import decode_times
from cutpoint.server.agenda import Agenda
from cutpoint.server.decode_step import DecodeStep
from cutpoint.server.decode_times import DecodeTimes
from cutpoint.server.given import Given
from cutpoint.server.job import Job
from cutpoint.server.known_codecs import KnownCodecs
from cutpoint.server.scheduler import Scheduler
from cutpoint.server.served_model import ServedModel
from cutpoint.wire.codecs import codec_named
from cutpoint.wire.tensors import TensorSpec
from cutpoint.wire.undecoded import Undecoded

ARRAY = np.linspace(0, 1, 100, dtype=np.float32).reshape(4, 25)


def undecoded(name: str = "x", codec_name: str = "uint8", cut: int = 0) -> Undecoded:
    """Give the array as it comes, perhaps cut short."""
    codec = codec_named(codec_name)
    raw = b"".join(bytes(block) for block in codec.blocks(ARRAY))
    return Undecoded(TensorSpec.of(name, ARRAY), codec, raw[: len(raw) - cut])


def test_it_makes_arrays_of_what_came() -> None:
    """Every tensor by its name."""
    made = DecodeStep([undecoded("x"), undecoded("y", "float16")], 0.25).run()
    for name, atol in (("x", 0.003), ("y", 0.001)):
        np.testing.assert_allclose(made[name], ARRAY, atol=atol)


def test_what_will_be_is_known_before() -> None:
    """Types and shapes, in no memory: whom a request may run with is asked of these."""
    promised = DecodeStep([undecoded("x")]).promised()["x"]
    assert (promised.dtype, promised.shape) == (ARRAY.dtype, ARRAY.shape)
    assert promised.strides == (0, 0)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "uint8", "int64", "bool"])
def test_any_type_that_a_codec_takes_is_promised(dtype: str) -> None:
    """Those that NumPy has not by itself too."""
    spec = TensorSpec("x", dtype, (2, 3))
    step = DecodeStep([Undecoded(spec, codec_named("zstd"), b"")])
    assert str(step.promised()["x"].dtype) == dtype


@pytest.mark.parametrize("shape", [(2**62, 2**62, 0), (0, 2**63 - 1)])
def test_a_shape_that_no_array_has_is_the_callers_fault(shape: tuple[int, ...]) -> None:
    """Without elements it takes no bytes, so that nothing before refuses it."""
    step = DecodeStep([Undecoded(TensorSpec("x", "float32", shape), codec_named("float16"), b"")])
    with pytest.raises(RemoteProtocolError, match="'x'"):
        step.promised()


def test_corrupt_bytes_are_the_callers_fault() -> None:
    """A typed error that names the tensor."""
    with pytest.raises(RemoteProtocolError, match="'x'"):
        DecodeStep([undecoded(cut=1)]).run()


def _job(decoding_s: float, *stages: MadeUpStage) -> Job:
    return Job(stages, {}, decoding=DecodeStep([undecoded()], decoding_s))


def test_decoding_is_no_part_of_the_tail() -> None:
    """Not of its time, nor of the mean of its batches; but of what is expected of the request."""
    job = _job(0.25, MadeUpStage("a", {1: 0.5, 2: 0.6}))
    assert (job.whole_s, job.left_s, job.undecoded_s) == (0.75, 0.75, 0.25)
    job.decoded({"x": ARRAY}, 0.3)
    assert (job.decode_s, job.tail_s, job.batch, job.decoding) == (0.3, 0.0, 0.0, None)
    assert (job.whole_s, job.left_s, job.undecoded_s) == (0.75, 0.5, 0.0)
    assert job.values["x"] is ARRAY
    job.advance({}, 0.5, 2)
    assert (job.decode_s, job.tail_s, job.batch, job.is_through) == (0.3, 0.5, 2.0, True)


def test_codecs_do_not_tell_how_fast_segments_are() -> None:
    """A decode that took ten times what was measured slows nobody's expectations down."""
    agenda = Agenda()
    agenda.admit(_job(0.25, MadeUpStage("a", {1: 0.5})), 0.0)
    turn = agenda.take(0.0)
    assert turn.decodes
    agenda.decoded(turn, [({"x": ARRAY}, 2.5)], 2.5)
    assert agenda.pace.slowdown(2.5) == 1.0
    turn = agenda.take(2.5)
    assert not turn.decodes
    agenda.ran(turn, [{}], 1.0, 3.5)
    assert agenda.pace.slowdown(3.5) == pytest.approx(2.0)


def test_who_waits_for_the_decoding_of_others_waits() -> None:
    """Two are decoded one after the other: what one took is waiting for the other."""
    agenda = Agenda(max_waiting=8)
    stage = MadeUpStage("a", {1: 1.0, 2: 1.1})
    jobs = [_job(0.01, stage), _job(0.01, stage)]
    for job in jobs:
        agenda.admit(job, 0.0)
    turn = agenda.take(0.0)
    assert (turn.jobs, turn.decodes) == (tuple(jobs), True)
    assert agenda.decoded(turn, [({}, 0.25), ({}, 0.5)], 0.75) == []
    assert [(job.wait_s, job.decode_s) for job in jobs] == [(0.5, 0.25), (0.25, 0.5)]
    assert agenda.take(0.75).jobs == tuple(jobs)


def test_who_cannot_be_decoded_leaves_and_the_others_go_on() -> None:
    """And so does who was cancelled meanwhile."""
    agenda = Agenda(max_waiting=8)
    stage, flags = MadeUpStage("a", {1: 1.0, 4: 1.1}), [False, False, False]
    jobs = [
        Job([stage], {}, lambda n=n: flags[n], decoding=DecodeStep([undecoded()], 0.01))
        for n in range(3)
    ]
    for job in jobs:
        agenda.admit(job, 0.0)
    turn = agenda.take(0.0)
    flags[1] = True
    wrong = RemoteProtocolError("no frame")
    ended = agenda.decoded(turn, [(wrong, 0.1), ({}, 0.1), ({}, 0.1)], 0.3)
    assert [each.job for each in ended] == jobs[:2]
    assert ended[0].error is wrong
    assert "stopped" in str(ended[1].error)
    assert agenda.take(0.3).jobs == (jobs[2],)
    assert agenda.num_turns == 1


def test_a_scheduler_tells_of_the_start_once() -> None:
    """When the decoding begins; the segments behind it are no second start."""
    scheduler, told, ended = Scheduler(1, 4), [], SimpleQueue()
    try:
        for decoding in (None, DecodeStep([undecoded()], 0.0), DecodeStep([undecoded(cut=3)], 0.0)):
            values = {"x": ARRAY} if decoding is None else {}
            stages = [MadeUpStage("a", {1: 0.0}), MadeUpStage("b", {1: 0.0})]
            scheduler.submit(
                Job(
                    stages,
                    values,
                    on_ended=lambda job, error: ended.put((job, error)),
                    on_started=lambda: told.append(1),
                    decoding=decoding,
                )
            )
            job, error = ended.get(timeout=30)
            is_corrupt = decoding is not None and len(told) > 2
            assert isinstance(error, RemoteProtocolError) == is_corrupt
            if error is None:
                np.testing.assert_allclose(job.values["x"], ARRAY + 2, atol=0.003)
                assert (job.decode_s > 0) == (decoding is not None)
        assert len(told) == 3
    finally:
        scheduler.close()


def test_what_was_given_is_counted_as_it_came_and_as_it_becomes() -> None:
    """Bytes received are the encoded ones; a tail is fed the decoded ones."""
    given = Given({"n": np.zeros(3, np.int64)}, (undecoded("x", "float16"),))
    assert given.shapes == {"n": (3,), "x": (4, 25)}
    assert given.received_bytes == 24 + 200
    assert (given.decoded_bytes, given.fed_bytes) == (400, 424)


def test_expectations_come_from_samples_of_decoding() -> None:
    """A codec that was not timed is taken for nothing."""
    samples = (
        Sample("decode", "uint8", 2e-3, size_bytes=400, encoded_bytes=108),
        Sample("encode", "float16", 5.0, size_bytes=400, encoded_bytes=200),
    )
    times = DecodeTimes(samples)
    assert [sample.kind for sample in times.samples] == ["decode"]
    assert times.time_s([undecoded("x")]) == pytest.approx(2e-3)
    assert times.time_s([undecoded("x"), undecoded("y")]) == pytest.approx(4e-3)
    assert times.time_s([undecoded("x", "float16")]) == 0.0


def test_codecs_that_cannot_be_timed_keep_no_model_from_being_served(
    graph: Graph, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever goes wrong is in the log; what decoding takes is not known then."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(decode_times, "codec_times_or_recall", broken)
    model = ServedModel(graph, num_threads=1, codecs=KnownCodecs(["uint8"]))
    assert model.holdings().codecs == ("uint8",)
    assert model.holdings().decoding == ()
    assert model.decoding.time_s([undecoded()]) == 0.0
    assert "could not be timed on values of six_convs" in caplog.text


def test_a_picture_of_another_quality_takes_as_long() -> None:
    """Pictures are timed at one quality and may come at any."""
    picture = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
    came = Undecoded(TensorSpec.of("x", picture), codec_named("jpeg:75"), b"12345678")
    times = DecodeTimes([Sample("decode", "jpeg", 2e-3, size_bytes=192, encoded_bytes=8)])
    assert times.time_s([came]) == pytest.approx(2e-3)
    exact = Sample("decode", "jpeg:75", 1e-3, size_bytes=192, encoded_bytes=8)
    assert DecodeTimes([exact, *times.samples]).time_s([came]) == pytest.approx(1e-3)
