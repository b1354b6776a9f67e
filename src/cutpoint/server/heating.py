"""Loading a cold model again."""

import logging

from cutpoint.exceptions import CutpointError
from cutpoint.execution.runtime import return_freed_memory
from cutpoint.server.served_model import ServedModel

_log = logging.getLogger(__name__)


def heat(model: ServedModel) -> None:
    """Load a cold model again; what goes wrong is logged, and the next request tries again."""
    try:
        model.heat()
    except CutpointError as error:
        _log.warning("model %s stays cold: %s", model.name, error)
    except Exception as error:  # of memory, of the runtime
        _log.warning("model %s stays cold: %r", model.name, error)
    finally:
        return_freed_memory()
