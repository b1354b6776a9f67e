"""What a trial run showed of values that shape inference knows too little of."""

from typing import NamedTuple

from cutpoint.graph.value import Kind


class Trial(NamedTuple):
    """
    One value as the runtime made it.

    Parameters
    ----------
    dtype
        NumPy's name of the element type; ``None`` for what is no tensor.
    kind
        What it is.
    size_bytes
        Bytes of the raw array; ``None`` where it was not made.
    """

    dtype: str | None
    kind: Kind
    size_bytes: int | None
