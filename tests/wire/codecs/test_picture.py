"""Pictures as image files: every layout, and files that are not what they should be."""

import sys
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile
from sklearn.datasets import load_sample_image

from cutpoint.exceptions import CodecError, RemoteProtocolError
from cutpoint.wire.codecs import available_codecs, codec_named
from cutpoint.wire.tensors import TensorSpec

CODECS = ("png", "jpeg:95", "webp:95")
HEIGHT, WIDTH = 40, 60


@pytest.fixture(scope="module")
def photo() -> NDArray[np.uint8]:
    """Give a part of a photograph, channels last."""
    whole: NDArray[np.uint8] = load_sample_image("china.jpg")
    return np.asarray(Image.fromarray(whole).resize((WIDTH, HEIGHT)))


def file_of(image: Any, kind: str, **settings: Any) -> bytes:
    """Give an image file as something else than a codec may write it."""
    file = BytesIO()
    image.save(file, kind, **settings)
    return file.getvalue()


def spec_of(num_channels: int = 3) -> TensorSpec:
    """Describe the tensor that the photograph is."""
    return TensorSpec("x", "uint8", (1, HEIGHT, WIDTH, num_channels))


@pytest.mark.parametrize("name", CODECS)
def test_every_layout_gives_the_same_picture(name: str, photo: NDArray[np.uint8]) -> None:
    """Channels first or last, with a batch of one or none, one file and the same pixels."""
    codec = codec_named(name)
    (wanted,) = (bytes(piece) for piece in codec.blocks(photo))
    pixels = codec.decode(TensorSpec.of("x", photo), wanted)
    assert np.abs(pixels.astype(int) - photo).mean() < 4
    first, back = photo.transpose(2, 0, 1), pixels.transpose(2, 0, 1)
    for one, same in ((photo[None], pixels[None]), (first, back), (first[None], back[None])):
        assert b"".join(codec.blocks(one)) == wanted
        np.testing.assert_array_equal(codec.decode(TensorSpec.of("x", one), wanted), same)


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("shape", [(1, HEIGHT, WIDTH), (1, 1, HEIGHT, WIDTH), (HEIGHT, WIDTH, 1)])
def test_grey_pictures_have_one_channel(
    name: str, shape: tuple[int, ...], photo: NDArray[np.uint8]
) -> None:
    """WebP knows no grey: it comes back as grey all the same."""
    codec, grey = codec_named(name), photo[..., 1].reshape(shape)
    decoded = codec.decode(TensorSpec.of("x", grey), b"".join(codec.blocks(grey)))
    assert decoded.shape == shape
    assert np.abs(decoded.astype(int) - grey).mean() < 3


