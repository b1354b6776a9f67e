"""Natural pictures."""

import numpy as np
import pytest

from cutpoint.lab.photos import encoded_photo, mean_photo_bytes, normalised, photos


def test_a_picture_depends_on_the_seed_and_its_number_only() -> None:
    """Asking for more leaves the first ones as they were; another seed gives others."""
    few, many = photos(2, 40, 50), photos(5, 40, 50)
    assert np.array_equal(few, many[:2])
    assert not np.array_equal(few, photos(2, 40, 50, seed=1))
    assert len({picture.tobytes() for picture in many}) == 5


@pytest.mark.parametrize(("height", "width"), [(224, 224), (500, 700), (31, 7), (1, 1)])
def test_pictures_have_the_size_asked_for(height: int, width: int) -> None:
    """Of any shape, larger than the photographs too."""
    pictures = photos(2, height, width)
    assert pictures.shape == (2, height, width, 3)
    assert pictures.dtype == np.uint8


def test_pictures_are_natural() -> None:
    """They use most of the range of a pixel, and neighbours are alike: noise would not be."""
    for picture in photos(4, 128, 128).astype(np.float64):
        assert np.ptp(picture) > 150
        assert np.abs(np.diff(picture, axis=1)).mean() < 0.5 * picture.std()


def test_normalised_pictures_are_pixels_again_when_undone() -> None:
    """Channels first, float32, by ImageNet's mean and deviation; nothing is lost but rounding."""
    pictures = photos(2, 16, 24)
    feed = normalised(pictures)
    assert feed.shape == (2, 3, 16, 24)
    assert feed.dtype == np.float32
    assert feed.flags.c_contiguous
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    pixels = (feed.transpose(0, 2, 3, 1) * std + mean) * 255
    assert np.abs(pixels - pictures).max() < 1e-3


def test_files_of_pictures_shrink_as_files_of_photographs_do() -> None:
    """JPEG below PNG below pixels, and less quality is fewer bytes."""
    pictures = photos(2, 224, 224)
    jpeg, worse = (mean_photo_bytes(pictures, "jpeg", quality=quality) for quality in (90, 50))
    png, webp = mean_photo_bytes(pictures, "png"), mean_photo_bytes(pictures, "webp", quality=90)
    assert worse < jpeg < png < 224 * 224 * 3
    assert webp < png
    assert encoded_photo(pictures[0], "png").startswith(b"\x89PNG")
