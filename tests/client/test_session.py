import gc
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper
from tests.client.conftest import running_server, save, tiny_model, wait_for_problem

from cutpoint import InferenceSession
from cutpoint.exceptions import (
    ConnectError,
    CutpointError,
    FeedError,
    InvalidCutError,
    ModelError,
    ModelMismatchError,
    ProfileMismatchError,
)
from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.profiling.quick import time_segments

NOWHERE = "127.0.0.1:1"


@pytest.fixture
def expected(model_path, feed):
    """Give what ONNX Runtime itself makes of the feed."""
    return onnxruntime.InferenceSession(str(model_path)).run(None, feed)


class TestWithoutServer:
    """Without a server it is ONNX Runtime."""

    def test_runs(self, model_path, feed, expected):
        """The same outputs, and no record."""
        session = InferenceSession(model_path)
        np.testing.assert_array_equal(expected[0], session.run(None, feed)[0])
        assert session.last_record is None

    def test_has_every_public_method_of_onnx_runtimes_session(self, model_path):
        """Whatever ONNX Runtime's session offers can be called here."""
        session = InferenceSession(str(model_path), providers=["CPUExecutionProvider"])
        for name in dir(onnxruntime.InferenceSession):
            if not name.startswith("_"):
                assert callable(getattr(session, name)), name
        assert session.get_providers() == ["CPUExecutionProvider"]

    def test_its_errors_are_onnx_runtimes(self, model_path):
        """A wrong feed raises what ONNX Runtime raises."""
        with pytest.raises(ValueError, match="x"):
            InferenceSession(model_path).run(None, {})


