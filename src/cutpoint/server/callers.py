"""Who makes the call that is being served: by certificate, token and address."""

import re
from contextvars import ContextVar
from typing import Any

_PORT = re.compile(r":\d+$")

_caller: ContextVar[str] = ContextVar("caller", default="")


def caller() -> str:
    """Give who makes the call that this task serves; empty outside of one."""
    return _caller.get()


def note_caller(context: Any, token: int) -> None:
    """
    Note who makes the call that this task serves, for all that is done for it.

    Parameters
    ----------
    context
        Of the call.
    token
        Place of the token it showed in the server's file.
    """
    subject = b"".join(context.auth_context().get("x509_common_name", ()))
    address = _PORT.sub("", context.peer())
    _caller.set(f"{subject.decode('latin-1')}|{token}|{address}")
