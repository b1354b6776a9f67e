"""The lower envelope, against points drawn at random."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.planning.cuts.envelope import lower_envelope


@given(seed=st.integers(0, 2**32 - 1), num_terms=st.integers(2, 4), num=st.integers(2, 60))
def test_no_mix_is_cheaper_without_the_envelope(seed: int, num_terms: int, num: int) -> None:
    """Whatever the weights, the best of all points is as good as the best of the envelope's."""
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 50, (num, num_terms)).astype(float)
    found, gap = lower_envelope(
        points[:2], lambda weights: points[np.argmin(weights @ points.T, axis=1)]
    )
    assert gap == 0
    assert {row.tobytes() for row in found} <= {row.tobytes() for row in points}
    weights = 10.0 ** rng.uniform(-4, 4, (200, num_terms))
    best, kept = (weights @ points.T).min(axis=1), (weights @ found.T).min(axis=1)
    np.testing.assert_allclose(kept, best, rtol=1e-9)


def test_a_bound_on_points_states_what_is_left() -> None:
    """Stopped early, the envelope says how much better some mix could be."""
    angle = np.linspace(0, np.pi / 2, 200)
    points = np.column_stack([2 - np.cos(angle), 2 - np.sin(angle)])
    found, gap = lower_envelope(
        points[[0, -1]], lambda w: points[np.argmin(w @ points.T, axis=1)], most_points=6
    )
    assert len(found) == 6
    assert 0 < gap < 0.1
