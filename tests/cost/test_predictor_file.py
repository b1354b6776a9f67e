import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.cost import Predictor, predictor_from_json, predictor_to_json
from cutpoint.cost.features import FEATURES
from cutpoint.exceptions import CostError
from cutpoint.records import Environment

ENVIRONMENT = Environment("1.31", ("CPUExecutionProvider",), 1, "cpu", 4, None, True)

coefficients = st.tuples(*[st.floats(0, 1e6)] * len(FEATURES))

PREDICTOR = Predictor({"Conv": (1e-6, 2e-10, 0.0, 0.0, 1e-9)}, (1e-6, 0, 0, 0, 0), 3, ENVIRONMENT)


@given(
    by_kind=st.dictionaries(st.text(max_size=6), coefficients),
    of_all=coefficients,
    num_profiles=st.integers(1, 99),
)
def test_what_is_written_is_read(
    by_kind: dict[str, tuple[float, ...]], of_all: tuple[float, ...], num_profiles: int
) -> None:
    """A predictor comes back as it was, to the last bit."""
    predictor = Predictor(by_kind, of_all, num_profiles, ENVIRONMENT)
    assert predictor_from_json(predictor_to_json(predictor)) == predictor


def changed(**fields: Any) -> str:
    """Give the file with some fields changed."""
    return json.dumps(json.loads(predictor_to_json(PREDICTOR)) | fields)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "damaged"),
        (changed()[:-3], "truncated"),
        (changed(format_version=2), "layout 2, and this cutpoint reads 1"),
        (changed(colour="red"), "colour"),
        (changed(environment={}), "environment"),
        (changed(num_profiles=0), "fitted on 0 profiles"),
        (changed(features=["flops"]), "fitted on the features flops"),
        (changed(of_all=[1, 2]), "all kinds"),
        (changed(by_kind={"Conv": [1, 1, 1, 1, -1]}), "predictor of Conv"),
        (changed(by_kind={"Conv": [1, 1, 1, 1, "1"]}), "by_kind"),
        (changed(by_kind={"Conv": [1, 1, 1, 1, None]}), "by_kind"),
    ],
)
def test_a_damaged_file_is_refused(text: str, match: str) -> None:
    """Whatever is wrong is told with the file and the field."""
    with pytest.raises(CostError, match=r"^pi\.json") as caught:
        predictor_from_json(text, "pi.json")
    assert caught.match(match)