@pytest.mark.parametrize(
    "spec",
    [
        TensorSpec("x", "float32", (1, 3, 8, 8)), TensorSpec("x", "int8", (8, 8, 3)),
        TensorSpec("x", "uint8", (2, 3, 8, 8)), TensorSpec("x", "uint8", (8, 8)),
        TensorSpec("x", "uint8", (4, 8, 8)), TensorSpec("x", "uint8", (0, 8, 3)),
        TensorSpec("x", "uint8", None), TensorSpec("x", "uint8", (-1, 8, 3)),
        TensorSpec("x", "uint8", (1 << 14, 1 << 14, 3)),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("name", CODECS)
def test_what_is_not_one_picture_of_bytes_is_not_taken(name: str, spec: TensorSpec) -> None:
    """Other types, several pictures, four channels, nothing, and more pixels than are sane."""
    assert not codec_named(name).takes(spec)


def test_formats_have_a_longest_side() -> None:
    """What the library could not write is not begun."""
    for name, side in (("jpeg", 65_500), ("webp", 16_383)):
        assert codec_named(name).takes(TensorSpec("x", "uint8", (1, side, 3)))
        assert not codec_named(name).takes(TensorSpec("x", "uint8", (1, side + 1, 3)))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_file_of_another_size_or_other_colours_is_refused(
    kind: str, photo: NDArray[np.uint8]
) -> None:
    """The picture must be the tensor: nothing is scaled or guessed."""
    codec, image = codec_named(kind.lower()), Image.fromarray(photo)
    other = image.convert("CMYK" if kind == "JPEG" else "RGBA")
    if kind != "JPEG":
        other.putalpha(100)
    turned = image.transpose(Image.Transpose.ROTATE_90)
    for wrong in (turned, image.resize((WIDTH - 1, HEIGHT)), other):
        with pytest.raises(RemoteProtocolError, match="'x'"):
            codec.decode(spec_of(), file_of(wrong, kind))
    if kind != "WEBP":
        with pytest.raises(RemoteProtocolError, match="it has L"):
            codec.decode(spec_of(), file_of(image.convert("L"), kind))
        with pytest.raises(RemoteProtocolError, match="it has RGB"):
            codec.decode(spec_of(1), file_of(image, kind))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF"])
def test_a_file_of_another_format_is_refused(kind: str, photo: NDArray[np.uint8]) -> None:
    """No other decoder of the library is reached than that of the codec."""
    raw = file_of(Image.fromarray(photo), kind)
    for name in {"png", "jpeg", "webp"} - {kind.lower()}:
        with pytest.raises(RemoteProtocolError, match="is no whole"):
            codec_named(name).decode(spec_of(), raw)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_file_that_moves_is_refused(kind: str, photo: NDArray[np.uint8]) -> None:
    """A tensor is one picture."""
    image = Image.fromarray(photo)
    other = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    raw = file_of(image, kind, save_all=True, append_images=[other])
    with pytest.raises(RemoteProtocolError, match="of one still picture"):
        codec_named(kind.lower()).decode(spec_of(), raw)


@pytest.mark.parametrize(
    "settings",
    [
        {"progressive": True}, {"subsampling": 0}, {"subsampling": 1}, {"optimize": True},
        {"restart_marker_rows": 1}, {"comment": b"x" * 5000}, {"dpi": (300, 300)},
        {"exif": Image.Exif()},
    ],
    ids=lambda settings: next(iter(settings)),
)  # fmt: skip
def test_files_of_cameras_are_decoded_as_the_library_does(
    settings: dict[str, Any], photo: NDArray[np.uint8]
) -> None:
    """However a JPEG was made: the same pixels as from the library itself."""
    raw = file_of(Image.fromarray(photo), "JPEG", quality=85, **settings)
    pixels = codec_named("jpeg").decode(spec_of(), raw)
    np.testing.assert_array_equal(pixels[0], np.asarray(Image.open(BytesIO(raw))))
    np.testing.assert_array_equal(pixels, codec_named("jpeg:3").decode(spec_of(), raw))


def test_of_a_file_of_several_views_the_first_counts(photo: NDArray[np.uint8]) -> None:
    """Telephones hang a second picture behind the first."""
    image = Image.fromarray(photo)
    raw = file_of(image, "MPO", save_all=True, append_images=[image.convert("L")])
    assert codec_named("jpeg").decode(spec_of(), raw).shape == (1, HEIGHT, WIDTH, 3)


def test_lossless_webp_is_decoded_too(photo: NDArray[np.uint8]) -> None:
    """A peer may choose it: the format is the same."""
    raw = file_of(Image.fromarray(photo), "WEBP", lossless=True)
    np.testing.assert_array_equal(codec_named("webp").decode(spec_of(), raw)[0], photo)
    noted = file_of(Image.fromarray(photo), "WEBP", quality=90, icc_profile=b"x" * 200)
    assert codec_named("webp").decode(spec_of(), noted).shape == (1, HEIGHT, WIDTH, 3)


def test_heads_that_promise_huge_pictures_are_refused_before_they_are_decoded(
    photo: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No memory is taken and nobody warned: the size in the head is compared before."""
    loaded: list[Any] = []
    monkeypatch.setattr(ImageFile.ImageFile, "load", loaded.append)
    image = Image.fromarray(photo)
    png = bytearray(file_of(image, "PNG"))
    png[16:24] = (30_000).to_bytes(4, "big") * 2
    webp = bytearray(file_of(image, "WEBP"))
    webp[26:30] = (16_383).to_bytes(2, "little") * 2
    jpeg = bytearray(file_of(image, "JPEG"))
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = (65_000).to_bytes(2, "big") * 2
    for name, raw in (("png", png), ("webp", webp), ("jpeg", jpeg)):
        with pytest.raises(RemoteProtocolError, match="'x'"):
            codec_named(name).decode(spec_of(), bytes(raw))
    assert not loaded


def test_a_file_of_thousands_of_scans_is_not_decoded(photo: NDArray[np.uint8]) -> None:
    """Each scan of a progressive JPEG costs a pass over the picture, at ten bytes apiece."""
    raw = file_of(Image.fromarray(photo), "JPEG", progressive=True)
    last = raw.rindex(b"\xff\xda")
    many = raw[:last] + raw[last:-2] * 100 + raw[-2:]
    with pytest.raises(RemoteProtocolError, match="no whole JPEG file"):
        codec_named("jpeg").decode(spec_of(), many)


def test_noise_grows_in_jpeg_and_stays_under_the_bound() -> None:
    """The worst picture at the best quality is larger than its pixels, and within the bound."""
    codec = codec_named("jpeg:100")
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 1), dtype=np.uint8)
    raw = b"".join(codec.blocks(noise))
    assert noise.nbytes < len(raw) <= codec.most_bytes(TensorSpec.of("x", noise))


def test_a_better_quality_takes_more_and_loses_less(photo: NDArray[np.uint8]) -> None:
    """The setting in the name reaches the library."""
    for kind in ("jpeg", "webp"):
        sizes, losses = [], []
        for quality in (10, 50, 90):
            codec = codec_named(f"{kind}:{quality}")
            raw = b"".join(codec.blocks(photo))
            decoded = codec.decode(TensorSpec.of("x", photo), raw)
            sizes.append(len(raw))
            losses.append(np.abs(decoded.astype(int) - photo).mean())
        assert sizes == sorted(sizes)
        assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize("name", ["png", "jpeg", "webp:50"])
def test_a_library_that_cannot_write_a_format_is_a_codec_error(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pillow may be built without one: what is not sent so is sent raw."""
    Image.init()
    monkeypatch.delitem(Image.SAVE, name.partition(":")[0].upper())
    with pytest.raises(CodecError, match="send it raw"):
        next(codec_named(name).blocks(np.zeros((4, 4, 3), np.uint8)))


@pytest.fixture
def _without_pillow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take the library away."""
    codec_named.cache_clear()
    for name in ("PIL", "PIL.Image"):
        monkeypatch.setitem(sys.modules, name, None)
    yield
    monkeypatch.undo()
    codec_named.cache_clear()


@pytest.mark.usefixtures("_without_pillow")
def test_without_the_library_its_codecs_say_what_to_install() -> None:
    """They are not among those available, and asking for one names the extra."""
    assert not {"png", "jpeg", "webp"} & set(available_codecs())
    for name in ("png", "jpeg", "webp:50"):
        with pytest.raises(CodecError, match=r"pip install 'cutpoint\[codecs\]'"):
            codec_named(name)
