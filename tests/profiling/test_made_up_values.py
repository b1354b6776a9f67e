"""Values that codecs are timed on where no real ones are at hand."""

import numpy as np

from cutpoint.profiling.made_up_values import made_up_values, with_pictures


def test_they_are_the_same_every_time() -> None:
    """By the seed; another seed gives others."""
    for one, other in zip(made_up_values(), made_up_values(), strict=True):
        assert np.array_equal(one, other)
    assert not np.array_equal(next(made_up_values(seed=1)), next(made_up_values()))


def test_they_span_what_crosses_cuts() -> None:
    """Maps of 4 KiB to 1 MiB, dense to mostly zero, pictures and token ids."""
    arrays = list(made_up_values())
    maps = [array for array in arrays if array.dtype == np.float32]
    shares = [float(np.mean(array == 0)) for array in maps]
    assert min(array.nbytes for array in maps) == 4 << 10
    assert max(array.nbytes for array in maps) == 1 << 20
    assert min(shares) == 0.0
    assert max(shares) > 0.7
    assert any(0.4 < share < 0.6 for share in shares)
    assert all(np.isfinite(array).all() for array in maps)
    assert {array.shape[-1] for array in arrays if array.dtype == np.uint8} == {3}
    assert any(array.dtype == np.int64 for array in arrays)


def test_neighbours_in_a_map_are_alike() -> None:
    """As in a photograph; noise would take other times to compress."""
    large = max(made_up_values(), key=lambda array: array.nbytes)[0]
    assert np.abs(np.diff(large, axis=2)).mean() < 0.7 * large.std(axis=(1, 2)).mean()


def test_made_up_bytes_give_way_to_pictures() -> None:
    """What compresses as noise says nothing of photographs; other values stay as they are."""
    noise = np.random.default_rng(0).integers(0, 255, (1, 64, 64, 3), dtype=np.uint8)
    floats = np.zeros((1, 8), np.float32)
    (kept,) = with_pictures([floats])
    assert kept is floats
    first, *pictures = with_pictures([noise, floats])
    assert first is floats
    assert pictures
    for picture in pictures:
        assert picture.dtype == np.uint8
        assert (
            np.abs(np.diff(picture.astype(int), axis=2)).mean()
            < 40
            < np.abs(np.diff(noise.astype(int), axis=2)).mean()
        )
