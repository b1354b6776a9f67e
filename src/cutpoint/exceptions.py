"""Every error cutpoint raises, split by what the caller can do about it.

::

    CutpointError
    ├── UnitError                  a quantity without a number or unit
    ├── MissingDependencyError     install what the message names
    ├── ConfigurationError         an option, variable or key that is none, or none that fits
    ├── ModelError                 the ONNX file cannot be used as it is
    │   ├── UnknownShapeError          bind the dimension it names
    │   ├── NoRoomError                more memory, or fewer models
    │   ├── UnsafeModelError           the file breaks a limit or reaches outside its folder
    │   └── InvalidCutError            cut at one of the values it lists
    ├── CostError                  costs, conditions or limits no planner can add up
    ├── PlannerError               no planner, objective or power profile of that name
    ├── ExperimentError            no experiment, or no report, that can be used so
    ├── CodecError                 a codec that is none, or cannot carry this
    ├── ToleranceError             a tolerance that is none, or cannot judge these outputs
    ├── FeedError                  the inputs of this call are not the model's
    ├── TraceError                 a recording of a link that is none
    ├── ProfileError               measurements missing, corrupt or of something else
    │   ├── ProfileMismatchError       measure again, here, this model
    │   └── SensorError                no joules are told: what measured them cannot be read
    ├── TransportError             the other side was not reached (try again, or finish here)
    │   ├── ConnectError
    │   │   └── TlsError                   give the certificates that the message names
    │   ├── ConnectionLostError
    │   └── DeadlineExceededError
    ├── RemoteError                the other side answered: no
    │   ├── OverloadedError            try later; carries ``retry_after_s``
    │   │   └── NotReadyError              the model is being loaded, or the server ends
    │   ├── RefusedError               show a token or certificate that the server lets in
    │   ├── ModelMismatchError         both sides must hold the same file
    │   └── RemoteExecutionError
    └── ProtocolError              what was said is not the protocol
        ├── LocalProtocolError         our bug
        └── RemoteProtocolError        theirs, or another version

Every message says what, where by name, and what to do. Domain errors know no
transport: `cutpoint.wire.errors` alone maps them to gRPC's status codes.
"""


class CutpointError(Exception):
    """Root of every error cutpoint raises."""


class UnitError(CutpointError, ValueError):
    """A quantity was written without a number or without a unit."""


class MissingDependencyError(CutpointError, ImportError):
    """A package that this call needs is not installed."""


class ConfigurationError(CutpointError, ValueError):
    """A setting is unknown, is none, or contradicts another; names it and where it was made."""


class ModelError(CutpointError, ValueError):
    """The ONNX file cannot be used as it is."""


class UnknownShapeError(ModelError):
    """A value has a dimension that nothing binds; names the value and the dimension."""


class NoRoomError(ModelError):
    """
    The memory that models may take has no room for this one now.

    Parameters
    ----------
    message
        What, where and what to do.
    size_bytes
        Of the weights there is no room for.
    """

    def __init__(self, message: str, size_bytes: int = 0) -> None:
        super().__init__(message)
        self.size_bytes = size_bytes


class UnsafeModelError(ModelError):
    """The file breaks a limit or reaches outside its folder."""


class InvalidCutError(ModelError):
    """The cut is not predecessor-closed, or names a value the model has not."""


class CostError(CutpointError, ValueError):
    """A cost, a condition or a limit is not one: negative, NaN, cyclic, empty, of another model."""


class PlannerError(CutpointError, ValueError):
    """There is no planner, objective or power profile of this name, or it is none."""


class ExperimentError(CutpointError, ValueError):
    """There is no such experiment, it takes no such choice, or its report cannot be read."""


class FeedError(CutpointError, ValueError):
    """An input of a run is missing, unknown, or of another type or shape."""


class CodecError(CutpointError, ValueError):
    """A codec that is none, is not installed, or cannot carry what it was given."""


class ToleranceError(CutpointError, ValueError):
    """A tolerance is none, fails on equal outputs, or nothing was calibrated for it."""


class TraceError(CutpointError, ValueError):
    """A recording of a link cannot be read; names its file and line."""


class ProfileError(CutpointError):
    """Measurements are missing or their file cannot be read."""


class ProfileMismatchError(ProfileError):
    """The measurements are of another model, host or runtime."""


class SensorError(ProfileError):
    """A sensor of this machine cannot be read, or gives no figure; names its file."""


class TransportError(CutpointError):
    """The other side was not reached; trying again, or finishing here, may work."""


class ConnectError(TransportError):
    """No connection to the server."""


class TlsError(ConnectError):
    """Two sides do not agree on certificates, or whether to encrypt; trying again does not help."""


class ConnectionLostError(TransportError):
    """The connection ended before the answer came."""


class DeadlineExceededError(TransportError):
    """The answer did not come in time."""


class RemoteError(CutpointError):
    """The other side answered: no."""


class OverloadedError(RemoteError):
    """
    The server's queue is full.

    Parameters
    ----------
    message
        What, where and what to do.
    retry_after_s
        When the server expects to have room, in seconds from now.
    """

    def __init__(self, message: str, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RefusedError(RemoteError):
    """The server does not let this client in."""


class NotReadyError(OverloadedError):
    """The server knows the model and cannot run it now: it is being loaded, or the server ends."""


class ModelMismatchError(RemoteError):
    """The server holds another file than this device."""


class RemoteExecutionError(RemoteError):
    """The server could not compute the answer."""


class ProtocolError(CutpointError):
    """What was said is not the protocol."""


class LocalProtocolError(ProtocolError):
    """Our side broke the protocol: a bug of ours."""


class RemoteProtocolError(ProtocolError):
    """The other side broke the protocol, or speaks another one."""
