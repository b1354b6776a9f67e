"""Inputs that came as image files: passed on as they came, or decoded here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutpoint.client.encoders import Encoders
from cutpoint.exceptions import FeedError
from cutpoint.graph import Arrays, Graph
from cutpoint.wire.codecs import codec_named
from cutpoint.wire.encoded import Encoded
from cutpoint.wire.encoded_image import EncodedImage

_FORMAT, _BLUE_FIRST = "Image.BitmapPixelFormat", "Bgr8"
"""ONNX's words for what a picture's bytes are, among a model's metadata."""

_PICTURE = "uint8"


@dataclass(frozen=True)
class EncodedInputs:
    """
    The image files among the inputs of one inference.

    Parameters
    ----------
    images
        By input.
    shapes
        Of their pixels, as the inputs take them.
    """

    images: Mapping[str, EncodedImage]
    shapes: Mapping[str, tuple[int, ...]]

    @cached_property
    def codecs(self) -> Mapping[str, str]:
        """What decodes each, by input."""
        return {name: image.codec for name, image in self.images.items()}

    @property
    def file_bytes(self) -> int:
        """Bytes of the files."""
        return sum(len(image.data) for image in self.images.values())

    @property
    def raw_bytes(self) -> int:
        """Bytes of the pixels."""
        return sum(map(prod, self.shapes.values()))

    def are_taken(self, takes: Callable[[str], bool]) -> bool:
        """Tell whether a host decodes all of them, and none has more bytes than a host takes."""
        return all(map(takes, self.codecs.values())) and all(map(self._is_fitting, self.images))

    def decoded(self) -> Arrays:
        """
        Give the pixels.

        Raises
        ------
        FeedError
            If a file is damaged.
        """
        return {name: image.decoded(name, self.shapes[name]) for name, image in self.images.items()}

    def encoded(self, name: str) -> Encoded:
        """Give a file as what crosses in place of its pixels."""
        image = self.images[name]
        return Encoded(image.spec(name, self.shapes[name]), image.codec, (image.data,)).make_all()

    def _is_fitting(self, name: str) -> bool:
        """Tell whether a file is within the bound, beyond which it is mostly no picture."""
        image = self.images[name]
        spec = image.spec(name, self.shapes[name])
        return len(image.data) <= codec_named(image.codec).most_bytes(spec)


class FileEncoders(Encoders):
    """
    Encoders that pass files on where they are what is asked for.

    Parameters
    ----------
    inputs
        The files.
    others
        Encode everything else.
    """

    def __init__(self, inputs: EncodedInputs, others: Encoders) -> None:
        super().__init__(slowdown=others.slowdown)
        self._inputs = inputs
        self._others = others

    def encoded(self, name: str, array: NDArray[np.generic], codec_name: str) -> Encoded:
        """Give the value to be encoded, or the file that it came as."""
        if self._inputs.codecs.get(name) == codec_name:
            return self._inputs.encoded(name)
        return self._others.encoded(name, array, codec_name)


def opened_feed(
    graph: Graph, feed: Mapping[str, Any]
) -> tuple[Mapping[str, Any], EncodedInputs | None]:
    """
    Take image files out of a feed.

    Returns
    -------
    feed
        With arrays of the right type and shape, and no pixels, in their place.
    inputs
        The files; ``None`` if there are none.

    Raises
    ------
    FeedError
        If an input takes no such pictures.
    """
    images = {name: each for name, each in feed.items() if isinstance(each, EncodedImage)}
    known = {name: image for name, image in images.items() if name in graph.inputs}
    if not known:  # of names that are none, the check of the feed says more
        return feed, None
    if graph.source.metadata_props.get(_FORMAT) == _BLUE_FIRST:
        raise FeedError(
            f"{graph.name!r} takes pictures blue first, encoded images are red first: embed its "
            "preprocessing with channels rgb, or feed an array"
        )
    shapes = {}
    for name, image in known.items():
        value = graph.values[name]
        if value.dtype != _PICTURE:
            raise FeedError(
                f"input {name!r} takes {value.dtype}, an encoded image has {_PICTURE} pixels: "
                "`cutpoint embed` writes its preprocessing into the model"
            )
        shapes[name] = image.shape_for(name, value.open_shape)
    stand_ins = {name: np.broadcast_to(np.uint8(0), shape) for name, shape in shapes.items()}
    return {**feed, **stand_ins}, EncodedInputs(known, shapes)


def decoded_feed(
    shape_of: Callable[[str], tuple[int, ...] | None], feed: Mapping[str, Any]
) -> Mapping[str, Any]:
    """
    Give a feed with its image files decoded.

    Parameters
    ----------
    shape_of
        Gives what an input takes; negative where any size is.

    Raises
    ------
    FeedError
        If an input takes no such picture, or a file is damaged.
    """
    images = {name: each for name, each in feed.items() if isinstance(each, EncodedImage)}
    if not images:
        return feed
    decoded = {
        name: image.decoded(name, image.shape_for(name, shape_of(name)))
        for name, image in images.items()
    }
    return {**feed, **decoded}
