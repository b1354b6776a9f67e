"""Vetting: whatever a model does, the process that asked goes on, with a typed error or none."""

import ctypes
import gc
import json
import logging
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from tests.execution.hostile_files import (
    CANARY,
    HOSTILE_FILES,
    OUTSIDE,
    HostileFile,
    lay_out,
)
from tests.execution.mutations import models

from cutpoint.exceptions import ModelError, UnknownShapeError, UnsafeModelError
from cutpoint.execution import ModelFile, load_graph, optimise, quarantine
from cutpoint.execution.load_limits import LoadLimits
from cutpoint.execution.quarantine import vet, vetted_copy

ModelOf = Callable[[str], onnx.ModelProto]

_ROOT = Path(__file__).parents[2]
_SHORT = LoadLimits(time_s=3)
_NUM_WORKERS = 2
_MOST_BYTES = 10**9
_MOST_GROWTH_BYTES = 50 * 10**6
_LOGGER = logging.getLogger(__name__)

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="limits are Linux's")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder that temporary files go to."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list["subprocess.Popen[bytes]"]:
    """Give every process that is started from here on."""
    processes = []
    start = subprocess.Popen

    def recorded(*arguments: Any, **options: Any) -> "subprocess.Popen[bytes]":
        processes.append(start(*arguments, **options))
        return processes[-1]

    monkeypatch.setattr(subprocess, "Popen", recorded)
    return processes


def test_a_sound_model_is_vetted(
    six_convs: Path, temporary: Path, started: list["subprocess.Popen[bytes]"]
) -> None:
    """By path and as bytes, the digest is that of the graph; nothing stays behind."""
    digest = load_graph(ModelFile.open(six_convs)).sha256
    before = set(temporary.iterdir())
    assert vet(ModelFile.open(six_convs)) == digest
    assert vet(ModelFile.open(six_convs.read_bytes())) == digest
    assert set(temporary.iterdir()) <= before
    assert [process.returncode for process in started] == [0, 0]


def test_a_model_with_a_data_file_is_vetted(tmp_path: Path, six_convs: Path) -> None:
    """Data files are read from the model's folder, and are part of the digest."""
    path = models(tmp_path, six_convs.read_bytes())["external"]
    file = ModelFile.open(path)
    assert vet(file) == load_graph(file).sha256


def test_open_dimensions_are_bound_or_count_as_one(model_of: ModelOf) -> None:
    """A model of any batch is vetted without a size, with one, and not with a wrong name."""
    model = model_of("(float[batch, 4] x) => (float[batch, 4] y) { a = Relu (x) y = Tanh (a) }")
    file = ModelFile.open(model.SerializeToString())
    assert vet(file) == file.sha256
    assert vet(file, sizes={"batch": 3}) == file.sha256
    with pytest.raises(UnknownShapeError, match="no open dimension 'depth'"):
        vet(file, sizes={"depth": 3})


def test_a_file_that_changed_is_refused(six_convs: Path, tmp_path: Path) -> None:
    """What is vetted is what was opened, or nothing."""
    path = tmp_path / "model.onnx"
    path.write_bytes(six_convs.read_bytes())
    file = ModelFile.open(path)
    path.write_bytes(six_convs.read_bytes() + b"\x1a\x01a")
    with pytest.raises(UnsafeModelError, match="changed after it was opened"):
        vet(file)


RELU = "(float[1,4] x) => (float[1,4] y) { y = Relu (x) }"
NEG = "(float[1,4] x) => (float[1,4] y) { y = Neg (x) }"


def test_the_copy_that_was_vetted_is_given(
    tmp_path: Path, six_convs: Path, temporary: Path
) -> None:
    """Its files are those of the model, in a folder that goes away, and it loads as the model."""
    path = models(tmp_path, six_convs.read_bytes())["external"]
    before = set(temporary.iterdir())
    with vetted_copy(ModelFile.open(path)) as copy:
        folder = Path(str(copy.source)).parent
        assert folder.parent == temporary
        assert {each.name for each in folder.iterdir()} == {
            each.name for each in path.parent.iterdir()
        }
        copied = load_graph(copy)
    assert copied.sha256 == load_graph(ModelFile.open(path)).sha256
    assert not folder.exists()
    del copied
    gc.collect()
    assert set(temporary.iterdir()) <= before


