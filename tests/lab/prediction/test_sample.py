"""What counts, and how errors are summed up."""

from dataclasses import replace

import pytest

from cutpoint.lab.prediction.net_errors import net_errors
from cutpoint.lab.prediction.sample import PredictedSample, sample_of, spread
from cutpoint.lab.prediction.text import prediction_text
from cutpoint.records import Conditions, InferenceRecord, LegRun, Parts

RECORD = InferenceRecord(
    request=1,
    at_s=0.0,
    planned="split",
    placement="split",
    cut="abc",
    crossing=("a", "b"),
    server="edge:8001",
    predicted=Parts(head_s=1.0, upload_s=0.5),
    measured=Parts(head_s=1.0, upload_s=1.0),
    legs=(LegRun("device", "head", 1.0, 1.0), LegRun("edge:8001", "tail", 1.05, 1.0)),
    sent_bytes=10,
    received_bytes=10,
    fallback_reason=None,
    conditions=Conditions(),
    codecs=("raw", "zstd"),
)


def test_errors_are_signed_and_relative() -> None:
    """Of the whole, and of a part as a share of the whole."""
    sample = sample_of(RECORD, "5 Mbit/s")
    assert (sample.link, sample.kind) == ("5 Mbit/s", "split coded")
    assert sample.error == pytest.approx(-0.25)
    assert sample.part_error("head_s") == 0
    assert sample.part_error("upload_s") == pytest.approx(-0.25)


@pytest.mark.parametrize(
    ("change", "is_kept"),
    [
        ({}, True),
        ({"legs": (*RECORD.legs, LegRun("edge:8001", "tail", 1.2, 1.0))}, False),
        ({"legs": (LegRun("edge:8001", "tail", 1.0),)}, False),
        ({"fallback_reason": "late"}, True),
    ],
)
def test_disturbed_samples_do_not_count(change: dict[str, object], is_kept: bool) -> None:
    """Nor those of which nobody knows; one that the device finished alone does."""
    assert sample_of(replace(RECORD, **change), "").is_kept is is_kept


def test_a_spread_has_bias_median_and_percentile() -> None:
    """The latter two of absolute values; of no errors there is none."""
    found = spread([-0.1, 0.02, 0.03])
    assert (found.bias, found.median) == (0.02, 0.03)
    assert found.p95 == pytest.approx(0.093)
    with pytest.raises(ValueError, match="no errors"):
        spread([])


def samples(num_kept: int, num_dropped: int) -> list[PredictedSample]:
    """Give samples, some of which count."""
    kept = sample_of(RECORD, "5 Mbit/s")
    return [kept] * num_kept + [replace(kept, contention=2.0)] * num_dropped


def test_the_errors_of_a_net_are_told_by_part_link_and_kind() -> None:
    """With the share that was dropped."""
    found = net_errors("toy", 2.0, samples(3, 1))
    assert found is not None
    assert (found.num_samples, found.num_kept, found.share_dropped) == (4, 3, 0.25)
    assert found.latency.median == pytest.approx(0.25)
    assert found.parts["upload_s"].bias == pytest.approx(-0.25)
    assert (set(found.links), set(found.kinds)) == ({"5 Mbit/s"}, {"split coded"})
    assert "| toy | 2 x | 3 | 25.0 % | 0 | -25.0 % | 25.0 % | 25.0 % |" in prediction_text(
        {"toy": found}
    )


def test_of_too_few_samples_there_is_no_result() -> None:
    """Over 80 % dropped is none, and is said to be none."""
    assert net_errors("toy", 1.0, samples(1, 5)) is None
    assert net_errors("toy", 1.0, samples(1, 4)) is not None
    assert "No result (nothing ran, or over 80 % dropped): toy." in prediction_text({"toy": None})
