"""Feeds to calibrate with, from a folder or from whatever gives them."""

import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import FeedError, MissingDependencyError
from cutpoint.graph import Arrays, Graph, checked_feed
from cutpoint.graph.feed import is_like

MOST_FEEDS = 1000
"""So many are used: a share is known to a percent then, and an endless source ends."""

_ARRAYS = (".npz", ".npy")
_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
_COLOURS = {1: "L", 3: "RGB"}

_UNREADABLE = (
    OSError, ValueError, TypeError, AttributeError, EOFError, MemoryError, BadZipFile,
)  # fmt: skip
"""What NumPy raises of files that are none of its own, or are damaged."""

Feeds = str | os.PathLike[str] | Iterable[Mapping[str, Any]]


def read_feeds(given: Feeds, graph: Graph, most: int = MOST_FEEDS) -> tuple[Mapping[str, Any], ...]:
    """
    Give feeds of a model.

    Parameters
    ----------
    given
        Feeds, or a folder of files, which are taken in the order of their names: ``.npz`` with an
        array per input, ``.npy`` for a model of one input, pictures for a model that takes one as
        bytes. An array that holds several samples, where the model takes one, is several feeds.
    most
        How many are used.

    Raises
    ------
    FeedError
        If there is nothing to be used, or a file does not fit; names it.
    MissingDependencyError
        If there are pictures and nothing to read them with.
    """
    found: tuple[Mapping[str, Any], ...]
    if isinstance(given, (str, os.PathLike)):
        found = tuple(islice(_in_folder(Path(given), graph), most))
    elif isinstance(given, Mapping):
        found = (given,)  # one feed, as `run` takes it
    elif not isinstance(given, Iterable):
        raise FeedError(f"{given!r} holds nothing to calibrate with: give a folder or feeds")
    else:
        # What gives one after the other may write each into the same arrays, as a camera does.
        feeds = iter(given)
        found = tuple(_owned(feed) if feeds is given else feed for feed in islice(feeds, most))
    if not found:
        raise FeedError("nothing to calibrate with: give one feed at least")
    return found


def _owned(feed: Any) -> Any:
    if not isinstance(feed, Mapping):
        return feed  # refused by whoever knows the model
    return {n: each.copy() if isinstance(each, np.ndarray) else each for n, each in feed.items()}


def _in_folder(folder: Path, graph: Graph) -> Iterator[Arrays]:
    if not folder.is_dir():
        raise FeedError(f"{folder} is no folder: name one with .npz, .npy or picture files")
    known = (*_ARRAYS, *_PICTURES)
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in known)
    if not paths:
        raise FeedError(
            f"{folder} has no file to calibrate with: put .npz (an array per input), .npy (a model "
            "of one input) or, for a model that takes pictures as bytes, .jpg and .png there"
        )
    for path in paths:
        yield from _in_file(path, graph)


def _in_file(path: Path, graph: Graph) -> Iterator[Arrays]:
    if path.suffix.lower() in _PICTURES:
        yield {_only_input(path, graph): _picture(path, graph)}
        return
    found = _arrays(path, graph)
    if found.keys() != set(graph.inputs):
        raise FeedError(
            f"{path} has arrays {sorted(found)}, {graph.name!r} takes {list(graph.inputs)}: write "
            "them with numpy.savez"
        )
    for feed in _samples(path, found, graph):
        yield _fitting(path, feed, graph)


def _fitting(path: Path, feed: Arrays, graph: Graph) -> Arrays:
    try:
        return checked_feed(graph, feed)
    except FeedError as error:
        raise FeedError(f"{path}: {error}") from error


def _arrays(path: Path, graph: Graph) -> Arrays:
    is_single = path.suffix.lower() == ".npy"
    name = _only_input(path, graph) if is_single else ""
    try:
        with path.open("rb") as file:
            found: Any = np.load(file, allow_pickle=False)
            if is_single:
                return {name: found}
            with found as arrays:
                return {each: arrays[each] for each in arrays.files}
    except _UNREADABLE as error:
        raise FeedError(f"{path}: {error}; write it with numpy.save or numpy.savez") from error


def _only_input(path: Path, graph: Graph) -> str:
    if len(graph.inputs) != 1:
        raise FeedError(
            f"{path}: {graph.name!r} takes {list(graph.inputs)}; give .npz files with an array for "
            "each"
        )
    return graph.inputs[0]


def _samples(path: Path, arrays: Arrays, graph: Graph) -> Iterator[Arrays]:
    """Take apart what holds several samples along the first dimension."""
    nums = {_num_samples(array, graph, name) for name, array in arrays.items()}
    if len(nums) > 1:
        raise FeedError(f"{path} holds {sorted(nums)} samples of different inputs: give as many")
    (num,) = nums
    for i in range(num):
        yield {name: _sample(array, i, num) for name, array in arrays.items()}


def _num_samples(array: NDArray[np.generic], graph: Graph, name: str) -> int:
    """Count the feeds an array holds: more than one where its first dimension is a multiple."""
    shape = graph.values[name].shape
    if not shape or not array.ndim or array.ndim != len(shape) or shape[0] < 1:
        return 1
    num, rest = divmod(array.shape[0], shape[0])
    return num if num > 1 and not rest else 1


def _sample(array: NDArray[np.generic], number: int, num: int) -> NDArray[np.generic]:
    if num == 1:
        return array
    part: NDArray[np.generic] = np.split(array, num)[number]
    return part


def _picture(path: Path, graph: Graph) -> NDArray[np.generic]:
    """Read a picture in the layout that the input has."""
    name = graph.inputs[0]
    value = graph.values[name]
    shape = value.open_shape or ()
    last, first = _num_colours(shape, -1), _num_colours(shape, -3)
    if value.dtype != "uint8" or not (last or first):
        raise FeedError(
            f"{path}: input {name!r} of {graph.name!r} is {value.dtype}{list(shape)}, no picture "
            "as bytes: give .npy files, or put the preprocessing into the model (`cutpoint embed`)"
        )
    pixels = _pixels(path, _COLOURS[last or first])
    laid = pixels if last else np.moveaxis(pixels, -1, 0)
    laid = laid.reshape((1,) * (len(shape) - 3) + laid.shape)
    if not is_like(laid.shape, shape):
        raise FeedError(
            f"{path} is of {pixels.shape[1]} x {pixels.shape[0]} pixels, input {name!r} takes "
            f"{list(shape)}: give pictures as the model is fed with"
        )
    return np.ascontiguousarray(laid)


def _num_colours(shape: tuple[int, ...], axis: int) -> int:
    """Give the colours along an axis; 0 if that is no axis of colours."""
    return shape[axis] if len(shape) in (3, 4) and shape[axis] in _COLOURS else 0


def _pixels(path: Path, mode: str) -> NDArray[np.generic]:
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingDependencyError(
            f"{path} is a picture: pip install 'cutpoint[codecs]' to read it"
        ) from error
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert(mode))
    except Exception as error:  # whatever a decoder says of a broken file
        raise FeedError(f"{path} cannot be read as a picture: {error}") from error
    return pixels if pixels.ndim == 3 else pixels[..., None]
