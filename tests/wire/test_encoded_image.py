"""A file of a camera in place of pixels: what is taken, and what is said of the rest."""

import io

import numpy as np
import pytest
from PIL import Image

import cutpoint
from cutpoint.exceptions import FeedError
from cutpoint.wire.encoded_image import EncodedImage

PIXELS = np.random.default_rng(1).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def filed(form: str, pixels: np.ndarray | Image.Image = PIXELS, **settings) -> bytes:
    """Give a file."""
    file = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(file, form, **settings)
    return file.getvalue()


@pytest.mark.parametrize("form", ["jpeg", "png", "webp"])
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_file_is_what_its_head_says(form: str, kind: type) -> None:
    """Format, size and channels are known without decoding it; it is there under one name."""
    image = cutpoint.EncodedImage(kind(filed(form)))
    assert (image.codec, image.width, image.height, image.num_channels) == (form, 7, 5, 3)
    assert image.data == filed(form)


@pytest.mark.parametrize(
    ("open_shape", "shape"),
    [
        ((1, 5, 7, 3), (1, 5, 7, 3)),
        ((-1, -1, -1, 3), (1, 5, 7, 3)),
        ((5, 7, 3), (5, 7, 3)),
        ((-1, 3, -1, -1), (1, 3, 5, 7)),
        ((3, 5, 7), (3, 5, 7)),
    ],
)
def test_pixels_come_as_the_input_takes_them(
    open_shape: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    """In a batch or not, channels first or last; the same pixels."""
    image = EncodedImage(filed("png"))
    assert image.shape_for("x", open_shape) == shape
    pixels = image.decoded("x", shape)
    assert (pixels.shape, pixels.dtype) == (shape, np.uint8)
    last = pixels.reshape(shape[-3:])
    last = last if shape[-1] == 3 else last.transpose(1, 2, 0)
    np.testing.assert_array_equal(last, PIXELS)


@pytest.mark.parametrize("open_shape", [None, (2, 5, 7, 3), (1, 7, 5, 3), (1, 5, 7, 1), (35, 3)])
def test_an_input_of_another_size_is_refused(open_shape: tuple[int, ...] | None) -> None:
    """Naming the input, what it takes and what was fed."""
    with pytest.raises(FeedError, match=r"input 'x' takes \[.*no picture of 5x7 pixels in 3 chan"):
        EncodedImage(filed("png")).shape_for("x", open_shape)


def test_a_grey_picture_has_one_channel() -> None:
    """It is none of three: nothing is made up."""
    image = EncodedImage(filed("jpeg", PIXELS[..., 0]))
    assert image.shape_for("x", (-1, -1, -1, 1)) == (1, 5, 7, 1)
    with pytest.raises(FeedError, match="in 1 channels"):
        image.shape_for("x", (-1, -1, -1, 3))


def test_padding_behind_a_jpeg_is_cut_off() -> None:
    """As cameras leave it in the buffers they fill."""
    assert EncodedImage(filed("jpeg") + bytes(100)).data == filed("jpeg")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is neither a JPEG, nor a PNG, nor a WebP file"),
        (b"GIF89a...", "is neither a JPEG, nor a PNG, nor a WebP file"),
        (filed("jpeg")[:-9], "is no whole jpeg file: it is cut short"),
        (filed("png")[:-9], "is no whole png file: it is cut short"),
        (filed("webp")[:-9], "is no whole webp file: it is cut short"),
        (b"\xff\xd8\xff\xd9", "is no jpeg file"),
        (filed("png", Image.new("RGBA", (4, 4))), "pixels of kind RGBA: only grey"),
        (filed("png", Image.new("P", (4, 4))), "pixels of kind P: only grey"),
        (filed("jpeg", Image.new("CMYK", (4, 4))), "pixels of kind CMYK: only grey"),
    ],
)
def test_what_is_no_picture_is_said(data: bytes, words: str) -> None:
    """When it is made, before anything runs."""
    with pytest.raises(FeedError) as refused:
        EncodedImage(data)
    assert words in str(refused.value)


def test_a_damaged_file_is_no_picture() -> None:
    """Found when it is decoded; the message names the input."""
    data = bytearray(filed("png"))
    data[60:70] = bytes(10)
    with pytest.raises(FeedError, match="the image fed to 'x' cannot be decoded"):
        EncodedImage(data).decoded("x", (1, 5, 7, 3))
