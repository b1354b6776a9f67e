"""What a server learns from an inference that kept to its prediction, or did not."""

from types import SimpleNamespace
from unittest.mock import Mock, call

import pytest

from cutpoint.client.pace_lesson import teach_pace
from cutpoint.records import Parts

PREDICTED = Parts(head_s=9.0, upload_s=0.2, wait_s=0.1, tail_s=0.4, download_s=0.1)


def record(placement: str):
    """Give what is read of a record: a server taken to be twice as slow as when idle."""
    return SimpleNamespace(
        placement=placement,
        measured=Parts(head_s=7.0, upload_s=0.3, wait_s=0.0, tail_s=0.5, download_s=0.2),
        predicted=PREDICTED,
        received_bytes=70,
        at_s=5.0,
        conditions=SimpleNamespace(load=SimpleNamespace(slowdown=2.0)),
    )


def test_an_answer_tells_its_pace_behind_the_head() -> None:
    """What the device did before is no matter of the server's."""
    server = Mock()
    teach_pace(server, record("split"), Mock(), rest_s=3.0, at_s=6.0)
    assert server.mock_calls == [
        call.returned(0.2, 70),
        call.paced(6.0, pytest.approx(1.0), pytest.approx(0.8), 3.0),
    ]


@pytest.mark.parametrize(
    ("phase", "upload_s", "since_s"),
    [("upload", None, None), ("compute", None, 1.0), ("compute", 0.1, 1.0), ("compute", 0.9, 0.3)],
)
def test_one_that_was_given_up_tells_how_long_was_waited(
    phase: str, upload_s: float | None, since_s: float | None
) -> None:
    """While it computed, that bounds its slow-down: from the end of the upload, by idle time."""
    server = Mock()
    inference = SimpleNamespace(phase=phase, waited_s=1.2, upload_s=upload_s)
    teach_pace(server, record("device"), inference, rest_s=3.0, at_s=6.0)
    still = call.computes_still(6.0, 5.0, pytest.approx(since_s), pytest.approx(0.2))
    given_up = call.given_up(1.2, pytest.approx(0.8))
    assert server.mock_calls == [given_up, *([still] if phase == "compute" else [])]
