import json
from pathlib import Path

import numpy as np
import pytest

from cutpoint.profiling.calibration_file import load_calibration

AN_IMAGE = (1, 3, 64, 64)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Give a folder of six images."""
    folder = tmp_path / "data"
    folder.mkdir()
    images = np.random.default_rng(0).random((6, *AN_IMAGE[1:]), np.float32)
    np.save(folder / "images.npy", images)
    return folder


def test_it_says_what_every_codec_does(cutpoint, six_convs: Path, data: Path, tmp_path: Path):
    """A row per cut and codec, kept or struck; the file has the same."""
    target = tmp_path / "c.json"
    told = cutpoint(
        "calibrate", six_convs, "--data", data, "-o", target, "--tolerance", "l2:0.005",
        "--codec", "uint8,zstd", "--codec", "uint4+zstd", "--cut", "pool2",
    )  # fmt: skip
    assert told.code == 0, told.err
    rows = [[cell.strip() for cell in line.split("│")] for line in told.out.splitlines()]
    rows = [row for row in rows if len(row) == 6]
    found = {(row[0], row[1]): row[2:] for row in rows}
    assert set(found) == {
        (cut, codec) for cut in ("inputs", "pool2") for codec in ("uint8", "zstd", "uint4+zstd")
    }
    assert found["pool2", "zstd"][1:] == ["exact", "exact", "kept"]
    assert found["pool2", "uint8"][-1] == "kept"
    assert found["pool2", "uint4+zstd"][-1] == "struck"
    assert float(found["pool2", "uint4+zstd"][0]) < float(found["pool2", "uint8"][0]) < 0.3
    calibration = load_calibration(target)
    assert calibration.num_feeds == 6
    assert len(calibration.rows) == 6
    assert "6 inputs in which nothing breaks l2:0.005 do not show" in told.err


def test_a_program_gets_the_calibration(cutpoint, six_convs: Path, data: Path, tmp_path: Path):
    """As JSON, the same as the file; by default at the cuts that a session holds."""
    told = cutpoint(
        "calibrate", six_convs, "--data", data, "-o", tmp_path / "c.json", "--json",
        "--fixed-ranges", "--most", 2, "--codec", "float16",
    )  # fmt: skip
    assert told.code == 0, told.err
    document = json.loads(told.out)
    assert document == json.loads((tmp_path / "c.json").read_text())
    assert document["num_feeds"] == 2
    assert "image" in document["ranges"]
    assert {row["cut"] for row in document["rows"]} > {"server-only"}


def test_a_function_beside_the_caller_judges(
    cutpoint, six_convs: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Named by its module: its errors are in the file, and strike what it finds too far off."""
    (tmp_path / "my_judge.py").write_text(
        "import numpy as np\n"
        "def largest(exact, got):\n"
        "    return 1e6 * float(np.max(np.abs(exact['classes'] - got['classes'])))\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    told = cutpoint(
        "calibrate", six_convs, "--data", data, "-o", "c.json", "--codec", "uint8",
        "--tolerance", "my_judge:largest",
    )  # fmt: skip
    assert told.code == 0, told.err
    assert told.out.count("struck") == len(load_calibration("c.json").rows)
    assert set(load_calibration("c.json").rows[0].errors) == {"top1", "l2", "my_judge:largest"}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--data", "nowhere"), "nowhere is no folder"),
        (("--data", "data", "--tolerance", "close"), "is no tolerance"),
        (("--data", "data", "--codec", "uint7"), "uint7"),
        (("--data", "data", "--cut", "no_value"), "no_value"),
        (("--data", "data", "-o", "no/such/folder/c.json"), "cannot be written"),
        (("--data", "empty"), "has no file to calibrate with"),
        (("--data", "wrong"), "wrong/a.npz has arrays"),
    ],
)
def test_what_does_not_fit_is_one_line(
    cutpoint, six_convs: Path, data: Path, monkeypatch: pytest.MonkeyPatch, arguments, named: str
):
    """An error that names it, and no file."""
    monkeypatch.chdir(data.parent)
    (data.parent / "empty").mkdir()
    (data.parent / "wrong").mkdir()
    np.savez(data.parent / "wrong" / "a.npz", other=np.zeros(3))
    told = cutpoint("calibrate", six_convs, "-o", "c.json", *arguments)
    assert told.code == 1
    assert named in told.err
    assert told.err.strip().count("\n") == 0
    assert not (data.parent / "c.json").exists()
