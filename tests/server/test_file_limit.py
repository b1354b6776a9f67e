"""Open files: as many as connections need, no fewer than there were."""

import subprocess
import sys

import pytest

CODE = """
import logging, resource
from cutpoint.server.file_limit import allow_files
logging.basicConfig(format="%(message)s")
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
allow_files({wanted})
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "allowed", "is_told"),
    [
        (256, 8000, 1000, 1512, False),
        (4000, 8000, 1000, 4000, False),
        (256, 1024, 1000, 1024, True),
    ],
)
def test_the_limit_is_raised_as_far_as_it_may(
    soft: int, hard: int, wanted: int, allowed: int, is_told: bool
) -> None:
    """What the system does not allow is told; what is enough is left as it is."""
    code = CODE.format(soft=soft, hard=hard, wanted=wanted)
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout.split() == [str(allowed), str(hard)]
    assert ("ulimit -n" in ended.stderr) is is_told
