"""What is exported, run by the real Triton: every tail right, batches across cuts, statistics."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc as triton_client
from tests.triton.conftest import Exported, exported, values_of
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from cutpoint.graph import Cut, server_only
from cutpoint.lab.equivalence import is_equal
from cutpoint.lab.triton_process import TritonProcess
from cutpoint.lab.zoo import write


def _inputs(cut: Cut, values: dict[str, Any], rows: int = 1) -> list[Any]:
    inputs = []
    for name in cut.crossing:
        array = np.ascontiguousarray(np.repeat(values[name], rows, axis=0))
        tensor = triton_client.InferInput(name, array.shape, np_to_triton_dtype(array.dtype))
        tensor.set_data_from_numpy(array)
        inputs.append(tensor)
    return inputs


def _check_every_tail(triton: TritonProcess, found: Exported, rows: int = 1) -> None:
    cuts = tuple(found.repository.tails)
    values = values_of(found.graph, cuts)
    client = triton_client.InferenceServerClient(triton.address)
    served = {server_only(found.graph): found.repository.whole, **found.repository.tails}
    assert len(served) == len(cuts) + 1
    for cut, name in served.items():
        answer = client.infer(name, _inputs(cut, values, rows))
        for output in cut.returned:
            given, wanted = answer.as_numpy(output), np.repeat(values[output], rows, axis=0)
            assert is_equal(given, wanted)
    client.close()


@pytest.mark.parametrize("rows", [1, 3])
def test_every_tail_gives_what_the_device_gives(
    triton, six_convs_exported, branching_exported, rows
) -> None:
    """Of segments and of whole tails, with branches, early outputs, integers, and a batch."""
    _check_every_tail(triton, six_convs_exported, rows)
    _check_every_tail(triton, branching_exported, rows)


def test_requests_of_several_cuts_run_together_in_the_segments_they_share(
    triton, six_convs_exported
) -> None:
    """The last segment runs fewer times than requests came, and each gets its own answer."""
    graph, repository = six_convs_exported.graph, six_convs_exported.repository
    cuts = tuple(repository.tails)
    names = {server_only(graph): repository.whole, **repository.tails}
    client = triton_client.InferenceServerClient(triton.address)
    last = next(
        step["model_name"]
        for step in client.get_model_config(repository.tails[cuts[-1]], as_json=True)["config"][
            "ensemble_scheduling"
        ]["step"]
    )
    before = client.get_inference_statistics(last).model_stats[0]
    waiting = []
    with ThreadPoolExecutor(12) as callers:
        for seed in range(12):
            values = values_of(graph, cuts, seed)
            for cut, name in names.items():
                asked = callers.submit(client.infer, name, _inputs(cut, values))
                waiting.append((asked, values, cut))
    for asked, values, cut in waiting:
        answer = asked.result()
        for output in cut.returned:
            np.testing.assert_allclose(answer.as_numpy(output), values[output], atol=1e-5)
    after = client.get_inference_statistics(last).model_stats[0]
    num_requests = after.inference_count - before.inference_count
    assert num_requests == len(waiting)
    assert after.execution_count - before.execution_count < num_requests
    assert max(each.batch_size for each in after.batch_stats) > 1
    client.close()


def test_a_request_that_cannot_be_run_fails_alone(triton, branching_exported) -> None:
    """Triton says what was wrong with it, and answers the next one."""
    graph, repository = branching_exported.graph, branching_exported.repository
    cut = server_only(graph)
    values = values_of(graph, ())
    client = triton_client.InferenceServerClient(triton.address)
    wrong = {**values, "rows": np.zeros((1, 5), np.int64)}
    with pytest.raises(InferenceServerException):
        client.infer(repository.whole, _inputs(cut, wrong))
    answer = client.infer(repository.whole, _inputs(cut, values))
    np.testing.assert_allclose(answer.as_numpy("y"), values["y"], rtol=1e-4)
    client.close()


@pytest.mark.soak
@pytest.mark.parametrize("layout", ["segments", "tails"])
@pytest.mark.parametrize(
    "name", ["squeezenet", "inception_v1", "ghostnet", "mobilenet_v3_small", "hrnet_w18_small"]
)
def test_every_tail_of_the_zoo_is_right(own_triton, tmp_path, name, layout) -> None:
    """Of chains and of branching nets, whatever the layout."""
    path = write(name, tmp_path / f"{name}.onnx")
    found = exported(path, tmp_path / "models", layout=layout)
    assert found.repository.tails
    _check_every_tail(own_triton(tmp_path / "models"), found)
