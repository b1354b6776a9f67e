"""What codecs have in common that send pictures as image files."""

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Iterator
from io import BytesIO
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import CodecError, RemoteProtocolError
from cutpoint.wire.codecs.codec import Buffer
from cutpoint.wire.codecs.elements import check_taken, num_elements, spec_of_array
from cutpoint.wire.tensors import TensorSpec

_MODES = {1: "L", 3: "RGB"}
"""Pillow's names of pixels with so many channels."""

_MOST_PIXELS = 1 << 26
"""Pillow itself warns of pictures of more than 89 million."""

_HEAD_BYTES = 1 << 16
"""What a file may hold beside pixels: tables, and what a camera notes."""


class Layout(NamedTuple):
    """How an array is a picture."""

    height: int
    width: int
    num_channels: int
    has_channels_last: bool

    @classmethod
    def of(cls, spec: TensorSpec) -> "Layout | None":
        """Give how arrays of a type and shape are one picture; ``None`` if they are none."""
        shape = spec.shape or ()
        if len(shape) == 4 and shape[0] == 1:
            shape = shape[1:]
        if spec.dtype != "uint8" or len(shape) != 3 or min(shape) < 1:
            return None
        if shape[2] in _MODES:
            return cls(shape[0], shape[1], shape[2], True)
        return cls(shape[1], shape[2], shape[0], False) if shape[0] in _MODES else None


def is_installed() -> bool:
    """Tell whether Pillow can be used here."""
    return importlib.util.find_spec("PIL") is not None


def image_module() -> Any:
    """
    Give the library's module of images.

    Raises
    ------
    CodecError
        If it is not installed.
    """
    try:
        return importlib.import_module("PIL.Image")
    except ImportError as error:
        raise CodecError(
            "Pillow is not installed: pip install 'cutpoint[codecs]', or name other codecs"
        ) from error


class Picture(ABC):
    """
    An image file for one picture of bytes, channels first or last, grey or of three colours.

    What is decoded may come from elsewhere, such as a camera, if it has the array's size and
    colours; which way up a note in it says it was held is not looked at.
    """

    is_lossless: ClassVar[bool] = False
    format: ClassVar[str]
    most_side: ClassVar[int]
    keeps_grey: ClassVar[bool] = True

    @property
    @abstractmethod
    def name(self) -> str:
        """By which plans, records and the wire call it, with its settings."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def takes(self, spec: TensorSpec) -> bool:
        """Tell whether arrays of this type and shape are one picture that is not too large."""
        layout = Layout.of(spec)
        return (
            layout is not None
            and max(layout.height, layout.width) <= self.most_side
            and layout.height * layout.width <= _MOST_PIXELS
        )

    def blocks(self, array: NDArray[np.generic]) -> Iterator[Buffer]:
        """
        Yield the file, in one piece: the library gives no other.

        Raises
        ------
        CodecError
            If this is no picture, the library cannot write such a file, or it would be larger
            than the bound.
        """
        spec = spec_of_array(array)
        layout = Layout.of(spec)
        if layout is None or not self.takes(spec):
            raise CodecError(f"{spec} is no picture for {self.name}: send it raw")
        file = BytesIO()
        try:
            _image(array, layout).save(file, self.format, **self._settings())
        except (KeyError, OSError, ValueError) as error:  # the first if it is built without
            raise CodecError(
                f"Pillow cannot write a picture of {spec} as {self.format} ({error!r}): send it raw"
            ) from error
        if file.tell() > self.most_bytes(spec):
            raise CodecError(f"a picture of {spec} grows to {file.tell()} bytes in {self.name}")
        yield file.getbuffer()

    def decode(self, spec: TensorSpec, raw: Buffer) -> NDArray[np.generic]:
        """
        Give the picture.

        Raises
        ------
        RemoteProtocolError
            If this is no such file, not all of one, or of another size or other colours.
        """
        layout = Layout.of(spec)
        check_taken(spec, self.name, is_taken=self.takes(spec))
        assert layout is not None
        if not self._is_whole(raw, layout):
            raise RemoteProtocolError(
                f"tensor {spec.name!r} ({spec}) is no whole {self.format} file of one still picture"
            )
        try:
            pixels = self._pixels(layout, raw)
        except Exception as error:  # a class per format and defect, from all over the library
            raise RemoteProtocolError(
                f"tensor {spec.name!r} ({spec}) is no such {self.format} picture: {error}"
            ) from error
        if not layout.has_channels_last:
            pixels = np.ascontiguousarray(pixels.transpose(2, 0, 1))
        return pixels.reshape(spec.shape or ())

    def most_bytes(self, spec: TensorSpec) -> int:
        """Give a bound that files are held to: twice the pixels, and what a camera notes."""
        return 2 * num_elements(spec) + _HEAD_BYTES

    def _pixels(self, layout: Layout, raw: Buffer) -> NDArray[np.generic]:
        """Decode the pixels, once the file's head has told that they are the right ones."""
        with image_module().open(BytesIO(raw), formats=(self.format,)) as image:
            size, mode = (layout.width, layout.height), _MODES[layout.num_channels]
            kept = mode if self.keeps_grey else "RGB"
            if image.size != size or image.mode != kept:
                raise ValueError(f"it has {image.mode} {image.size}, not {kept} {size}")
            pixels: NDArray[np.generic] = np.asarray(image if kept == mode else image.convert(mode))
        return pixels.reshape(layout.height, layout.width, layout.num_channels)

    @abstractmethod
    def _settings(self) -> dict[str, Any]:
        """Give the library's settings of how to encode."""

    @abstractmethod
    def _is_whole(self, raw: Buffer, layout: Layout) -> bool:
        """Tell whether these bytes begin and end as one file of such a picture does."""

    @abstractmethod
    def most_error(self, array: NDArray[np.generic]) -> float:
        """Give the largest error of a byte."""


def _image(array: NDArray[np.generic], layout: Layout) -> Any:
    """Give the library's image of a picture."""
    image = image_module()
    if layout.num_channels == 1:
        return image.fromarray(np.ascontiguousarray(array.reshape(layout.height, layout.width)))
    if layout.has_channels_last:
        return image.fromarray(np.ascontiguousarray(array.reshape(layout[:3])))
    planes = array.reshape(3, layout.height, layout.width)
    return image.merge("RGB", [image.fromarray(np.ascontiguousarray(plane)) for plane in planes])
