"""PyTorch's two exporters, told the same about an architecture."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tests.exporters.architecture import Architecture, Feed
from tests.exporters.nets import branching


def dynamo(net: Architecture, path: Path, **options: Any) -> None:
    """Export what ``torch.export`` captures."""
    shapes = {name: dict(net.dynamic.get(name, {})) for name in net.sample(0)}
    chosen = {"external_data": False, "dynamic_shapes": shapes if net.dynamic else None, **options}
    _export(net, path, dynamo=True, verbose=False, **chosen)


def torchscript(net: Architecture, path: Path, **options: Any) -> None:
    """Export a trace."""
    if isinstance(net.net, branching.Branching):
        branching.scripted(net.net)
    axes = {name: dict(axes) for name, axes in net.dynamic.items()}
    _export(net, path, dynamo=False, dynamic_axes=axes, **options)


def answer(net: Architecture, feed: Feed) -> dict[str, np.ndarray]:
    """Give PyTorch's own answer."""
    with torch.no_grad():
        made = net.net(**{name: torch.from_numpy(array) for name, array in feed.items()})
    made = made if isinstance(made, tuple) else (made,)
    return {name: tensor.numpy() for name, tensor in zip(net.outputs, made, strict=True)}


def _export(net: Architecture, path: Path, **options: Any) -> None:
    feed = {name: torch.from_numpy(array) for name, array in net.sample(0).items()}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporters, about themselves
        torch.onnx.export(
            net.net,
            (),
            str(path),
            kwargs=feed,
            input_names=list(feed),
            output_names=list(net.outputs),
            **options,
        )
