"""``cutpoint plan`` with codecs: which one each row takes, what it does, and whether it pays."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cutpoint.cost import read_cut_table
from cutpoint.cost.calibration import (
    CALIBRATION_FORMAT_VERSION,
    CalibratedRow,
    CalibratedValue,
    Calibration,
)
from cutpoint.execution import ModelFile, load_graph
from cutpoint.graph import Graph, cut_id
from cutpoint.profiling import load_profile, save_profile
from cutpoint.profiling.calibration_file import save_calibration
from cutpoint.records import Sample

ENCODE_S_PER_BYTE, DECODE_S_PER_BYTE = 1e-8, 5e-9
"""Of every codec on `device`."""

LINK = ("--link", "800kbit/s,20ms")
"""A byte takes 10 us: much more than encoding it."""


@pytest.fixture(scope="module")
def device(slow_device: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a profile of the slow device that says what codecs take there."""
    samples = [
        Sample(kind, codec, rate * size, size_bytes=size, encoded_bytes=size // 4)
        for kind, rate in (("encode", ENCODE_S_PER_BYTE), ("decode", DECODE_S_PER_BYTE))
        for codec in ("uint8", "zstd", "float16")
        for size in (1_000, 10_000, 100_000)
    ]
    profile = load_profile(slow_device)
    path = tmp_path_factory.mktemp("profiles") / "codecs.json"
    save_profile(replace(profile, samples=(*profile.samples, *samples)), path)
    return path


@pytest.fixture(scope="module")
def graph(six_convs: Path) -> Graph:
    """Give the model's graph."""
    return load_graph(ModelFile.open(six_convs))


@pytest.fixture(scope="module")
def plan_of(six_convs: Path, device: Path) -> Callable[..., tuple]:
    """Give the words of a plan of the model between the device and a server ten times as fast."""
    return lambda *more: ("plan", six_convs, "--device", device, "--server", "10x", *LINK, *more)


@pytest.fixture(scope="module")
def calibration(graph: Graph, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give what codecs do behind ``pool1`` and to the image: uint8 loses a twentieth of outputs."""
    sizes = {name: float(graph.size_bytes((name,))) for name in ("pool1", "image")}
    rows = {cut_id(["pool1"]): "pool1", "server-only": "image"}
    found = Calibration(
        CALIBRATION_FORMAT_VERSION,
        graph.sha256,
        graph.name,
        num_feeds=2,
        values=tuple(
            CalibratedValue(value, codec, size, size * ratio)
            for value, size in sizes.items()
            for codec, ratio in (("uint8", 0.25), ("zstd", 0.5))
        ),
        rows=tuple(
            CalibratedRow(cut, (value,), codec, codec == "zstd", errors)
            for cut, value in rows.items()
            for codec, errors in (("uint8", {"l2": (0.04, 0.05)}), ("zstd", {}))
        ),
    )
    path = tmp_path_factory.mktemp("calibration") / "calibration.json"
    save_calibration(found, path)
    return path


def document_of(told) -> dict:
    """Read what was printed for a program; people were told nothing."""
    assert (told.code, told.err) == (0, "")
    return json.loads(told.out)


def row_of(told) -> dict:
    """Give the only link's row."""
    (row,) = document_of(told)["links"]
    return row


def test_the_codec_of_the_best_row_is_told(cutpoint, plan_of, graph: Graph) -> None:
    """Its bytes are a quarter, it is encoded on the device and decoded on the server."""
    raw, coded = (
        row_of(cutpoint(*plan_of("--json", *more))) for more in ((), ("--codec", "uint8"))
    )
    assert (raw["codec"], raw["codecs"]) == ("raw", ["raw"] * len(raw["crossing"]))
    assert (coded["codec"], coded["placement"]) == ("uint8", "split")
    assert coded["codecs"] == ["uint8"]
    raw_bytes = graph.size_bytes(tuple(coded["crossing"]))
    assert coded["sent_bytes"] == pytest.approx(raw_bytes / 4, rel=0.02)
    parts = coded["parts"]
    assert parts["encode_s"] == pytest.approx(ENCODE_S_PER_BYTE * raw_bytes, rel=0.01)
    assert parts["upload_s"] == pytest.approx(0.010 + coded["sent_bytes"] / 100_000)
    assert coded["latency_s"] == pytest.approx(sum(parts.values()))
    assert coded["latency_s"] < raw["latency_s"]
    told = cutpoint(*plan_of("--codec", "uint8"))
    assert f"cut at {coded['crossing'][0]}" in told.out
    assert "as uint8 (" in told.out
    assert "encode" in told.out
    assert "encode" not in cutpoint(*plan_of()).out


def test_codecs_may_be_named_one_by_one_or_together(cutpoint, plan_of) -> None:
    """Raw is among them in any case; alone it leaves the plan as it is without codecs."""
    together = document_of(cutpoint(*plan_of("--codec", "uint8,zstd", "--json")))
    assert together["codecs"] == ["uint8", "zstd"]
    one_by_one = cutpoint(*plan_of("--codec", "uint8", "--codec", "zstd", "--json"))
    assert document_of(one_by_one)["links"] == together["links"]
    raw = document_of(cutpoint(*plan_of("--codec", "raw", "--json")))
    assert raw["links"] == document_of(cutpoint(*plan_of("--json")))["links"]


def test_server_only_is_shown_as_the_input_may_come(cutpoint, plan_of) -> None:
    """As the model takes it, as bytes, and as a JPEG: 48 KiB, 12 KiB and a tenth of that."""
    row = row_of(cutpoint(*plan_of("--json")))
    assert {each["input_as"]: each["input_bytes"] for each in row["baselines"]} == {
        "uint8": 12_288,
        "jpeg": pytest.approx(1228.8),
    }
    for each in row["baselines"]:
        saved_s = (4 * 12_288 - each["input_bytes"]) / 100_000
        assert each["latency_s"] == pytest.approx(row["server_only_s"] - saved_s)
        better_s = min(row["device_only_s"], row["server_only_s"], each["latency_s"])
        saved = max(1 - row["latency_s"] / better_s, 0.0)
        assert each["saved_by_split"] == pytest.approx(saved)
    told = cutpoint(*plan_of())
    assert "server float32" in told.out
    assert "as uint8 (12 KB), as jpeg (1.2 KB): server-only where the input comes so" in told.out


def test_it_is_said_for_each_input_whether_splitting_pays(cutpoint, plan_of) -> None:
    """Against float32 a split pays here, against a JPEG it does not."""
    raw = document_of(cutpoint(*plan_of("--json")))["verdict"]
    assert raw.startswith("Splitting pays at 0.8 Mbit/s, 20.0 ms: it saves up to ")
    assert "If the server takes the input as jpeg (1.2 KB), splitting does not pay at any" in raw
    asked = document_of(cutpoint(*plan_of("--json", "--input-as", "jpeg:40KB")))
    assert [each["input_as"] for each in asked["links"][0]["baselines"]] == ["jpeg:40KB"]
    assert "as jpeg:40KB (40 KB), splitting pays at 0.8 Mbit/s, 20.0 ms" in asked["verdict"]


def test_a_calibration_is_taken_and_keeps_to_the_tolerance(cutpoint, plan_of, calibration) -> None:
    """Lossless codecs alone without one; a lossy one where it keeps it, with its error."""
    given = plan_of("--json", "--calibration", calibration)
    exact, loose, strict, named = (
        row_of(cutpoint(*given, *more))
        for more in (
            (),
            ("--tolerance", "l2:0.1"),
            ("--tolerance", "l2:0.01"),
            ("--codec", "uint8"),
        )
    )
    assert [row["codec"] for row in (exact, loose, strict, named)] == [
        "zstd", "uint8", "zstd", "uint8",
    ]  # fmt: skip
    assert [row["error"] for row in (exact, loose, strict, named)] == [0.0, 0.05, 0.0, 0.05]
    assert exact["sent_bytes"] == 2 * loose["sent_bytes"]
    told = cutpoint(*plan_of("--calibration", calibration, "--tolerance", "l2:0.1"))
    assert "uint8 at pool1: l2 error 0.05" in told.out
    told = cutpoint(*plan_of("--calibration", calibration))
    assert "zstd at pool1: exact" in told.out
    assert "uint8 is left out, for the outputs would change: --tolerance" in told.err


def test_the_table_has_the_codecs(cutpoint, plan_of, graph: Graph, tmp_path: Path) -> None:
    """Rows of cuts and codecs with what each costs, server-only as it is before all others."""
    path = tmp_path / "table.json"
    told = cutpoint(*plan_of("--codec", "uint8", "--table", path))
    assert told.code == 0
    table = read_cut_table(path, graph)
    assert table.codecs[:2] == ("raw", "raw")
    coded = [row for row, codec in enumerate(table.codecs) if codec == "uint8"]
    assert {table.cuts[row].placement for row in coded} == {"split", "server"}
    raw, row = table.find("server-only"), table.find("server-only", "uint8")
    image_bytes = graph.size_bytes(("image",))
    assert table.encode_s[row] == pytest.approx(ENCODE_S_PER_BYTE * image_bytes, rel=0.01)
    decode_s = table.tail_s[row] - table.tail_s[raw]
    assert decode_s == pytest.approx(DECODE_S_PER_BYTE * image_bytes / 10, rel=0.01)


def test_what_was_not_measured_there_is_told(
    cutpoint, six_convs: Path, slow_device: Path, device: Path
) -> None:
    """A profile without codecs is completed by this machine, and the source says so."""
    words = ("plan", six_convs, "--server", slow_device, "--codec", "uint8", "--json", *LINK)
    mixed = document_of(cutpoint(*words, "--device", device))
    assert [host["source"] for host in mixed["hosts"]] == [
        f"profile {device}",
        f"profile {slow_device}; codecs timed here",
    ]
    neither = document_of(cutpoint(*words, "--device", slow_device))
    assert all(host["source"].endswith("; codecs timed here") for host in neither["hosts"])


def test_a_server_tells_how_fast_it_decodes(cutpoint, served, six_convs: Path, device) -> None:
    """So nothing of it is timed here."""
    words = ("plan", six_convs, "--device", device, "--server", served.address, "--codec", "uint8")
    told = document_of(cutpoint(*words, "--json"))
    assert [host["source"] for host in told["hosts"]] == [
        f"profile {device}",
        f"server {served.address}",
    ]


def test_made_up_inputs_are_told(cutpoint, plan_of, tmp_path: Path) -> None:
    """With real ones the note is gone; what nobody calibrated is told in any case."""
    made_up = cutpoint(*plan_of("--codec", "uint8,zstd"))
    assert "seen on made-up inputs" in made_up.err
    assert "what uint8 does to the outputs is not known" in made_up.err
    np.savez(tmp_path / "image.npz", image=np.zeros((1, 3, 64, 64), np.float32))
    given = cutpoint(*plan_of("--codec", "zstd", "--input", tmp_path / "image.npz"))
    assert given.code == 0
    assert "note: what" not in given.err
    noise, zeros = (
        row_of(cutpoint(*plan_of("--codec", "zstd", "--json", *more)))
        for more in ((), ("--input", tmp_path / "image.npz"))
    )
    assert zeros["sent_bytes"] < noise["sent_bytes"] / 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--codec", "uint7"), "no codec 'uint7'"),
        (("--calibration", "{none}"), "calibration"),
        (("--calibration", "{calibration}", "--codec", "float16"), "was not calibrated for"),
        (("--calibration", "{calibration}", "--tolerance", "l2:x"), "l2:x"),
        (("--input-as", "tiff"), "float32, uint8 or jpeg:SIZE"),
    ],
)
def test_bad_words_are_one_line(
    cutpoint, plan_of, calibration: Path, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    """What is wrong, and what to write in its place."""
    places = {"none": tmp_path / "none.json", "calibration": calibration}
    told = cutpoint(*plan_of(*(word.format(**places) for word in words)))
    assert told.code == 1
    assert message in told.err
    assert "Traceback" not in told.err


@pytest.mark.parametrize(
    "words", [("--codec", "uint8"), ("--calibration", "c.json"), ("--input-as", "uint8")]
)
def test_codecs_are_about_a_model(cutpoint, tmp_path: Path, words: tuple[str, ...]) -> None:
    """Costs without a model have no values to encode."""
    costs = tmp_path / "costs.csv"
    costs.write_text("name,device_s,server_s,output_bytes\ninput,,,600\nconv,0.1,0.01,50\n")
    told = cutpoint("plan", "--costs", costs, *words)
    assert told.code == 2
    assert "MODEL" in told.err


def test_a_tolerance_needs_something_to_judge(cutpoint, plan_of) -> None:
    """The command that sees what codecs do is named."""
    told = cutpoint(*plan_of("--tolerance", "l2:0.1"))
    assert told.code == 2
    assert "cutpoint calibrate MODEL --data DIR" in " ".join(told.err.split())


def test_a_calibration_of_another_model_is_refused(
    cutpoint, plan_of, calibration: Path, tmp_path: Path
) -> None:
    """By the digest of the file."""
    text = calibration.read_text()
    sha256 = json.loads(text)["model_sha256"]
    (tmp_path / "other.json").write_text(text.replace(sha256, "f" * 64))
    told = cutpoint(*plan_of("--calibration", tmp_path / "other.json"))
    assert told.code == 1
    assert "not " in told.err
    assert sha256[:12] in told.err


def test_a_profile_says_what_codecs_take(cutpoint, six_convs: Path, tmp_path: Path) -> None:
    """The command that measures a device times encoding and decoding there."""
    path = tmp_path / "device.json"
    assert cutpoint("profile", six_convs, "-o", path, "--repeats", "2").code == 0
    words = ("plan", six_convs, "--device", path, "--codec", "uint8+zstd,float16", *LINK)
    told = document_of(cutpoint(*words, "--json"))
    assert [host["source"] for host in told["hosts"]] == [
        f"profile {path}",
        "assumed 8 x as fast as the device",
    ]
    emulated = tmp_path / "emulated.json"
    cutpoint("profile", six_convs, "-o", emulated, "--repeats", "2", "--slowdown", "50")
    fast_s, slow_s = (
        sum(s.duration_s for s in load_profile(each).samples if s.kind == "encode")
        for each in (path, emulated)
    )
    assert slow_s > 10 * fast_s
