"""What is measured of a net, and what is assumed of an accelerator."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cutpoint.graph import Graph
from cutpoint.lab.shares.host_times import time_preparation, undisturbed
from cutpoint.lab.shares.measured_net import (
    GPU_LIKE,
    SAME,
    Effort,
    MeasuredNet,
    gpu_like_s,
    measure_net,
)
from cutpoint.records import Environment, Profile, Sample
from cutpoint.wire.codecs import codec_named


@pytest.fixture(scope="module")
def squeezenet(tmp_path_factory: pytest.TempPathFactory) -> MeasuredNet:
    """Measure a real net, as little as can be."""
    codecs = [codec_named(name) for name in ("zstd", "uint8", "uint8+zstd")]
    pictures = [codec_named("jpeg:90")]
    effort = Effort(num_pictures=2, repeats=2, codecs_s=0.01)
    folder: Path = tmp_path_factory.mktemp("nets")
    said: list[str] = []
    net = measure_net("squeezenet", folder, codecs, pictures, 1e-9, effort, said.append)
    assert not list(folder.iterdir())
    assert all(text.startswith("squeezenet: ") for text in said)
    assert len(said) == 3
    return net


def test_values_are_encoded_as_the_codec_does(squeezenet: MeasuredNet) -> None:
    """A byte per element in uint8, less with zstd, and every value that may cross."""
    names = {value.name for value in squeezenet.costs[SAME].values if value.consumers}
    assert set(squeezenet.sent_bytes["uint8"]) == names
    for name, sent in squeezenet.sent_bytes["uint8"].items():
        raw = squeezenet.graph.size_bytes((name,))
        assert raw / 4 <= sent <= raw / 4 + 64
    assert squeezenet.ratio("uint8+zstd") < squeezenet.ratio("uint8")
    assert 0.3 < squeezenet.ratio("zstd") < 1
    assert squeezenet.after_relu < names
    assert squeezenet.ratio("uint8+zstd", squeezenet.after_relu) > 0


def test_a_net_is_timed_whole_and_in_parts(squeezenet: MeasuredNet) -> None:
    """The blocks add up to what the whole took, and codecs have times of their own."""
    assert squeezenet.whole_s > 0
    assert squeezenet.costs[SAME].host_s[0].tolist() == squeezenet.costs[SAME].host_s[1].tolist()
    assert (
        squeezenet.costs[GPU_LIKE].host_s[0].tolist() == squeezenet.costs[SAME].host_s[0].tolist()
    )
    assert squeezenet.times.encode_s("uint8+zstd", 1e6, 1.5e5) > 0
    assert squeezenet.times.decode_s("jpeg:90", 150_528, 15e3) > 0
    assert 5e3 < squeezenet.picture_bytes["jpeg:90"] < 30e3


def test_a_codec_that_was_not_timed_takes_no_time(net: MeasuredNet) -> None:
    """Raw is encoded for nothing."""
    assert net.times.encode_s("raw", 1e6, 1e6) == net.times.decode_s("raw", 1e6, 1e6) == 0


def test_preparing_a_picture_takes_time() -> None:
    """Nanoseconds per pixel, not none."""
    assert 0 < time_preparation() < 1e-6


def test_the_accelerator_takes_kernels_work_and_bytes(graph_of: Callable[..., Graph]) -> None:
    """8 us a kernel, and what is longer of its operations and of all that it moves."""
    graph = graph_of(
        "(float[64, 64] x, float[64, 64] w) => (float[64, 64] y) { y = MatMul (x, w) }"
    )
    assert gpu_like_s(graph).tolist() == pytest.approx([8e-6 + 3 * 64 * 64 * 4 / 500e9])
    large = graph_of(
        "(float[4096, 4096] x, float[4096, 4096] w) => (float[4096, 4096] y) { y = MatMul (x, w) }"
    )
    assert gpu_like_s(large).tolist() == pytest.approx([8e-6 + 2 * 4096**3 / 8e12])


def test_other_work_on_the_cores_is_taken_out() -> None:
    """CPU time stands for wall time, and the lower quartile for the whole."""
    environment = Environment("1.0", ("CPU",), 1, "a processor", 2, None, malloc_kept=False)
    runs = [Sample("whole", "", wall_s, cpu_s) for wall_s, cpu_s in
            ((4.0, 2.0), (2.2, 2.1), (9.0, 2.6), (1.0, 1.5), (3.0, 2.2))]  # fmt: skip
    samples = (*runs, Sample("segment", "s", 7.0), Sample("node", "n", 0.5))
    profile = Profile(1, "ab", "net", "here", environment, (), samples, 1.5)
    whole, node = undisturbed(profile).samples
    assert (whole.kind, whole.duration_s) == ("whole", 2.0)
    assert (node.kind, node.duration_s) == ("node", 0.5)
