"""Which elements of an array share steps where each channel has its own."""

from collections.abc import Iterator
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cutpoint.graph.element_types import Shape
from cutpoint.wire.codecs.elements import BLOCK, blocks_of

_FEWEST = 16
"""Elements of a channel: with fewer of them its steps would take more than they save."""

Tile = tuple[slice, slice]
"""Rows and columns of a matrix that are worked on together."""


class Channels(NamedTuple):
    """
    An array as a matrix, in row order, whose rows or columns are channels.

    Parameters
    ----------
    num_rows
        Of the matrix.
    num_columns
        Of the matrix.
    axis
        Along which the elements of one channel lie: 1 if rows are channels, 0 if columns are.
    """

    num_rows: int
    num_columns: int
    axis: int

    @property
    def num(self) -> int:
        """How many there are."""
        return self.num_rows if self.axis else self.num_columns

    def matrix(self, array: NDArray[Any]) -> NDArray[Any]:
        """Give an array's elements as the matrix."""
        return array.reshape(self.num_rows, self.num_columns)

    @property
    def tile_size(self) -> int:
        """Elements of the largest tile."""
        return min(BLOCK, self.num_rows * self.num_columns)

    def tiles(self) -> Iterator[Tile]:
        """Yield parts of the matrix that fit a cache, in the order of their memory."""
        if self.num_columns > BLOCK:
            for row in range(self.num_rows):
                for columns in blocks_of(self.num_columns):
                    yield slice(row, row + 1), columns
        else:
            for rows in blocks_of(self.num_rows, BLOCK // max(self.num_columns, 1)):
                yield rows, slice(0, self.num_columns)

    def at(self, tile: Tile, of_each: NDArray[np.generic]) -> NDArray[np.generic]:
        """Give what a tile is combined with, of something that each channel has one of."""
        rows, columns = tile
        return of_each[rows, np.newaxis] if self.axis else of_each[columns]


@lru_cache(maxsize=256)
def channels_of(shape: Shape) -> Channels:
    """
    Divide an array of this shape.

    Images (batch, channel, height, width) have a channel for each of the first two together,
    sequences (batch, place, feature) one for each feature; what has fewer dimensions, or few
    elements in each channel, is one channel.
    """
    size = prod(shape)
    if len(shape) >= 4 and size >= _FEWEST * shape[0] * shape[1] > 0:
        return Channels(shape[0] * shape[1], prod(shape[2:]), 1)
    if len(shape) == 3 and size >= _FEWEST * shape[2] > 0:
        return Channels(shape[0] * shape[1], shape[2], 0)
    return Channels(1, size, 1)
