"""The model a command is about: its file, what binds its inputs, and whether it is trusted."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cutpoint.cli.input_file import read_inputs
from cutpoint.cli.sizes import parse_sizes
from cutpoint.exceptions import UnknownShapeError, UnsafeModelError
from cutpoint.execution import ModelFile, load_graph, vet
from cutpoint.execution.open_dimensions import open_dimensions, unranked_inputs
from cutpoint.execution.runtime import quiet_options
from cutpoint.graph import Arrays, Graph, Sizes
from cutpoint.graph.dimensions import own_sizes


@dataclass(frozen=True)
class ChosenModel:
    """
    A model file as a command line names it.

    Parameters
    ----------
    file
        The model.
    sizes
        Of open dimensions, by name.
    feed
        Inputs to run it on; ``None`` for made-up ones.
    vetted
        Digest of what was vetted; ``None`` if it is trusted.
    custom_ops
        Libraries of custom operators it needs.
    """

    file: ModelFile
    sizes: Sizes
    feed: Arrays | None = None
    vetted: str | None = None
    custom_ops: tuple[str, ...] = ()

    def options(self) -> Any:
        """Give fresh session options that know the custom operators; ``None`` if there are none."""
        return quiet_options(None, self.custom_ops) if self.custom_ops else None

    def load(self) -> Graph:
        """
        Load the model, every open dimension bound.

        Raises
        ------
        ModelError
            If it cannot be loaded, or is another one than was vetted.
        UnknownShapeError
            If nothing binds a dimension; names it and the option.
        FeedError
            If the inputs do not suit it.
        """
        self.check_bound()
        graph = load_graph(self.file, sizes=self.sizes, feed=self.feed, options=self.options())
        self.check_vetted(graph.sha256)
        return graph

    def check_bound(self) -> None:
        """
        Refuse a model whose inputs' sizes are not all told, before it is loaded.

        Raises
        ------
        UnknownShapeError
            Naming the first dimension that is open.
        """
        if self.feed is not None:
            return
        for dimension in open_dimensions(self.file):
            if dimension.name not in self.sizes:
                raise UnknownShapeError(
                    f"input {dimension.input!r}: dimension {dimension.position} "
                    f"({dimension.name}) is not bound: give --size {dimension.name}=N, "
                    "or --input FILE.npz"
                )

    def check_vetted(self, sha256: str) -> None:
        """
        Refuse what is not the file that was vetted.

        Raises
        ------
        UnsafeModelError
            If it has another digest.
        """
        if self.vetted not in (None, sha256):
            raise UnsafeModelError(
                f"{self.file.name!r} changed after it was vetted: start again, with a file that "
                "nobody writes to"
            )


def chosen_model(
    path: Path,
    sizes: Iterable[str] | None,
    inputs: Path | None = None,
    custom_ops: Iterable[Path] | None = None,
    *,
    is_untrusted: bool,
) -> ChosenModel:
    """
    Understand what a command line says of a model; vet it if it is not trusted.

    Parameters
    ----------
    sizes
        As they are written.
    inputs
        File with an array per input.
    custom_ops
        Libraries of custom operators.

    Raises
    ------
    UnitError, FeedError
        If sizes or inputs are none.
    ModelError
        If there is no such file, or it is refused.
    """
    bound = parse_sizes(sizes or ())
    feed = None if inputs is None else read_inputs(inputs)
    file = ModelFile.open(path)
    vetted = vet(file, sizes=bound) if is_untrusted else None
    libraries = tuple(str(library) for library in custom_ops or ())
    return ChosenModel(file, bound, feed, vetted, libraries)


def chosen_models(
    paths: Iterable[Path], sizes: Iterable[str] | None, *, is_untrusted: bool
) -> list[ChosenModel]:
    """
    Understand what a command line says of several models, each with its own share of sizes.

    Parameters
    ----------
    sizes
        As they are written; each of some model's dimension.

    Raises
    ------
    UnitError
        If sizes are none.
    UnknownShapeError
        If one is of no model's dimension, or a dimension has none.
    ModelError
        If there is no such file, or it is refused.
    """
    bound = parse_sizes(sizes or ())
    chosen, unknown = [], dict(bound)
    for path in paths:
        file = ModelFile.open(path)
        vetted = _vetted(file, bound) if is_untrusted else None
        own = dict(own_sizes(bound, open_dimensions(file), unranked_inputs(file)))
        unknown = {name: size for name, size in unknown.items() if name not in own}
        chosen.append(ChosenModel(file, own, vetted=vetted))
    if unknown:
        raise UnknownShapeError(f"--size: no model served has an open dimension {list(unknown)}")
    for each in chosen:
        each.check_bound()
    return chosen


def _vetted(file: ModelFile, sizes: Sizes) -> str:
    """Vet one of several models; sizes of the others' dimensions it cannot take."""
    try:
        return vet(file, sizes=sizes)
    except UnknownShapeError:
        return vet(file)
