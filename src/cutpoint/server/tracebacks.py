"""Errors that are kept: without what their frames hold."""


def forget_frames(error: BaseException | None) -> None:
    """Let go of what failed work held: frames keep their locals, and the error is kept."""
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
