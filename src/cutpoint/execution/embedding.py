"""What goes in front of a model: preprocessing, of which pictures, to which input."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import ModelError
from cutpoint.execution.picture_input import PictureInput
from cutpoint.execution.preprocessing import Layout, Preprocessing

_SPACINGS = {"float32": 2.0**-22, "float64": 2.0**-22, "float16": 2.0**-10, "bfloat16": 2.0**-7}
"""What two roundings of a number may differ by, as a share of it."""

_RESIZED_LEVELS = {"linear": 1.0, "linear-antialias": 2.0, "cubic-antialias": 3.0}
"""What libraries differ by in a resized picture's bytes: where they round, and how often."""

_LEAST_LEVELS = 1e-3


class Embedding(NamedTuple):
    """
    What was put in front of a model.

    Parameters
    ----------
    preprocessing
        What pictures go through.
    picture
        Name of the input that takes them.
    layout
        Of the pictures.
    target
        The input that is made of them.
    """

    preprocessing: Preprocessing
    picture: str
    layout: Layout
    target: PictureInput

    def made_of(self, pictures: NDArray[np.uint8]) -> NDArray[Any]:
        """Give what NumPy makes of pictures, as the model takes it."""
        return self._exactly(pictures).astype(np.dtype(self.target.dtype))

    def levels_between(self, pictures: NDArray[np.uint8], made: NDArray[Any]) -> float:
        """
        Give how far what a graph made of pictures is from what NumPy makes, in levels of 0 to 255.

        Raises
        ------
        ModelError
            If that is more than rounding can be.
        """
        exact = self._exactly(pictures)
        if made.shape != exact.shape:
            raise ModelError(
                f"preprocessing in the graph gives {made.shape} for {pictures.shape}, in NumPy "
                f"{exact.shape}: do not use it"
            )
        difference = self._levels(made.astype(np.float64) - exact)
        levels, most = difference.max(initial=0), self._most_levels(exact)
        if not levels <= most:
            raise ModelError(
                f"preprocessing in the graph is {levels:.3g} levels of 255 off what it is in "
                f"NumPy, more than {most:.2g}: this ONNX Runtime computes something else"
            )
        return float(levels)

    def _exactly(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        return self.preprocessing.applied(
            pictures, layout=self.layout, model_layout=self.target.layout
        )

    def _levels(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give numbers as they are after preprocessing in levels of the pixels before."""
        factor, _ = self.preprocessing.factors(self.target.num_channels)
        sizes = [-1 if axis == "c" else 1 for axis in self.target.layout]
        return np.asarray(np.abs(numbers / factor.reshape(sizes)))

    def _most_levels(self, exact: NDArray[np.float64]) -> float:
        own = self.preprocessing
        resized = 0.0 if own.size is None else _RESIZED_LEVELS[own.resize_mode]
        spacing = self._levels(exact).max(initial=0) * _SPACINGS[self.target.dtype]
        return float(_LEAST_LEVELS + spacing + resized)