class TestWithServer:
    """With a server it decides, and falls back."""

    @pytest.fixture
    def address(self, model_path):
        """Give the address of a server that holds the model."""
        with running_server(model_path) as address:
            yield address

    @pytest.mark.parametrize("policy", ["server", "t0", "t1"])
    def test_offloads(self, model_path, feed, expected, address, policy):
        """A fixed policy runs there, and the record says what it took, part by part."""
        with InferenceSession(model_path, server=address, policy=policy) as session:
            session.wait_until_ready(10)
            outputs = session.run(None, feed)
            record = session.last_record
        np.testing.assert_allclose(expected[0], outputs[0], rtol=1e-5)
        assert record.fallback_reason is None
        assert record.placement == ("server" if policy == "server" else "split")
        assert record.server == address
        measured = record.measured
        # Upload and download share what is left of the elapsed time; on loopback the
        # acknowledgement may come within half a round trip, and all of it is download's.
        assert min(measured.upload_s + measured.download_s, measured.tail_s) > 0
        assert measured.lost_s == 0
        size = (
            feed["x"].nbytes
            if policy == "server"
            else feed["x"].nbytes // 2 ** int(policy[1:]) // 2
        )
        assert record.sent_bytes == size
        assert record.received_bytes == expected[0].nbytes

    def test_drop_in_methods(self, model_path, address):
        """Inputs, outputs and providers are described as by ONNX Runtime."""
        whole = onnxruntime.InferenceSession(str(model_path))
        with InferenceSession(model_path, server=address) as session:
            for mine, theirs in (
                (session.get_inputs(), whole.get_inputs()),
                (session.get_outputs(), whole.get_outputs()),
            ):
                assert [(a.name, a.type, a.shape) for a in mine] == [
                    (a.name, a.type, a.shape) for a in theirs
                ]
            assert session.get_modelmeta().graph_name == whole.get_modelmeta().graph_name
            binding = session.io_binding()
            assert binding is not None

    def test_run_async_calls_back(self, model_path, feed, expected, address):
        """Outputs, user data and an empty error text come to the callback."""
        called, results = Event(), []

        def callback(outputs, user_data, error):
            results.append((outputs, user_data, error))
            called.set()

        with InferenceSession(model_path, server=address) as session:
            session.run_async(None, feed, callback, "mine")
            assert called.wait(10)
        ((outputs, user_data, error),) = results
        np.testing.assert_allclose(expected[0], outputs[0], rtol=1e-5)
        assert (user_data, error) == ("mine", "")

    def test_run_async_calls_back_with_an_error(self, model_path, address):
        """A wrong feed comes to the callback as a text."""
        called, results = Event(), []

        def callback(outputs, user_data, error):
            results.append((outputs, error))
            called.set()

        with InferenceSession(model_path, server=address) as session:
            session.run_async(None, {}, callback, None)
            assert called.wait(10)
        assert results[0][0] is None
        assert "'x'" in results[0][1]

    def test_side_by_side(self, model_path, expected, feed, address):
        """Runs of several threads over one connection do not mix up."""
        rng = np.random.default_rng(3)
        feeds = [{"x": rng.standard_normal((1, 8, 16)).astype(np.float32)} for _ in range(24)]
        whole = onnxruntime.InferenceSession(str(model_path))
        wanted = [whole.run(None, each)[0] for each in feeds]
        given: dict[int, np.ndarray] = {}
        with InferenceSession(model_path, server=address, policy="t0") as session:
            session.wait_until_ready(10)

            def work(offset: int) -> None:
                for index in range(offset, len(feeds), 4):
                    given[index] = session.run(None, feeds[index])[0]

            threads = [Thread(target=work, args=(offset,)) for offset in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        for index, output in enumerate(wanted):
            np.testing.assert_allclose(output, given[index], rtol=1e-5)

    def test_another_file_under_the_same_name_is_refused(self, tmp_path, feed):
        """A digest that differs is visible, and the device computes with its own file."""
        (tmp_path / "other").mkdir()
        mine = save(tmp_path / "tiny.onnx", tiny_model(seed=1))
        theirs = save(tmp_path / "other" / "tiny.onnx", tiny_model(seed=2))
        wanted = onnxruntime.InferenceSession(str(mine)).run(None, feed)
        with (
            running_server(theirs) as address,
            InferenceSession(mine, server=address, policy="server") as session,
        ):
            wait_for_problem(session, ModelMismatchError)
            with pytest.raises(ModelMismatchError, match="holds another 'tiny'"):
                session.wait_until_ready(0)
            np.testing.assert_array_equal(wanted[0], session.run(None, feed)[0])
            record = session.last_record
        assert record.placement == "device"
        assert "holds another 'tiny'" in record.fallback_reason

    def test_a_server_without_the_model_is_visible(self, tmp_path, model_path, feed):
        """The reason names the model and what the server has."""
        other = save(tmp_path / "other.onnx", tiny_model(seed=5))
        with (
            running_server(other) as address,
            InferenceSession(model_path, server=address) as session,
        ):
            wait_for_problem(session, ModelError)
            with pytest.raises(ModelError, match=r"no model 'tiny' here.*other"):
                session.wait_until_ready(0)
            session.run(None, feed)
            assert "no model 'tiny'" in session.last_record.fallback_reason


class TestOddModels:
    """Models whose outputs or weights are not where one expects them."""

    def test_outputs_that_no_node_of_the_tail_makes(self, tmp_path):
        """A constant output and an input passed through come back with server-only, too."""
        make = helper.make_tensor_value_info
        float32 = onnx.TensorProto.FLOAT
        constant = numpy_helper.from_array(np.full((3,), 7, np.float32), "k")
        graph = helper.make_graph(
            [helper.make_node("Tanh", ["x"], ["y"])],
            "odd",
            [make("x", float32, (1, 4)), make("unused", float32, (2,))],
            [make("y", float32, (1, 4)), make("k", float32, (3,))],
            [constant],
        )
        opset = [helper.make_opsetid("", 17)]
        path = save(
            tmp_path / "odd.onnx", helper.make_model(graph, opset_imports=opset, ir_version=8)
        )
        feed = {"x": np.ones((1, 4), np.float32), "unused": np.zeros(2, np.float32)}
        whole = onnxruntime.InferenceSession(str(path))
        wanted = whole.run(None, feed)
        with (
            running_server(path) as address,
            InferenceSession(path, server=address, policy="server") as session,
        ):
            session.wait_until_ready(10)
            given = session.run(None, feed)
            assert session.last_record.placement == "server"
            assert session.last_record.fallback_reason is None
            assert [a.name for a in session.get_inputs()] == [a.name for a in whole.get_inputs()]
            assert [a.name for a in session.get_outputs()] == [a.name for a in whole.get_outputs()]
        for mine, theirs in zip(given, wanted, strict=True):
            np.testing.assert_array_equal(theirs, mine)

    def test_other_weights_beside_the_same_graph_are_another_model(self, tmp_path, feed):
        """The digest covers the files a model keeps its weights in."""
        paths = []
        for seed in (1, 2):
            (tmp_path / str(seed)).mkdir()
            path = tmp_path / str(seed) / "tiny.onnx"
            onnx.save_model(
                tiny_model(seed=seed),
                path,
                save_as_external_data=True,
                location="weights.bin",
                size_threshold=0,
            )
            paths.append(path)
        assert paths[0].read_bytes() == paths[1].read_bytes()
        mine, theirs = paths
        wanted = onnxruntime.InferenceSession(str(mine)).run(None, feed)
        with (
            running_server(theirs) as address,
            InferenceSession(mine, server=address, policy="server") as session,
        ):
            with pytest.raises(ModelMismatchError):
                session.wait_until_ready(2)
            np.testing.assert_array_equal(wanted[0], session.run(None, feed)[0])


class TestLife:
    """How a session lives and ends."""

    def test_dropped_unclosed_it_ends_its_threads(self, model_path, feed):
        """ONNX Runtime's sessions need no closing; neither do these."""
        before = set(threading.enumerate())
        session = InferenceSession(model_path, server=NOWHERE)
        session.run(None, feed)
        graph = weakref.ref(session.graph)
        assert set(threading.enumerate()) - before  # others may end meanwhile
        del session
        gc.collect()
        assert set(threading.enumerate()) <= before
        gc.collect()
        assert graph() is None

    def test_an_observer_that_raises_costs_no_answer(self, model_path, feed, expected):
        """The observer's error is logged, the outputs are given."""

        def raising(record):
            raise RuntimeError("observer")

        with InferenceSession(model_path, server=NOWHERE, on_record=raising) as session:
            np.testing.assert_array_equal(expected[0], session.run(None, feed)[0])

    def test_holding_the_whole_runs_it_for_device_only(self, model_path, feed, expected):
        """With hold="whole" a device-only inference is one run of the whole model."""
        with InferenceSession(model_path, server=NOWHERE, hold="whole") as session:
            engine = session._engine
            assert (len(engine.whole.segments), len(engine.segments.segments)) == (1, 4)
            np.testing.assert_array_equal(expected[0], session.run(None, feed)[0])

    def test_a_device_policy_does_not_blame_the_server(self, model_path, feed):
        """Who wants the device alone has not fallen back to it."""
        with InferenceSession(model_path, server=NOWHERE, policy="device") as session:
            session.run(None, feed)
            assert session.last_record.fallback_reason is None


class TestBadInput:
    """Bad input gets a typed error; the session stays usable."""

    @pytest.fixture
    def session(self, model_path):
        """Give a session whose server is not there."""
        with InferenceSession(model_path, server=NOWHERE) as session:
            yield session

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"y": np.zeros(1, np.float32)}, r"\['y'\] are not inputs of 'tiny': it takes \['x'\]"),
            ({"x": None}, r"inputs \['x'\] of 'tiny' are missing"),
            ({"x": np.zeros((1, 8, 16), np.float64)}, "input 'x' is float64.*takes float32"),
            ({"x": np.zeros((1, 8, 15), np.float32)}, r"input 'x' has shape \(1, 8, 15\)"),
            ({"x": np.zeros((0, 8, 16), np.float32)}, r"input 'x' has shape \(0, 8, 16\)"),
        ],
    )
    def test_feed(self, session, feed, expected, change, message):
        """A wrong name, type, shape or a zero-sized batch names the input and what it takes."""
        wrong = {name: array for name, array in {**feed, **change}.items() if array is not None}
        with pytest.raises(FeedError, match=message):
            session.run(None, wrong)
        np.testing.assert_array_equal(expected[0], session.run(None, feed)[0])

    def test_output_name(self, session, feed):
        """An unknown output is named, with those there are."""
        with pytest.raises(FeedError, match=r"\['nope'\] are not outputs of 'tiny'.*t3"):
            session.run(["nope"], feed)

    @pytest.mark.parametrize("address", ["nowhere", "host:", "host:99999", "http://host:1", ""])
    def test_address(self, model_path, address):
        """An address that is not HOST:PORT says how to write one."""
        with pytest.raises(ConnectError, match="write HOST:PORT"):
            InferenceSession(model_path, server=address)

    def test_server_that_is_not_there(self, session, feed, expected):
        """The device computes alone and says why; asking for the server raises the reason."""
        with pytest.raises(ConnectError, match=f"server {NOWHERE} cannot be reached"):
            session.wait_until_ready(0.5)
        np.testing.assert_array_equal(expected[0], session.run(None, feed)[0])
        assert session.last_record.placement == "device"
        assert NOWHERE in session.last_record.fallback_reason

    def test_server_that_speaks_something_else(self, model_path, feed, expected):
        """A web server is told from an inference server; the session stays usable."""
        with (
            _talker(b"HTTP/1.1 400 Bad Request\r\n\r\n") as address,
            InferenceSession(model_path, server=address) as session,
        ):
            with pytest.raises(CutpointError, match=address):
                session.wait_until_ready(1.5)
            np.testing.assert_array_equal(expected[0], session.run(None, feed)[0])
            assert address in session.last_record.fallback_reason

    @pytest.mark.parametrize("content", [b"", b"not a model", b"\x00" * 100])
    def test_not_an_onnx_file(self, tmp_path, content):
        """What is not a model is named as such."""
        path = tmp_path / "junk.onnx"
        path.write_bytes(content)
        with pytest.raises(ModelError, match=r"junk\.onnx"):
            InferenceSession(path, server=NOWHERE)

    def test_truncated(self, tmp_path, model_path):
        """A model file that is cut short is named as such, wherever it ends."""
        content = model_path.read_bytes()
        for length in (1, len(content) // 3, len(content) - 1):
            path = tmp_path / "short.onnx"
            path.write_bytes(content[:length])
            with pytest.raises(ModelError, match=r"short\.onnx"):
                InferenceSession(path, server=NOWHERE)

    def test_cut_that_is_none(self, model_path):
        """A policy that names an unknown value is refused at once."""
        with pytest.raises(InvalidCutError, match="'nope' is not a computed value"):
            InferenceSession(model_path, server=NOWHERE, policy="nope")

    def test_profile_of_another_model(self, tmp_path, model_path):
        """A profile of another file is refused by name and digest."""
        graph = load_graph(ModelFile.open(tiny_model(seed=9).SerializeToString(), name="other"))
        profile = time_segments(Segments(graph, ()))
        with pytest.raises(
            ProfileMismatchError, match=r"the profile of 'other'.*run `cutpoint profile` again"
        ):
            InferenceSession(model_path, server=NOWHERE, profile=profile)


class _talker:  # noqa: N801 (used as a function)
    """Answers every connection with the same bytes."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = Thread(target=self._serve)

    def __enter__(self) -> str:
        self._thread.start()
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(1)
                try:
                    connection.recv(1024)
                    connection.sendall(self._answer)
                except OSError:
                    pass


def test_a_model_that_runs_on_no_made_up_inputs(
    model_of: Callable[..., onnx.ModelProto], tmp_path: Path
) -> None:
    """A shape as input cannot be made up: the error says what to give, and it works with that."""
    model = model_of(
        """(float[2,6] x, int64[2] shape) => (float[N,M] y)
        { a = Relu(x) b = Reshape(a, shape) y = Neg(b) }"""
    )
    path = save(tmp_path / "shaped.onnx", model)
    with pytest.raises(FeedError, match="'shaped' does not run on the inputs it is warmed up with"):
        InferenceSession(path, server="127.0.0.1:1")
    example = {"x": np.ones((2, 6), np.float32), "shape": np.array([3, 4])}
    with InferenceSession(path, server="127.0.0.1:1", example=example) as session:
        (y,) = session.run(None, {**example, "shape": np.array([12, 1])})
    assert (y.shape, float(y[0, 0])) == ((12, 1), -1.0)


def test_a_session_that_is_dropped_while_it_waits(model_path: Path) -> None:
    """Unclosed, its server unreachable, its last reference on a thread of its own: no complaint."""
    program = f"""
import gc
from cutpoint import InferenceSession
for _ in range(3):
    try:
        InferenceSession({str(model_path)!r}, server={NOWHERE!r}).wait_until_ready(0.3)
    except Exception:
        pass
gc.collect()
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0
    assert "Exception ignored" not in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_fixed_cut_is_waited_for(model_path: Path, feed: dict[str, np.ndarray]) -> None:
    """Ready means that the server has built what lies behind the one cut that is used."""
    with (
        running_server(model_path) as address,
        InferenceSession(model_path, server=address, policy="m1") as session,
    ):
        session.wait_until_ready(30)
        session.run(None, feed)
        assert session.last_record is not None
        assert session.last_record.placement == "split"
