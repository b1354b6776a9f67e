"""The summary of samples."""

import pytest

from cutpoint.exceptions import ProfileError
from cutpoint.profiling import Spread, spread
from cutpoint.records import Sample


def test_quartiles() -> None:
    """Quartiles, median and number of the runs are given, in any order of samples."""
    samples = [Sample("whole", "", float(time_s)) for time_s in (5, 1, 4, 2, 3)]
    assert spread(samples) == Spread(median_s=3.0, p25_s=2.0, p75_s=4.0, num=5)


def test_one_run_has_no_spread() -> None:
    """One sample is its own median and quartiles."""
    assert spread([Sample("whole", "", 2.0)]) == Spread(2.0, 2.0, 2.0, 1)


def test_nothing_to_summarise() -> None:
    """No sample is an error."""
    with pytest.raises(ProfileError, match="no sample"):
        spread([])
