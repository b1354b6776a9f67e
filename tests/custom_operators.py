"""A library of custom operators, and no more than that of the package it comes with."""

import os

_SETTING = "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"


def library_path() -> str:
    """
    Give the path of the library.

    The package sets protobuf to its slow implementation for every process that is started
    afterwards: servers of other tests would be none that anybody runs.
    """
    before = os.environ.get(_SETTING)
    from onnxruntime_extensions import get_library_path

    if before is None:
        os.environ.pop(_SETTING, None)
    else:
        os.environ[_SETTING] = before
    return str(get_library_path())
