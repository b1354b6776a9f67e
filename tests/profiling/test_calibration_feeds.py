import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cutpoint.exceptions import FeedError, MissingDependencyError
from cutpoint.graph import Graph
from cutpoint.profiling.calibration_feeds import read_feeds


@pytest.fixture
def one_input(graph_of: Callable[..., Graph]) -> Graph:
    """Give a model of one input of two rows."""
    return graph_of("(float[2,3] x) => (float[2,3] y) { y = Relu (x) }")


@pytest.fixture
def two_inputs(graph_of: Callable[..., Graph]) -> Graph:
    """Give a model of two inputs."""
    return graph_of("(float[1,3] a, int64[1] b) => (float[1,3] y) { y = Relu (a) z = Abs (b) }")


def test_feeds_are_taken_as_they_are(one_input: Graph) -> None:
    """Of an endless source as many as are wanted; one alone is one."""
    endless = ({"x": np.full((2, 3), i)} for i in itertools.count())
    found = read_feeds(endless, one_input, 5)
    assert [feed["x"][0, 0] for feed in found] == [0, 1, 2, 3, 4]
    assert read_feeds({"x": np.zeros((2, 3))}, one_input) == ({"x": pytest.approx(0)},)
    with pytest.raises(FeedError, match="nothing to calibrate with"):
        read_feeds([], one_input)


def test_what_gives_no_feeds_is_refused(one_input: Graph) -> None:
    """By a word that says what to give."""
    with pytest.raises(FeedError, match="5 holds nothing to calibrate with"):
        read_feeds(5, one_input)  # type: ignore[arg-type]


def test_a_source_may_write_each_feed_into_the_same_array(one_input: Graph) -> None:
    """As a camera does with its frames; what comes as a list is not copied."""
    frame = np.zeros((2, 3))

    def frames() -> Iterator[dict[str, np.ndarray]]:
        for number in range(3):
            frame[:] = number
            yield {"x": frame}

    assert [feed["x"][0, 0] for feed in read_feeds(frames(), one_input)] == [0, 1, 2]
    assert read_feeds([{"x": frame}], one_input)[0]["x"] is frame


def test_a_folder_is_read_in_the_order_of_its_names(one_input: Graph, tmp_path: Path) -> None:
    """Single arrays, and arrays by name; what is neither is passed over."""
    np.save(tmp_path / "b.npy", np.full((2, 3), 1, np.float32))
    np.savez(tmp_path / "a.npz", x=np.full((2, 3), 0, np.float32))
    np.savez(tmp_path / "c.NPZ", x=np.full((2, 3), 2, np.float32))
    (tmp_path / "README.txt").write_text("about these")
    found = read_feeds(tmp_path, one_input)
    assert [float(feed["x"][0, 0]) for feed in found] == [0, 1, 2]
    assert len(read_feeds(str(tmp_path), one_input, 2)) == 2


def test_an_array_of_several_samples_is_several_feeds(
    one_input: Graph, two_inputs: Graph, tmp_path: Path
) -> None:
    """Where its first dimension is a multiple of what the model takes."""
    np.save(tmp_path / "x.npy", np.arange(18, dtype=np.float32).reshape(6, 3))
    found = read_feeds(tmp_path, one_input)
    assert [feed["x"].shape for feed in found] == [(2, 3)] * 3
    assert [float(feed["x"][0, 0]) for feed in found] == [0, 6, 12]
    (tmp_path / "x.npy").unlink()
    np.savez(tmp_path / "ab.npz", a=np.zeros((4, 3), np.float32), b=np.arange(4))
    assert [feed["b"].tolist() for feed in read_feeds(tmp_path, two_inputs)] == [[0], [1], [2], [3]]
    np.savez(tmp_path / "ab.npz", a=np.zeros((4, 3), np.float32), b=np.arange(3))
    with pytest.raises(FeedError, match=r"ab.npz holds \[3, 4\] samples"):
        read_feeds(tmp_path, two_inputs)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        (None, b"", "has no file to calibrate with"),
        ("x.npy", b"no array", "x.npy: "),
        ("x.npz", b"PK\x03\x04", "x.npz: "),
        ("x.jpg", b"\xff\xd8\xff", r"float32\[2, 3\], no picture as bytes.*cutpoint embed"),
    ],
)
def test_what_cannot_be_used_is_named(
    one_input: Graph, tmp_path: Path, name: str | None, content: bytes, why: str
) -> None:
    """An empty folder, damaged files, pictures for a model that takes none."""
    if name is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(FeedError, match=why):
        read_feeds(tmp_path, one_input)


