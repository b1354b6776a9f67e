"""What crosses the cuts that hosts hold, of nets of the zoo that look at natural pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.execution.runtime import quiet_options
from cutpoint.graph import SERVER_ONLY, Arrays, Cut, Segment, server_only
from cutpoint.lab.photos import normalised, photos
from cutpoint.lab.zoo import ZOO, write
from cutpoint.planning import cuts_to_hold

Kind = Literal["rectified", "linear", "input", "pixels"]
"""Values of a net without a negative element, as behind a Relu, and all others; the net's input as
float32, and as the uint8 it was."""

PIXELS = "pixels"
"""Name of the picture itself, as a value."""


@dataclass(frozen=True)
class HeldValue:
    """
    One value, as it is for several pictures.

    Parameters
    ----------
    name
        In the net; ``pixels`` for the picture itself.
    kind
        Which sort of value it is.
    arrays
        One per picture.
    """

    name: str
    kind: Kind
    arrays: tuple[NDArray[np.generic], ...]

    @property
    def raw_bytes(self) -> int:
        """Of one array."""
        return int(self.arrays[0].nbytes)

    @property
    def zero_share(self) -> float:
        """Share of elements that are zero."""
        return float(np.mean([np.mean(array == 0) for array in self.arrays]))


class HeldNet:
    """
    A net of the zoo in segments, on one thread, and pictures that it looks at.

    Parameters
    ----------
    model
        A net of the zoo.
    folder
        Where its file goes.
    num_pictures
        Crops of photographs.
    seed
        Of the crops.

    Attributes
    ----------
    path, graph
        The net.
    values
        Pixels, input, and what crosses every cut that a host would hold, the shallowest first.
    """

    def __init__(self, model: str, folder: Path, num_pictures: int, seed: int = 0) -> None:
        self.path = write(model, folder / f"{model}.onnx")
        self.graph = load_graph(ModelFile.open(self.path))
        self._segments = Segments(self.graph, cuts_to_hold(self.graph), options=quiet_options(1))
        (self._input,) = self.graph.inputs
        _, height, width = ZOO[model].image
        pictures = photos(num_pictures, height, width, seed)
        self._feeds = [{self._input: each[None]} for each in normalised(pictures)]
        self.values = (
            HeldValue(PIXELS, "pixels", tuple(each[None] for each in pictures)),
            HeldValue(self._input, "input", tuple(feed[self._input] for feed in self._feeds)),
            *self._crossing(),
        )

    def __repr__(self) -> str:
        return f"<HeldNet {self.graph.name}: {len(self.values)} values>"

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """Those that a host would hold, server-only among them."""
        return (server_only(self.graph), *self._segments.cuts)

    def crossing(self, cut: Cut, picture: int) -> Arrays:
        """
        Give what crosses a cut as it is there in an inference: just made.

        The head runs before. Before an input nothing does: there the whole net runs first, as it
        may have for the picture before.
        """
        if cut.id == SERVER_ONLY:
            self._run(self._segments.segments, picture)
            by_name = {value.name: value.arrays[picture] for value in self.values[:2]}
            return {name: by_name[name].copy() for name in cut.crossing}
        made = self._run(self._segments.head_of(cut), picture)
        return {name: made[name] for name in cut.crossing}

    def _run(self, segments: Sequence[Segment], picture: int) -> Arrays:
        return self._segments.run(segments, self._feeds[picture]).values

    def _crossing(self) -> list[HeldValue]:
        names = dict.fromkeys(name for cut in self._segments.cuts for name in cut.crossing)
        found: dict[str, list[NDArray[np.generic]]] = {name: [] for name in names}
        for picture in range(len(self._feeds)):
            made = self._run(self._segments.segments, picture)
            for name, arrays in found.items():
                arrays.append(made[name])
        return [HeldValue(name, _kind(arrays), tuple(arrays)) for name, arrays in found.items()]


def _kind(arrays: Sequence[NDArray[np.generic]]) -> Kind:
    return "rectified" if all(np.min(array) >= 0 for array in arrays) else "linear"
