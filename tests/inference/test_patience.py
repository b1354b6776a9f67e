import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.inference import patience_s
from cutpoint.inference.patience import is_upload_hopeless
from cutpoint.records import Parts

TIMES = st.floats(0, 100)
PARTS = st.builds(Parts, *[TIMES] * 6)


def on_server_s(predicted: Parts) -> float:
    """Give what is predicted from the sending to the answer."""
    return predicted.upload_s + predicted.wait_s + predicted.tail_s + predicted.download_s


@pytest.mark.parametrize(
    ("upload_s", "rest_s", "expected_s"),
    [
        (1.0, 0.5, 3.0),  # three times what was predicted
        (1.0, 5.0, 6.0),  # the device needs longer than that for the rest
        (0.01, 0.02, 0.11),  # a tenth of a second on top of what was predicted
    ],
)
def test_without_a_deadline(upload_s: float, rest_s: float, expected_s: float) -> None:
    """Each of the three bounds holds where it is the longest."""
    predicted = Parts(head_s=9.0, encode_s=7.0, upload_s=upload_s)
    assert patience_s(predicted, rest_s, None) == pytest.approx(expected_s)


def test_a_deadline_leaves_room_for_the_tail() -> None:
    """With a deadline, the wait ends where head, wait and tail on the device just keep it."""
    predicted = Parts(head_s=0.2, encode_s=0.1, upload_s=1.0)
    assert patience_s(predicted, rest_s=0.3, deadline_s=2.0) == pytest.approx(1.4)


@given(predicted=PARTS, rest_s=TIMES, deadline_s=TIMES)
def test_the_deadline_is_kept_or_left_to_the_server(
    predicted: Parts, rest_s: float, deadline_s: float
) -> None:
    """Whoever waits to the end and goes on alone keeps the deadline, unless only the server can."""
    patience = patience_s(predicted, rest_s, deadline_s)
    spent_s = predicted.head_s + predicted.encode_s + rest_s
    if deadline_s - spent_s < on_server_s(predicted):
        assert patience == patience_s(predicted, rest_s, None)
    else:
        assert patience >= on_server_s(predicted)
        assert spent_s + patience <= deadline_s * (1 + 1e-9) + 1e-9


@given(predicted=PARTS, rest_s=TIMES)
def test_an_answer_as_predicted_is_waited_for(predicted: Parts, rest_s: float) -> None:
    """Patience is three times the prediction at least, and gives the device's own time to it."""
    patience = patience_s(predicted, rest_s, None)
    assert patience >= 3 * on_server_s(predicted) * (1 - 1e-9) - 1e-9
    assert patience >= (on_server_s(predicted) + max(rest_s, 0.1)) * (1 - 1e-9) - 1e-9


def test_a_deadline_the_device_cannot_keep_is_no_reason_to_give_up() -> None:
    """With 50 ms predicted there and 300 ms needed here, 100 ms are the server's to keep."""
    predicted = Parts(upload_s=0.05)
    assert patience_s(predicted, rest_s=0.3, deadline_s=0.1) >= 0.3


@given(predicted=PARTS, rest_s=TIMES)
def test_a_deadline_far_away_changes_nothing(predicted: Parts, rest_s: float) -> None:
    """A deadline that leaves room for everything is as good as none."""
    assert patience_s(predicted, rest_s, 1e6) == patience_s(predicted, rest_s, None)


PLANNED = Parts(upload_s=0.4, wait_s=0.01, tail_s=0.05, download_s=0.02)


@pytest.mark.parametrize(
    ("elapsed_s", "remaining_s", "rest_s", "is_hopeless"),
    [
        (0.2, 4.0, 0.3, True),  # 20 -> 1 Mbit/s in the middle of it
        (0.2, 0.2, 0.1, False),  # as planned: that the device is faster is the policy's affair
        (0.2, 0.35, 0.1, False),  # a jolt of 150 ms
        (3.0, 0.2, 0.3, False),  # late, and nearly there
        (0.2, 4.0, 10.0, False),  # slow, and the device is slower still
    ],
)
def test_when_an_upload_is_given_up(
    elapsed_s: float, remaining_s: float, rest_s: float, is_hopeless: bool
) -> None:
    """Only where it goes far beyond the plan, and the device would be done clearly sooner."""
    assert is_hopeless == is_upload_hopeless(PLANNED, elapsed_s, remaining_s, rest_s)


@given(predicted=PARTS, elapsed_s=TIMES, remaining_s=TIMES, rest_s=TIMES)
def test_giving_an_upload_up_pays(
    predicted: Parts, elapsed_s: float, remaining_s: float, rest_s: float
) -> None:
    """Never where it keeps to the plan, nor where the tail here takes longer than the rest."""
    if is_upload_hopeless(predicted, elapsed_s, remaining_s, rest_s):
        after_s = predicted.wait_s + predicted.tail_s + predicted.download_s
        assert elapsed_s + remaining_s > predicted.upload_s
        assert remaining_s + after_s > rest_s


@given(predicted=PARTS, rest_s=TIMES, times=st.floats(1.5, 3.0))
def test_who_is_known_to_be_punctual_is_given_no_more(
    predicted: Parts, rest_s: float, times: float
) -> None:
    """As late as its answers ever are, a tenth of a second at least; never more than a stranger."""
    patience = patience_s(predicted, rest_s, None, times)
    on_server = on_server_s(predicted)
    assert patience == pytest.approx(max(times * on_server, on_server + 0.1))
    assert patience <= patience_s(predicted, rest_s, None) * (1 + 1e-9)
