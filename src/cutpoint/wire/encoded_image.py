"""A picture as the file that a camera gave, fed to a model in place of its pixels."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import CodecError, FeedError, RemoteProtocolError
from cutpoint.wire.codecs import codec_named
from cutpoint.wire.codecs.picture import image_module
from cutpoint.wire.tensors import TensorSpec

_JPEG, _PNG, _RIFF, _WEBP = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b"WEBP"
_JPEG_END, _PNG_END = b"\xff\xd9", b"IEND\xaeB`\x82"
_CHANNELS: Mapping[str, int] = {"L": 1, "RGB": 3}
"""Of Pillow's kinds of pixels, those that are 8-bit pictures as models take them."""


class EncodedImage:
    """
    A JPEG, PNG or WebP file to be fed in place of a uint8 picture.

    Where the server computes everything, the file crosses as it came and is decoded there;
    anywhere else this device decodes it first. Both give the same pixels, red first. What a
    note in the file says of how the camera was held is not looked at.

    Parameters
    ----------
    data
        The file's bytes, which must not change. Padding behind the end of a JPEG, as cameras
        leave it, is cut off.

    Raises
    ------
    FeedError
        If this is no such file, or no grey or coloured picture of 8 bits.
    CodecError
        If Pillow is not installed.

    Examples
    --------
    >>> frame = EncodedImage(camera.read())  # doctest: +SKIP
    >>> session.run(None, {"image_uint8": frame})  # doctest: +SKIP
    """

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self.data = bytes(data)
        self.codec = _codec_of(self.data)
        if self.codec == "jpeg":
            self.data = self.data.rstrip(b"\0")
        if not _is_whole(self.codec, self.data):
            raise FeedError(f"an encoded image is no whole {self.codec} file: it is cut short")
        try:
            with image_module().open(BytesIO(self.data), formats=(self.codec.upper(),)) as image:
                self.width, self.height = image.size
                mode = image.mode
        except CodecError:  # Pillow is missing, which is no defect of the file
            raise
        except Exception as error:  # a class per format and defect
            raise FeedError(f"an encoded image is no {self.codec} file: {error}") from error
        if mode not in _CHANNELS:
            raise FeedError(
                f"an encoded image has pixels of kind {mode}: only grey (L) and coloured (RGB) "
                "ones of 8 bits can be fed; convert it first"
            )
        self.num_channels = _CHANNELS[mode]

    def __repr__(self) -> str:
        return (
            f"<EncodedImage {self.codec} {self.width}x{self.height}x{self.num_channels}, "
            f"{len(self.data)} bytes>"
        )

    def shape_for(self, name: str, open_shape: tuple[int, ...] | None) -> tuple[int, ...]:
        """
        Give the shape of its pixels as an input takes them; where both fit, with channels last.

        Parameters
        ----------
        name
            Of the input, for messages.
        open_shape
            What it takes; negative where any size is.

        Raises
        ------
        FeedError
            If it takes no picture of this size and these channels.
        """
        last = (self.height, self.width, self.num_channels)
        first = (self.num_channels, self.height, self.width)
        for shape in ((1, *last), last, (1, *first), first):
            if open_shape is not None and _fits(shape, open_shape):
                return shape
        raise FeedError(
            f"input {name!r} takes {list(open_shape or ())}, no picture of {self.height}x"
            f"{self.width} pixels in {self.num_channels} channels: resize or convert it first"
        )

    def decoded(self, name: str, shape: tuple[int, ...]) -> NDArray[Any]:
        """
        Decode it.

        Parameters
        ----------
        name
            Of the input.
        shape
            From `shape_for`.

        Raises
        ------
        FeedError
            If the file is damaged.
        """
        try:
            return codec_named(self.codec).decode(self.spec(name, shape), self.data)
        except RemoteProtocolError as error:
            raise FeedError(f"the image fed to {name!r} cannot be decoded: {error}") from error

    def spec(self, name: str, shape: tuple[int, ...]) -> TensorSpec:
        """Describe the array that its pixels are."""
        return TensorSpec.of(name, np.broadcast_to(np.uint8(0), shape))


def _codec_of(data: bytes) -> str:
    if data.startswith(_JPEG):
        return "jpeg"
    if data.startswith(_PNG):
        return "png"
    if data.startswith(_RIFF) and data[8:12] == _WEBP:
        return "webp"
    raise FeedError("an encoded image is neither a JPEG, nor a PNG, nor a WebP file: feed an array")


def _is_whole(codec: str, data: bytes) -> bool:
    """Tell whether a file ends as it should: what a connection that broke left does not."""
    if codec == "webp":
        return int.from_bytes(data[4:8], "little") + 8 == len(data)
    return data.endswith(_JPEG_END if codec == "jpeg" else _PNG_END)


def _fits(shape: tuple[int, ...], open_shape: tuple[int, ...]) -> bool:
    return len(shape) == len(open_shape) and all(
        wanted in (each, -1) for each, wanted in zip(shape, open_shape, strict=True)
    )
