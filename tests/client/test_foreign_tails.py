"""Tails at a server that is not ours: found by name, checked by answer, used, and done without."""

import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import onnx
import onnxruntime
import pytest
from tests.client.conftest import save, tiny_model
from tests.client.protocol_server import FolderServer
from tests.client.test_other_servers import serving

from cutpoint import InferenceSession
from cutpoint.client import connector
from cutpoint.client.foreign_holdings import ForeignHoldings
from cutpoint.client.foreign_tail import ForeignTail
from cutpoint.execution import ModelFile
from cutpoint.execution.split import split_model
from cutpoint.graph import Arrays, Cut, cut_id
from cutpoint.lab.equivalence import is_equal
from cutpoint.records import RAW
from cutpoint.wire.names import TailName

AT = "t1"
SENT_BYTES = {"raw": 8 * 4 * 4, "uint8": 8 + 8 * 4, "float16": 8 * 4 * 2}
LOSSY = ("uint8", "float16")


@dataclass(frozen=True)
class Folder:
    """
    What the server has, in a folder of its own for each model.

    Parameters
    ----------
    path
        Of the folder; the server looks there whenever it is asked.
    address
        Of the server.
    """

    path: Path
    address: str

    def put(self, name: str, content: Path | bytes) -> None:
        """Serve a file under a name from now on."""
        given = content if isinstance(content, bytes) else content.read_bytes()
        unfinished = self.path / f"{name}.part"
        unfinished.write_bytes(given)
        unfinished.replace(self.path / f"{name}.onnx")

    def drop(self, name: str) -> None:
        """Serve a name no more."""
        (self.path / f"{name}.onnx").unlink()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    """Give a server process that has no module of cutpoint, and the folder it serves."""
    path = tmp_path_factory.mktemp("served")
    program = Path(__file__).with_name("protocol_server.py")
    assert "cutpoint" not in program.read_text("utf-8").partition('"""\n\n')[2]
    with subprocess.Popen(
        [sys.executable, str(program), str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield Folder(path, process.stdout.readline().strip())
        finally:
            process.stdin.close()  # it ends by itself then


Split = Callable[..., tuple[Path, Path]]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Split:
    """Give head and tail of a model at a cut, split once for each codec."""
    known: dict[tuple[Path, str | None], tuple[Path, Path]] = {}

    def of(model: Path, codec: str | None = None, *at: str) -> tuple[Path, Path]:
        key = model, codec
        if key not in known:
            where = tmp_path_factory.mktemp("parts")
            found = split_model(ModelFile.open(model), at or (AT,), where, codec=codec)
            known[key] = found.head.path, found.tail.path
        return known[key]

    return of


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of a tiny model."""
    return save(tmp_path_factory.mktemp("model") / "tiny.onnx", tiny_model())


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a model of the same shapes and other weights."""
    return save(tmp_path_factory.mktemp("other") / "tiny.onnx", tiny_model(seed=4))


@pytest.fixture
def served(folder: Folder, path: Path, parts: Split, request) -> Callable[..., str]:
    """Serve the model, and tails with these codecs, under a name that no other test has."""
    name = f"m{abs(hash(request.node.name)):x}"

    def serve(*codecs: str) -> str:
        folder.put(name, path)
        for codec in codecs:
            folder.put(tail(path, name, codec), parts(path, None if codec == RAW else codec)[1])
        return name

    return serve


def tail(path: Path, name: str, codec: str = RAW, at: tuple[str, ...] = (AT,)) -> str:
    """Give the name of a tail."""
    return str(TailName(name, ModelFile.open(path).sha256, cut_id(at), codec))


def opened(path: Path, folder: Folder, name: str, codec: str = RAW, **settings: Any) -> Any:
    """Open a session that cuts at one place, in one codec."""
    if codec != RAW:
        rng = np.random.default_rng(3)
        feeds = [{"x": rng.standard_normal((1, 8, 16)).astype(np.float32)} for _ in range(4)]
        settings = {"codecs": codec, "tolerance": "l2:0.1", "calibrate": feeds, **settings}
    policy = AT if codec == RAW else f"{AT}@{codec}"
    given = {"server": folder.address, "name": name, "policy": policy, **settings}
    return InferenceSession(path, **given)


def run(path: Path, feed: Arrays) -> Arrays:
    """Run a file in ONNX Runtime itself."""
    session = onnxruntime.InferenceSession(str(path))
    names = [each.name for each in session.get_outputs()]
    taken = {each.name: feed[each.name] for each in session.get_inputs()}
    return dict(zip(names, session.run(names, taken), strict=True))


@pytest.mark.parametrize("codec", [RAW, *LOSSY])
def test_a_tail_is_found_and_used(served, folder, path, parts, feed, codec) -> None:
    """What crosses is a tensor of the type; the answer is that of the two files one by one."""
    name = served(codec)
    with opened(path, folder, name, codec) as session:
        session.wait_until_ready(10)
        (output,) = session.run(None, feed)
        record = session.last_record
    head, behind = parts(path, None if codec == RAW else codec)
    np.testing.assert_allclose(output, run(behind, run(head, feed))["t3"], rtol=1e-4, atol=1e-6)
    if codec == RAW:
        assert is_equal(output, run(path, feed)["t3"])
    assert (record.placement, record.codecs) == ("split", (codec,))
    assert record.sent_bytes == SENT_BYTES[codec]
    assert record.fallback_reason is None
    assert record.predicted.tail_s > 0


def test_a_session_that_must_be_exact_takes_exact_tails_alone(served, folder, path, feed) -> None:
    """The typed tail is there, and nothing is sent to it: the whole model is used."""
    name = served("uint8")
    with opened(path, folder, name, policy="server") as session:
        session.wait_until_ready(10)
        session.run(None, feed)
        assert session.last_record.placement == "server"
        server = session._engine.server
        assert server.tails == {"server-only"}
        assert not server.codecs
    name = served(RAW, *LOSSY)
    with opened(path, folder, name) as session:
        session.wait_until_ready(10)
        server = session._engine.server
        assert server.tails == {"server-only", cut_id([AT])}
        assert not server.codecs


def test_the_table_has_the_rows_that_are_there(served, folder, path, feed) -> None:
    """Without the exact tail the cut is there in its codec alone; server-only stays raw."""
    name = served("uint8")
    with opened(path, folder, name, "uint8") as session:
        session.wait_until_ready(10)
        session.run(None, feed)
        table = session._engine._dispatch.table
        rows = {(cut.id, codec) for cut, codec in zip(table.cuts, table.codecs, strict=True)}
    assert rows == {("device-only", RAW), ("server-only", RAW), (cut_id([AT]), "uint8")}


def test_a_row_has_the_bytes_and_times_of_its_tail(served, folder, path, feed) -> None:
    """So it is decided on as any other."""
    name = served(RAW, "uint8")
    with opened(path, folder, name, "uint8") as session:
        session.wait_until_ready(10)
        server = session._engine.server
        bucket = session._engine._buckets.of(feed)
        table = bucket.table(server.costs, server.tails, server.address, server.decoding)
        exact, coded = (table.find(cut_id([AT]), codec) for codec in (RAW, "uint8"))
        assert table.up_bytes[exact] == SENT_BYTES[RAW]
        assert table.up_bytes[coded] == pytest.approx(SENT_BYTES["uint8"], rel=0.1)
        assert table.encode_s[exact] == 0 < table.encode_s[coded]
        assert 0 < table.tail_s[exact] == table.tail_s[coded]


def wrong_weights(path: Path, other: Path, parts: Split, codec: str) -> bytes:
    """Give the tail of another model of the same shapes."""
    return parts(other, None if codec == RAW else codec)[1].read_bytes()


def wrong_type(path: Path, other: Path, parts: Split, codec: str) -> bytes:
    """Give a tail that takes other tensors: float16 where uint8 is expected, or the reverse."""
    another = {RAW: "uint8", "uint8": "float16", "float16": None}[codec]
    return parts(path, another)[1].read_bytes()


def wrong_output(path: Path, other: Path, parts: Split, codec: str) -> bytes:
    """Give a tail that names its output otherwise."""
    model = onnx.load(parts(path, None if codec == RAW else codec)[1])
    model.graph.output[0].name = model.graph.node[-1].output[0] = "another"
    return model.SerializeToString()


def nothing(path: Path, other: Path, parts: Split, codec: str) -> bytes:
    """Give a file that no runtime loads."""
    return b"no model"


@pytest.mark.parametrize(
    ("wrong", "codec"),
    [
        *((wrong_weights, codec) for codec in (RAW, *LOSSY)),
        *((wrong, "uint8") for wrong in (wrong_type, wrong_output, nothing)),
    ],
)
def test_a_wrong_tail_is_not_taken_up(
    served, folder, path, other, parts, feed, caplog, codec, wrong
) -> None:
    """It is told of in the log, and the server is used for the whole model."""
    name = served()
    folder.put(tail(path, name, codec), wrong(path, other, parts, codec))
    with (
        caplog.at_level(logging.WARNING),
        opened(path, folder, name, codec, policy="cutpoint") as session,
    ):
        session.wait_until_ready(10)
        server = session._engine.server
        assert cut_id([AT]) in {cut.id for cut in session._engine.cuts}
        assert server.tails == {"server-only"}
        assert server.unavailable is None
        session.run(None, feed)
        assert session.last_record.fallback_reason is None
    assert "is not used" in caplog.text or wrong is nothing


@pytest.mark.alone
@pytest.mark.parametrize(
    ("wrong", "codec"),
    [(None, RAW), *((wrong, "uint8") for wrong in (None, wrong_type, wrong_output, nothing))],
)
def test_a_tail_that_goes_bad_costs_no_answer(
    served, folder, path, other, parts, feed, codec, wrong
) -> None:
    """It vanishes or is another model: the device finishes, and the server stays in use."""
    name = served(codec)
    with opened(path, folder, name, codec) as session:
        session.wait_until_ready(10)
        session.run(None, feed)
        assert session.last_record.placement == "split"
        if wrong is None:
            folder.drop(tail(path, name, codec))
        else:
            folder.put(tail(path, name, codec), wrong(path, other, parts, codec))
        for _ in range(3):
            (output,) = session.run(None, feed)
            assert is_equal(output, run(path, feed)["t3"])
            assert session.last_record.placement != "split"
        server = session._engine.server
        assert server.unavailable is None
        assert server.tails == {"server-only"}
        assert (cut_id([AT]), codec) not in zip(
            (cut.id for cut in session._engine._dispatch.table.cuts),
            session._engine._dispatch.table.codecs,
            strict=True,
        )


def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    until_s = time.perf_counter() + 10
    while not is_so():
        assert time.perf_counter() < until_s
        time.sleep(0.02)


def test_tails_are_looked_for_and_checked_again(
    served, folder, path, other, parts, feed, monkeypatch
) -> None:
    """One that comes later is used, and one that answers wrongly since is not any more."""
    monkeypatch.setattr(connector, "RECHECK_EVERY_S", 0.2)
    name = served("uint8")
    exact = cut_id([AT]), RAW
    with opened(path, folder, name, "uint8") as session:
        session.wait_until_ready(10)
        server = session._engine.server
        assert server.decoding.lacks >= {exact}
        folder.put(tail(path, name), parts(path)[1])
        until(lambda: exact not in server.decoding.lacks)
        folder.put(tail(path, name, "uint8"), wrong_weights(path, other, parts, "uint8"))
        until(lambda: "uint8" not in server.codecs)
        assert server.tails == {"server-only", cut_id([AT])}
        (output,) = session.run(None, feed)
        assert is_equal(output, run(path, feed)["t3"])
        assert server.unavailable is None


def test_a_value_that_cannot_be_encoded_costs_no_answer(served, folder, path) -> None:
    """It is not sent as it is to a tail that takes it encoded; the exact one takes it."""
    feed = {"x": np.full((1, 8, 16), np.nan, np.float32)}
    for codecs, placement in ((("uint8",), "device"), (("uint8", RAW), "split")):
        name = served(*codecs)
        with opened(path, folder, name, "uint8") as session:
            session.wait_until_ready(10)
            (output,) = session.run(None, feed)
            record = session.last_record
            assert np.isnan(output).all()
            assert (record.planned, record.placement) == ("split", placement)
            assert session._engine.server.unavailable is None


MIXED = """<ir_version: 8, opset_import: ["" : 17]>
mixed (float[1, 4, 64] x, int64[1, 4] rows) => (float[1, 4, 4, 64] y) {
    a = Tanh (x)
    b = Neg (a)
    r = Abs (rows)
    at = Neg (r)
    c = Gather <axis = 1> (b, at)
    y = Sin (c)
}"""


@pytest.mark.parametrize("codec", LOSSY)
def test_values_of_several_types_cross(folder, parts, tmp_path, codec) -> None:
    """Floats as typed tensors, whole numbers beside them as they are."""
    path = tmp_path / "mixed.onnx"
    onnx.save(onnx.parser.parse_model(MIXED), path)
    rng = np.random.default_rng(5)
    feeds = [
        {
            "x": rng.standard_normal((1, 4, 64)).astype(np.float32),
            "rows": rng.integers(0, 4, (1, 4)),
        }
        for _ in range(3)
    ]
    name = f"mixed_{codec}"
    at = ("at", "b")
    folder.put(name, path)
    folder.put(tail(path, name, codec, at), parts(path, codec, *at)[1])
    settings = {"codecs": codec, "tolerance": "l2:0.1", "calibrate": feeds, "example": feeds[0]}
    with InferenceSession(
        path, server=folder.address, name=name, policy=f"at,b@{codec}", **settings
    ) as session:
        session.wait_until_ready(10)
        (output,) = session.run(None, feeds[1])
        record = session.last_record
    exact = run(path, feeds[1])["y"]
    assert 0 < np.abs(output - exact).max() < 0.02
    assert (record.placement, record.codecs) == ("split", (RAW, codec))


class Moody(FolderServer):
    """A folder's server whose tails fail as they are told to; the whole model never does."""

    mood: grpc.StatusCode | str | None = None

    def ModelInfer(self, request, context):  # noqa: N802
        """Run a model, or not."""
        if "." not in request.model_name or self.mood is None:
            return super().ModelInfer(request, context)
        if isinstance(self.mood, grpc.StatusCode):
            context.abort(self.mood, "not in the mood")
        response = super().ModelInfer(request, context)
        response.model_version = self.mood
        return response


@pytest.fixture
def moody(tmp_path: Path, path: Path, parts: Split) -> Iterator[tuple[Moody, Folder]]:
    """Give such a server in this process, with the model and a tail that takes uint8."""
    servicer = Moody(tmp_path)
    with serving(servicer) as address:
        folder = Folder(tmp_path, address)
        folder.put("tiny", path)
        folder.put(tail(path, "tiny", "uint8"), parts(path, "uint8")[1])
        yield servicer, folder


@pytest.mark.parametrize(
    "mood", ["UNAVAILABLE", "INTERNAL", "NOT_FOUND", "INVALID_ARGUMENT", "another version"]
)
def test_a_tail_in_trouble_is_no_server_in_trouble(moody, path, feed, mood) -> None:
    """It alone is left; the connection stays, and no breaker keeps the whole model away."""
    servicer, folder = moody
    with opened(path, folder, "tiny", "uint8") as session:
        session.wait_until_ready(10)
        server = session._engine.server
        transport = server._standing.transport
        servicer.mood = getattr(grpc.StatusCode, mood, mood)
        (output,) = session.run(None, feed)
        record = session.last_record
        assert is_equal(output, run(path, feed)["t3"])
        assert (record.planned, record.placement) == ("split", "device")
        assert "another version" in record.fallback_reason or "mood" in record.fallback_reason
        assert server.tails == {"server-only"}
        assert server.unavailable is None
        assert server._standing.transport is transport
    with InferenceSession(path, server=folder.address, name="tiny", policy="server") as session:
        session.wait_until_ready(10)
        session.run(None, feed)
        assert session.last_record.placement == "server"


def test_a_tail_that_is_overloaded_is_kept(moody, path, feed) -> None:
    """A full queue is the server's, and says nothing against the tail."""
    servicer, folder = moody
    with opened(path, folder, "tiny", "uint8") as session:
        session.wait_until_ready(10)
        server = session._engine.server
        servicer.mood = grpc.StatusCode.RESOURCE_EXHAUSTED
        (output,) = session.run(None, feed)
        assert is_equal(output, run(path, feed)["t3"])
        assert cut_id([AT]) in server.tails
        servicer.mood = None

        def is_back() -> bool:
            session.run(None, feed)
            return session.last_record.placement == "split"

        until(is_back)


def test_holdings_tell_what_is_lacking(path: Path) -> None:
    """Pairs of cut and codec; of two tails behind a cut the longer time stands for both."""
    cuts = [Cut("split", cut_id([at]), (at,), 1, ("y",)) for at in ("a", "b")]
    tails = [
        ForeignTail(cuts[0], RAW, "exact", frozenset()),
        ForeignTail(cuts[0], "uint8", "coded", frozenset("a")),
        ForeignTail(cuts[1], "uint8", "other", frozenset("b")),
    ]
    held = ForeignHoldings(3.0)
    assert (held.cut_ids, held.costs.tail_s) == ({"server-only"}, {"server-only": 3.0})
    assert not held.decoding.codecs
    for number, each in enumerate(tails):
        held = held.with_tail(each, 1.0 + number)
    assert held.costs.tail_s == {"server-only": 3.0, cuts[0].id: 2.0, cuts[1].id: 3.0}
    assert held.decoding.codecs == {"uint8"}
    assert held.decoding.lacks == {("server-only", "uint8"), (cuts[1].id, RAW)}
    less = held.without("coded")
    assert less.costs.tail_s[cuts[0].id] == 1.0
    assert less.decoding.lacks == held.decoding.lacks | {(cuts[0].id, "uint8")}
