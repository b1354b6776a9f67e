"""Types that only a run shows: of values behind operators that ONNX's inference does not know."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import onnx

from cutpoint.exceptions import ModelError
from cutpoint.execution.original import Original
from cutpoint.execution.plain_session import PlainSession
from cutpoint.execution.whole_run import whole_run
from cutpoint.graph import Sizes
from cutpoint.graph.element_types import onnx_type


def seen_types(
    original: Original,
    names: Iterable[str],
    *,
    sizes: Sizes | None = None,
    feed: Mapping[str, Any] | None = None,
    options: Any = None,
) -> dict[str, onnx.ValueInfoProto]:
    """
    Run the model once with some values as further outputs, and describe what came.

    Parameters
    ----------
    names
        The values.
    sizes, feed
        As for `whole_run`.
    options
        Session options with whatever custom operators the model needs.

    Returns
    -------
    dict
        By name, of the values that came as tensors: element type and number of dimensions;
        their sizes may be others in the next run.

    Raises
    ------
    ModelError
        If ONNX Runtime cannot load the model.
    FeedError
        If it does not run on the inputs, given or made up.
    """
    wanted = tuple(names)
    source = _with_outputs(original, wanted)
    folder = None if original.folder is None else str(original.folder)
    try:
        session = PlainSession(source, options, folder)
    except Exception as error:  # ONNX Runtime raises a class per status, none of them public
        raise ModelError(
            f"what {list(wanted)} of {original.file.name!r} are, only a run shows, and ONNX "
            f"Runtime cannot load the model: {error}"
        ) from error
    seen = whole_run(session, original.graph, feed=feed, sizes=sizes).outputs
    return {
        name: onnx.helper.make_tensor_value_info(
            name, onnx_type(str(seen[name].dtype)), [None] * seen[name].ndim
        )
        for name in wanted
        if isinstance(seen[name], np.ndarray)
    }


def _with_outputs(original: Original, names: Iterable[str]) -> bytes:
    """Give the whole model, its weights in it: those left in its file need not be aligned."""
    source = original.file.source
    if isinstance(source, bytes):
        model = onnx.ModelProto.FromString(source)
    else:
        model = onnx.load_model(source, format="protobuf", load_external_data=False)
    own = {output.name for output in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in own)
    return model.SerializeToString()
