import pytest

from cutpoint.exceptions import ProfileError
from cutpoint.records import Sample


@pytest.mark.parametrize("duration_s", [0.0, 1e-9, 3600.0])
def test_a_duration_is_kept(duration_s: float) -> None:
    """Any finite time from zero up is a duration."""
    assert Sample("node", "Conv_0", duration_s).duration_s == duration_s


@pytest.mark.parametrize("duration_s", [-1e-9, float("nan"), float("inf"), float("-inf")])
def test_what_is_no_duration_is_refused(duration_s: float) -> None:
    """Negative, endless and undefined times are refused by what was timed and what to do."""
    with pytest.raises(ProfileError, match=r"sample of node 'Conv_0': .* measure again"):
        Sample("node", "Conv_0", duration_s)


def test_a_batch_has_someone_in_it() -> None:
    """One request at least ran."""
    assert Sample("segment", "a", 1.0).batch == 1
    with pytest.raises(ProfileError, match="a batch of 0"):
        Sample("segment", "a", 1.0, batch=0)
