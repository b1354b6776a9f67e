"""A value as the other side gets it."""

from typing import Any

from cutpoint.graph import Value
from cutpoint.wire.tensors import (
    TensorSpec,
    check_specs,
    spec_of,
    spec_of_value,
    to_array,
    to_bytes,
)


def carried(value: Value, array: Any) -> Any:
    """
    Write an array as a message does, and read it as its receiver does.

    Raises
    ------
    RemoteProtocolError
        If the receiver expects another type or shape.
    """
    sent = TensorSpec.of(value.name, array)
    received = spec_of(value.name, sent.datatype, array.shape)
    check_specs([spec_of_value(value)], [received], "cut")
    return to_array(received, bytes(to_bytes(array)))