@pytest.mark.parametrize("moment", ["after vetting", "before optimising"])
def test_a_file_that_is_exchanged_is_not_loaded(
    moment: str, model_of: ModelOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is loaded untrusted is what was vetted, whoever writes over the file meanwhile."""
    path = tmp_path / "model.onnx"
    onnx.save(model_of(RELU), path)
    file = ModelFile.open(path)
    name = {"after vetting": "parse_model", "before optimising": "_write_optimised"}[moment]
    real = getattr(optimise, name)

    def exchanged(*arguments: Any, **options: Any) -> Any:
        onnx.save(model_of(NEG), path)
        return real(*arguments, **options)

    monkeypatch.setattr(optimise, name, exchanged)
    graph = load_graph(file, trusted=False)
    assert [node.op_type for node in graph.nodes] == ["Relu"]
    assert graph.sha256 == file.sha256
    assert onnx.load(path).graph.node[0].op_type == "Neg"


def test_a_data_file_that_is_exchanged_is_not_loaded(
    tmp_path: Path, six_convs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same of the weights beside the model."""
    path = models(tmp_path, six_convs.read_bytes())["external"]
    (data,) = (each for each in path.parent.iterdir() if each != path)
    digest = load_graph(ModelFile.open(path)).sha256
    real = optimise._write_optimised

    def exchanged(*arguments: Any) -> None:
        data.write_bytes(bytes(data.stat().st_size))
        real(*arguments)

    monkeypatch.setattr(optimise, "_write_optimised", exchanged)
    graph = load_graph(ModelFile.open(path), trusted=False)
    assert graph.sha256 == digest
    weights = next(iter(graph.source.graph.initializers.values())).const_value
    assert np.any(weights.numpy())


def test_errors_name_the_model_and_not_its_copy(model_of: ModelOf, tmp_path: Path) -> None:
    """A message about a file says the path that was given."""
    path = tmp_path / "model.onnx"
    onnx.save(model_of("(float[2] x) => (float[2] y) { y = NoSuchOperator (x) }"), path)
    with pytest.raises(ModelError, match=re.escape(str(path))) as caught:
        load_graph(ModelFile.open(path), trusted=False)
    assert "cutpoint-vet" not in str(caught.value)


@pytest.mark.parametrize("has_landlock", [True, False])
def test_a_missing_fence_is_logged(
    has_landlock: bool,
    tmp_path: Path,
    six_convs: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Where the system cannot keep the worker to its files, the log says so."""
    worker = tmp_path / "worker.py"
    said = json.dumps({"is_fenced": has_landlock}) + "\n" + json.dumps({"is_done": True}) + "\n"
    worker.write_text(f"import os\nos.write(1, {said.encode()!r})\n")
    monkeypatch.setattr(quarantine, "_WORKER", worker)
    with caplog.at_level(logging.INFO, "cutpoint"):
        vet(ModelFile.open(six_convs))
    assert ("no Landlock" in caplog.text) is not has_landlock


@needs_linux
def test_the_worker_says_whether_it_is_fenced(
    six_convs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What is logged is what this kernel can do."""
    code = "from cutpoint.execution.landlock import restrict; print(restrict([], []))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    with caplog.at_level(logging.INFO, "cutpoint"):
        vet(ModelFile.open(six_convs))
    assert ("no Landlock" in caplog.text) is (done.stdout.strip() == "False")


def test_a_worker_may_ask_for_nothing_outside_the_folder(
    tmp_path: Path, six_convs: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever speaks for the worker, no other file is copied to where it may read."""
    (tmp_path / "secret").write_bytes(b"secret")
    worker = tmp_path / "worker.py"
    asked = json.dumps({"data_files": ["../secret"]}) + "\n"
    worker.write_text(f"import os\nos.write(1, {asked.encode()!r})\nos.read(0, 1)\n")
    monkeypatch.setattr(quarantine, "_WORKER", worker)
    with pytest.raises(UnsafeModelError, match="leads out of the model's folder"):
        vet(ModelFile.open(six_convs))
    assert list(temporary.iterdir()) == []


def test_a_model_of_many_nodes_is_vetted_in_time(tmp_path: Path) -> None:
    """Choosing three cuts of 5,000 layers takes no time to speak of."""
    nodes = [onnx.helper.make_node("Tanh", [f"v{i}"], [f"v{i + 1}"]) for i in range(5000)]
    kind = onnx.TensorProto.FLOAT
    x, y = (onnx.helper.make_tensor_value_info(name, kind, [1, 4]) for name in ("v0", "v5000"))
    opset = onnx.helper.make_opsetid("", 17)
    graph = onnx.helper.make_graph(nodes, "chain", [x], [y])
    path = tmp_path / "chain.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    assert vet(ModelFile.open(path)) == ModelFile.open(path).sha256


def _refusal(hostile: HostileFile, folder: Path, limits: LoadLimits) -> ModelError | None:
    try:
        vet(ModelFile.open(hostile.build(lay_out(folder))), limits)
    except ModelError as error:
        return error
    return None


def test_hostile_programs_are_refused(
    tmp_path: Path, temporary: Path, started: list["subprocess.Popen[bytes]"]
) -> None:
    """Programs that take all time or memory end in a typed error; no process or file is left."""
    programs = [each for each in HOSTILE_FILES if each.refused_by == "worker"]
    assert len(programs) >= 12

    def refused(numbered: tuple[int, HostileFile]) -> tuple[HostileFile, ModelError | None]:
        folder = tmp_path / str(numbered[0])
        folder.mkdir()
        return numbered[1], _refusal(numbered[1], folder, _SHORT)

    with ThreadPoolExecutor(_NUM_WORKERS) as pool:
        refusals = list(pool.map(refused, enumerate(programs)))
    for hostile, error in refusals:
        assert error is not None, f"{hostile.name} was not refused"
        # Under load the time may end before the memory does.
        assert re.search(f"{hostile.reason}|not done within", str(error)), (hostile.name, error)
    assert list(temporary.iterdir()) == []
    assert all(process.returncode is not None for process in started)


_DEATHS = {
    "a signal": ("os.kill(os.getpid(), signal.SIGSEGV)", "ended by SIGSEGV"),
    "an abort": ("os.abort()", "ended by SIGABRT"),
    "no word": ("os._exit(0)", "status 0 and no report"),
    "a status of its own": ("os._exit(77)", "status 77"),
    "noise": ("os.write(1, bytes(range(256)) * 9999)", "no report"),
    "nested noise": ("os.write(1, b'[' * 60000 + b'\\n')", "no report"),
    "a false word": ("os.write(1, b'{\"is_done\": 7}\\n')", "no report"),
    "an error of its own": (
        'os.write(1, b\'{"error": "Bug", "message": "\\\\u001b[2J"}\\n\'); os._exit(1)',
        r"failed with Bug: \[2J",
    ),
    "a last word": ("sys.stderr.write('all is lost'); sys.stderr.flush(); os._exit(3)", "lost"),
    "silence": ("signal.pause()", "not done within"),
}


@pytest.mark.parametrize(("code", "reason"), _DEATHS.values(), ids=_DEATHS)
def test_however_a_worker_ends_the_error_is_typed(
    code: str,
    reason: str,
    tmp_path: Path,
    six_convs: Path,
    temporary: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Signals, noise and silence are errors in a line that says what happened."""
    worker = tmp_path / "worker.py"
    worker.write_text(f"import os, signal, sys\n{code}\n")
    monkeypatch.setattr(quarantine, "_WORKER", worker)
    with pytest.raises(UnsafeModelError, match=reason) as caught:
        vet(ModelFile.open(six_convs), LoadLimits(time_s=1))
    assert str(caught.value).isprintable()
    assert list(temporary.iterdir()) == []


@needs_linux
def test_what_a_worker_started_ends_with_it(
    tmp_path: Path, six_convs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process left behind by the worker is killed, and is not waited for."""
    worker, number = tmp_path / "worker.py", tmp_path / "number"
    worker.write_text(
        "import os, pathlib, signal\n"
        "child = os.fork()\n"
        "if not child: signal.pause()\n"
        f"pathlib.Path({str(number)!r}).write_text(str(child))\n"
    )
    monkeypatch.setattr(quarantine, "_WORKER", worker)
    with pytest.raises(UnsafeModelError):
        vet(ModelFile.open(six_convs))
    try:
        left = os.pidfd_open(int(number.read_text()))
    except ProcessLookupError:
        return
    ended = select.poll()
    ended.register(left, select.POLLIN)
    assert ended.poll(10_000)  # killed already: the kernel takes a moment to end it
    os.close(left)


@needs_linux
def test_memory_that_no_limit_of_the_system_counts_is_watched(
    tmp_path: Path, six_convs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shared memory is not in RLIMIT_DATA: the worker is ended for it all the same."""
    worker = tmp_path / "worker.py"
    worker.write_text(
        "import mmap, signal\nheld = mmap.mmap(-1, 80 << 20)\n"
        "for at in range(0, len(held), 4096): held[at] = 1\nsignal.pause()\n"
    )
    monkeypatch.setattr(quarantine, "_WORKER", worker)
    with pytest.raises(UnsafeModelError, match="bytes of memory"):
        vet(ModelFile.open(six_convs), LoadLimits(memory_bytes=40 << 20))


@needs_linux
def test_interrupting_the_caller_ends_the_worker(
    six_convs: Path,
    temporary: Path,
    started: list["subprocess.Popen[bytes]"],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Control-C during a vetting leaves no process and no file."""

    def interrupted(_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(quarantine, "_has_ended", interrupted)
    with pytest.raises(KeyboardInterrupt):
        vet(ModelFile.open(six_convs))
    assert [process.returncode for process in started] == [-signal.SIGKILL]
    assert list(temporary.iterdir()) == []


_IN_OPEN = 0x20
_IN_NONBLOCK = os.O_NONBLOCK


@contextmanager
def _opened(path: Path) -> Iterator[Callable[[], bool]]:
    """Tell whether anybody opened a file."""
    library = ctypes.CDLL(None)
    watch = library.inotify_init1(_IN_NONBLOCK)
    assert watch >= 0
    assert library.inotify_add_watch(watch, os.fsencode(path), _IN_OPEN) >= 0

    def was_opened() -> bool:
        try:
            return bool(os.read(watch, 4096))
        except BlockingIOError:
            return False

    try:
        yield was_opened
    finally:
        os.close(watch)


@needs_linux
def test_nothing_outside_the_folder_is_read(tmp_path: Path) -> None:
    """No attempt to reach a file beside the model's folder opens it, checked or not."""
    names = ("data file above", "data file a symbolic link", "data file a hard link")
    for number, hostile in enumerate(each for each in HOSTILE_FILES if each.name in names):
        folder = tmp_path / str(number)
        folder.mkdir()
        file = ModelFile.open(hostile.build(lay_out(folder)))
        canary = folder / OUTSIDE / CANARY
        with _opened(canary) as was_opened:
            with pytest.raises(UnsafeModelError):
                vet(file)
            assert not was_opened(), hostile.name
            assert canary.read_bytes() == b"\x01" * 64
            assert was_opened()  # the watch does see it


@needs_linux
def test_landlock_keeps_a_process_to_its_files(tmp_path: Path) -> None:
    """Where the kernel has it, other files and connections are out of reach from then on."""
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (inside / "a").write_text("a")
    (outside / "b").write_text("b")
    code = f"""
import socket
from pathlib import Path
from cutpoint.execution.landlock import restrict
held = restrict([Path({str(inside)!r})], [])
def tried(do):
    try:
        do()
    except PermissionError:
        return False
    except OSError:
        pass
    return True
print([held,
    tried(Path({str(inside / "a")!r}).read_text), tried(Path({str(outside / "b")!r}).read_text),
    tried(lambda: Path({str(inside / "c")!r}).write_text("c")),
    tried(lambda: socket.create_connection(("127.0.0.1", 9)))])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    held, *could = json.loads(done.stdout.lower())
    if not held:
        pytest.skip("this kernel has no Landlock")
    assert could[:3] == [True, False, False]


@pytest.mark.soak
@needs_linux
def test_the_whole_corpus_within_the_default_limits(tmp_path: Path) -> None:
    """Each file takes at most 30 s, and 1 GB for both processes; the caller keeps its size."""
    code = f"""
import json, os, resource, sys, time
from pathlib import Path
from cutpoint.exceptions import ModelError
from cutpoint.execution import ModelFile
from cutpoint.execution.quarantine import vet, vetted_copy
from tests.execution.hostile_files import HOSTILE_FILES, lay_out
own = lambda: int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
for number, hostile in enumerate(HOSTILE_FILES):
    folder = Path({str(tmp_path)!r}) / str(number)
    folder.mkdir()
    source = hostile.build(lay_out(folder))
    before, began_s = own(), time.perf_counter()
    try:
        error = "not refused " + vet(ModelFile.open(source))
    except ModelError as refusal:
        error = type(refusal).__name__ + ": " + str(refusal)
    worker = 1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(json.dumps([hostile.name, error, time.perf_counter() - began_s, own() - before,
                      own() + worker, os.getpid()]), flush=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=_ROOT
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == len(HOSTILE_FILES)
    for hostile, (name, error, took_s, growth_bytes, both_bytes, _) in zip(
        HOSTILE_FILES, rows, strict=True
    ):
        assert re.search(hostile.reason, error), (name, error)
        assert took_s <= LoadLimits().time_s + 1, name
        assert growth_bytes <= _MOST_GROWTH_BYTES, name
        assert both_bytes <= _MOST_BYTES, name
    assert len({row[-1] for row in rows}) == 1
    worst = {"s": max(row[2] for row in rows), "bytes": max(row[4] for row in rows)}
    _LOGGER.info("%d hostile files refused; at most %s", len(rows), worst)


def _outcomes(jobs: list[tuple[Path, int]]) -> list[dict[str, str]]:
    """Give what came of each mutated model, from one process that forks for every one."""
    zygote = subprocess.Popen(
        [sys.executable, "-m", "tests.execution.mutation_zygote"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
    )
    said, _ = zygote.communicate("".join(f"{path} {seed}\n" for path, seed in jobs))
    assert zygote.returncode == 0
    return [json.loads(line) for line in said.splitlines()]


def _campaign(folder: Path, six_convs: Path, num_seeds: int) -> Counter[str]:
    paths = models(folder, six_convs.read_bytes())
    jobs = [(path, seed) for seed in range(num_seeds) for path in paths.values()]
    with ThreadPoolExecutor(_NUM_WORKERS) as pool:
        shares = list(pool.map(_outcomes, [jobs[i::_NUM_WORKERS] for i in range(_NUM_WORKERS)]))
    counted: Counter[str] = Counter()
    for i, outcomes in enumerate(shares):
        assert len(outcomes) == len(jobs[i::_NUM_WORKERS])
        for (path, seed), outcome in zip(jobs[i::_NUM_WORKERS], outcomes, strict=True):
            counted[outcome["result"]] += 1
            where = f"{path.parent.name} damaged with seed {seed}: {outcome}"
            assert outcome["result"] in _GOOD_ENDS, where
            if outcome["result"] in ("died", "refused as a bug"):
                _check_refused(path, seed, folder)
    _LOGGER.info("of %d damaged models: %s", len(jobs), dict(counted))
    return counted


_GOOD_ENDS = frozenset(
    {"refused by parse", "refused by worker", "refused by load", "refused as a bug", "right",
     "died"}
)  # fmt: skip


def _check_refused(path: Path, seed: int, folder: Path) -> None:
    """Vet for good what killed a child of the campaign: it must be an error here."""
    from tests.execution.mutation_zygote import write_mutated

    again = folder / f"{path.parent.name}-{seed}"
    again.mkdir()
    with pytest.raises(ModelError):
        vet(ModelFile.open(write_mutated(path, seed, again)))


def test_damaged_models_are_refused_or_right(tmp_path: Path, six_convs: Path) -> None:
    """A few of the campaign's damaged models: a typed error, or the whole model's answer."""
    counted = _campaign(tmp_path, six_convs, num_seeds=10)
    assert counted.total() == 40
    assert counted["right"] > 0
    assert counted["refused by parse"] > 0


@pytest.mark.soak
def test_two_thousand_damaged_models_are_refused_or_right(tmp_path: Path, six_convs: Path) -> None:
    """Every damaged model: a typed error, or cutpoint's answer is that of ONNX Runtime whole."""
    counted = _campaign(tmp_path, six_convs, num_seeds=500)
    assert counted.total() == 2000
    assert counted["right"] > 100
