"""The model a command is about: its file, what binds its inputs, and whether it is trusted."""

import weakref
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cutpoint.cli.input_file import read_inputs
from cutpoint.cli.sizes import parse_sizes
from cutpoint.exceptions import UnknownShapeError
from cutpoint.execution import ModelFile, load_graph, vetted_copy
from cutpoint.execution.open_dimensions import open_dimensions, unranked_inputs
from cutpoint.execution.runtime import quiet_options
from cutpoint.graph import Arrays, Graph, Sizes
from cutpoint.graph.dimensions import check_sizes, own_sizes


@dataclass(frozen=True)
class ChosenModel:
    """
    A model file as a command line names it.

    Parameters
    ----------
    file
        The model. If it is not trusted, the private copy that was vetted, which is there as
        long as this is.
    sizes
        Of open dimensions, by name.
    feed
        Inputs to run it on; ``None`` for made-up ones.
    custom_ops
        Libraries of custom operators it needs.
    kept
        What the private copy goes away with.
    """

    file: ModelFile
    sizes: Sizes
    feed: Arrays | None = None
    custom_ops: tuple[str, ...] = ()
    kept: "_Kept | None" = None

    def options(self) -> Any:
        """Give fresh session options that know the custom operators; ``None`` if there are none."""
        return quiet_options(None, self.custom_ops) if self.custom_ops else None

    def load(self) -> Graph:
        """
        Load the model, every open dimension bound.

        Raises
        ------
        ModelError
            If it cannot be loaded.
        UnknownShapeError
            If nothing binds a dimension; names it and the option.
        FeedError
            If the inputs do not suit it.
        """
        self.check_bound()
        return load_graph(self.file, sizes=self.sizes, feed=self.feed, options=self.options())

    def check_bound(self) -> None:
        """
        Refuse a model whose inputs' sizes are not all told, before it is loaded.

        Raises
        ------
        UnknownShapeError
            Naming the first dimension that is open, or what is none.
        """
        dimensions = open_dimensions(self.file)
        check_sizes(self.sizes, dimensions, unranked_inputs(self.file))
        if self.feed is not None:
            return
        for dimension in dimensions:
            if dimension.name not in self.sizes:
                raise UnknownShapeError(
                    f"input {dimension.input!r}: dimension {dimension.position} "
                    f"({dimension.name}) is not bound: give --size {dimension.name}=N, "
                    "or --input FILE.npz"
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
    libraries = tuple(str(library) for library in custom_ops or ())
    file = ModelFile.open(path)
    file, kept = _vetted(file, bound) if is_untrusted else (file, None)
    return ChosenModel(file, bound, feed, libraries, kept)


def chosen_models(
    paths: Iterable[Path],
    sizes: Iterable[str] | None,
    feed: Arrays | None = None,
    *,
    is_untrusted: bool,
    are_all: bool = True,
) -> list[ChosenModel]:
    """
    Understand what a command line says of several models, each with its own share of sizes.

    Parameters
    ----------
    sizes
        As they are written; each of some model's dimension.
    feed
        Inputs to run the model on, where it is one.
    are_all
        Whether sizes may be of no other models.

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
        file, kept = _vetted_among_others(file, bound) if is_untrusted else (file, None)
        own = dict(own_sizes(bound, open_dimensions(file), unranked_inputs(file)))
        unknown = {name: size for name, size in unknown.items() if name not in own}
        chosen.append(ChosenModel(file, own, feed, kept=kept))
    if unknown and are_all:
        raise UnknownShapeError(f"--size: no model served has an open dimension {list(unknown)}")
    for each in chosen:
        each.check_bound()
    return chosen


class _Kept:
    """Keeps private copies for as long as anybody refers to this."""

    def __init__(self, copies: ExitStack) -> None:
        weakref.finalize(self, copies.close)


def _vetted(file: ModelFile, sizes: Sizes) -> tuple[ModelFile, _Kept]:
    """Give the copy that was vetted, and what it goes away with."""
    with ExitStack() as copies:
        copy = copies.enter_context(vetted_copy(file, sizes=sizes))
        return copy, _Kept(copies.pop_all())


def _vetted_among_others(file: ModelFile, sizes: Sizes) -> tuple[ModelFile, _Kept]:
    """Vet one of several models; sizes of the others' dimensions it cannot take."""
    try:
        return _vetted(file, sizes)
    except UnknownShapeError:
        return _vetted(file, {})
