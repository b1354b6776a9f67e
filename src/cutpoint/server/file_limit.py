"""How many files, connections among them, this process may have open."""

import logging
import sys

_log = logging.getLogger(__name__)

_OTHERS = 512
"""Files that are no connections: models, threads' pipes, the log."""


def allow_files(num_connections: int) -> None:
    """Raise the limit of open files, where the system allows it, to so many connections."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = num_connections + _OTHERS
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    except (ValueError, OSError):  # more than the system has, though it names no limit
        allowed = soft
    if allowed < wanted:
        _log.warning(
            "%d files may be open, too few for %d connections: raise the limit (ulimit -n) or "
            "lower --max-connections",
            allowed,
            num_connections,
        )
