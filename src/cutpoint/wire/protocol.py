"""The Open Inference Protocol's messages and stubs, and the words cutpoint adds in parameters.

The stubs are tritonclient's: a process can hold only one copy of the protocol's
descriptors, so nobody's second copy may be vendored beside them.
"""

from collections.abc import Mapping
from typing import Any

from tritonclient.grpc import model_config_pb2, service_pb2, service_pb2_grpc

from cutpoint.exceptions import RemoteProtocolError

messages = service_pb2
services = service_pb2_grpc
model_config = model_config_pb2

PROTOCOL_VERSION = 1
"""Raised when peers of an older version can no longer understand each other."""

CONFIG_PARAMETER = "cutpoint"
"""Under this key a ModelConfig tells what a cutpoint server holds; others have none."""

CROSSING = "crossing"
"""Parameter of RepositoryModelLoad: the values behind which a tail is wanted, one per line."""

KIND = "cutpoint_kind"
CHUNK, CANCEL, PROBE = "chunk", "cancel", "probe"
ACK, RESULT, ERROR, STARTED = "ack", "result", "error", "started"

PHASES = "phases"
"""With its first piece a device asks to be told when its request leaves the queue."""

RUNNING = "running"
"""With the acknowledgement of a request's last piece: whether it is computed already."""

CODEC = "codec"
"""Of a piece of a tensor that does not travel as it is: what made its bytes."""

Parameter = bool | int | float | str


def set_parameters(target: Any, parameters: Mapping[str, Parameter]) -> None:
    """Write parameters into a message's map."""
    for key, value in parameters.items():
        if isinstance(value, bool):
            target[key].bool_param = value
        elif isinstance(value, int):
            target[key].int64_param = value
        elif isinstance(value, float):
            target[key].double_param = value
        else:
            target[key].string_param = value


def get_parameters(source: Mapping[str, Any]) -> dict[str, Parameter]:
    """Read a message's parameters."""
    return {
        key: getattr(value, choice)
        for key, value in source.items()
        if (choice := value.WhichOneof("parameter_choice")) is not None
    }


def number(parameters: Mapping[str, Parameter], key: str, default: float = 0.0) -> float:
    """
    Give a parameter that must be a finite number.

    Raises
    ------
    RemoteProtocolError
        If it is something else.
    """
    value = parameters.get(key, default)
    if isinstance(value, str) or value != value or value in (float("inf"), float("-inf")):
        raise RemoteProtocolError(f"parameter {key!r} is {value!r}, expected a number")
    return float(value)
