"""The table of a net of the zoo that is fed pixels, for a device of a wanted speed."""

from pathlib import Path

from cutpoint.cost import CutTable
from cutpoint.cost.host_costs import fold
from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.execution.embed import embed
from cutpoint.execution.preprocessing import MEANS, STDS, Preprocessing
from cutpoint.execution.runtime import keep_freed_memory, quiet_options
from cutpoint.lab.zoo import write
from cutpoint.planning import compile_table, cuts_to_hold
from cutpoint.profiling.quick import time_segments

_REPEATS = 8


def pixel_net(name: str, folder: Path) -> Path:
    """Write a net of the zoo that takes the bytes of a picture and normalises them itself."""
    plain, pixels = write(name, folder / f"{name}.onnx"), folder / f"{name}-pixels.onnx"
    preprocessing = Preprocessing(mean=MEANS["imagenet"], std=STDS["imagenet"])
    embed(ModelFile.open(plain), preprocessing, pixels, overwrite=True)
    return pixels


def pixel_table(path: Path, device_s: float | None = None) -> CutTable:
    """
    Measure a net on this host, and give its rows for a slower device and this host as the server.

    Parameters
    ----------
    device_s
        What the whole net takes on the device: its factor is chosen so; as long as here by default.
    """
    graph = load_graph(ModelFile.open(path))
    cuts = cuts_to_hold(graph)
    segments = Segments(graph, cuts, options=quiet_options(1))
    profile = time_segments(segments, repeats=_REPEATS, malloc_kept=keep_freed_memory())
    costs = fold(graph, profile, cuts)
    factor = 1.0 if device_s is None else device_s / costs.whole_s
    return compile_table(graph, cuts, costs.times(factor), costs, keeps_dominated=True)