def test_files_that_do_not_fit_the_model_are_named(
    one_input: Graph, two_inputs: Graph, tmp_path: Path
) -> None:
    """Other names or shapes, or one array for two inputs; and a file is no folder."""
    np.savez(tmp_path / "a.npz", x=np.zeros((1, 2, 3, 4, 5), np.float32))
    with pytest.raises(FeedError, match=r"a\.npz: input 'x' has shape"):
        read_feeds(tmp_path, one_input)
    np.savez(tmp_path / "a.npz", z=np.zeros(3))
    with pytest.raises(FeedError, match=r"a.npz has arrays \['z'\], 'model' takes \['x'\]"):
        read_feeds(tmp_path, one_input)
    with pytest.raises(FeedError, match="is no folder"):
        read_feeds(tmp_path / "a.npz", one_input)
    np.save(tmp_path / "0.npy", np.zeros(3))
    with pytest.raises(FeedError, match=r"0\.npy.*give \.npz"):
        read_feeds(tmp_path, two_inputs)


def test_files_that_run_code_are_not_read(one_input: Graph, tmp_path: Path) -> None:
    """An array of objects is a pickle."""
    np.save(tmp_path / "x.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(FeedError, match="allow_pickle"):
        read_feeds(tmp_path, one_input)


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ("1,4,6,3", (1, 4, 6, 3)),
        ("1,3,4,6", (1, 3, 4, 6)),
        ("4,6,3", (4, 6, 3)),
        ("1,4,6,1", (1, 4, 6, 1)),
        ("1,h,w,3", (1, 4, 6, 3)),
    ],
)
def test_pictures_are_laid_out_as_the_input_is(
    graph_of: Callable[..., Graph], tmp_path: Path, shape: str, wanted: tuple[int, ...]
) -> None:
    """Channels first or last, in a batch or not, in colour or grey, of a fixed size or any."""
    sizes = {"h": 9, "w": 9} if "h" in shape else {}
    graph = graph_of(f"(uint8[{shape}] x) => (float[{shape}] y) {{ y = Cast <to=1> (x) }}", **sizes)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    (feed,) = read_feeds(tmp_path, graph)
    assert (feed["x"].dtype, feed["x"].shape) == (np.uint8, wanted)
    if 3 in wanted[1:]:
        laid = feed["x"].reshape(wanted[-3:])
        laid = np.moveaxis(laid, 0, -1) if wanted[-3] == 3 else laid
        assert np.array_equal(laid, pixels)


def test_pictures_of_another_size_are_refused(
    graph_of: Callable[..., Graph], tmp_path: Path
) -> None:
    """How to resize is the caller's affair; damaged ones are named too."""
    graph = graph_of("(uint8[1,4,6,3] x) => (float[1,4,6,3] y) { y = Cast <to=1> (x) }")
    Image.fromarray(np.zeros((5, 6, 3), np.uint8)).save(tmp_path / "a.jpg")
    with pytest.raises(
        FeedError, match=r"a.jpg is of 6 x 5 pixels, input 'x' takes \[1, 4, 6, 3\]"
    ):
        read_feeds(tmp_path, graph)
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff\xe0 damaged")
    with pytest.raises(FeedError, match=r"a\.jpg cannot be read as a picture"):
        read_feeds(tmp_path, graph)


def test_without_a_reader_pictures_say_what_to_install(
    graph_of: Callable[..., Graph], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And only where there are pictures."""
    graph = graph_of("(uint8[1,4,6,3] x) => (float[1,4,6,3] y) { y = Cast <to=1> (x) }")
    Image.fromarray(np.zeros((4, 6, 3), np.uint8)).save(tmp_path / "a.png")
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingDependencyError, match=r"cutpoint\[codecs\]"):
        read_feeds(tmp_path, graph)
