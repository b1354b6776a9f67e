"""The first run of a model: where inputs that do not suit it show."""

from collections.abc import Iterator
from contextlib import contextmanager

from cutpoint.exceptions import FeedError
from cutpoint.graph import Arrays

_RUNTIME = "onnxruntime"


@contextmanager
def first_run(feed: Arrays | None) -> Iterator[None]:
    """
    Say of what ONNX Runtime refuses while the block runs that it is about the inputs.

    Parameters
    ----------
    feed
        Inputs that were given; ``None`` if they are made up.

    Raises
    ------
    FeedError
        If the model does not run on them; names the option that gives others.
    """
    try:
        yield
    except Exception as error:
        refusal = error.__cause__ if isinstance(error, FeedError) else error
        # A class per status, none of them public; anything else is none of the inputs' doing.
        if type(refusal).__module__.partition(".")[0] != _RUNTIME:
            raise
        if feed is not None:
            raise FeedError(f"the model does not run on the inputs given: {refusal}") from error
        raise FeedError(
            f"the model does not run on made-up inputs: give --input FILE.npz ({refusal})"
        ) from error
