"""What the benches of cutpoint itself are asked to do, in a sample and in full."""

from importlib import import_module
from typing import Any

import pytest

from cutpoint.lab.experiments.experiment import Options
from cutpoint.lab.experiments.registry import entry_named
from cutpoint.lab.zoo import ZOO

BENCHES = (
    "planning", "predictors", "extraction", "shapes", "overhead", "batching", "overload", "codecs",
    "shares", "digits",
)  # fmt: skip
OF_MODELS = tuple(name for name in BENCHES if "models" in entry_named(name).takes)


class _AskedError(Exception):
    """The bench was called: that is all these tests want to know."""


def _asked(name: str, monkeypatch: pytest.MonkeyPatch, options: Options) -> list[Any]:
    """Give what an experiment calls its bench with."""
    given: list[Any] = []

    def bench(*positional: Any, **named: Any) -> None:
        given.extend((*positional, *named.values()))
        raise _AskedError

    module = import_module(f"cutpoint.lab.experiments.{name}")
    monkeypatch.setattr(module, f"run_{name}_bench", bench)
    with pytest.raises(_AskedError):
        entry_named(name).load().run(options)
    return given


def _models(given: list[Any]) -> list[str] | None:
    """Give the names of nets among what a bench is called with."""
    for each in given:
        if isinstance(each, tuple) and each and isinstance(each[0], str):
            return list(each)
    return None


def _numbers(given: list[Any]) -> list[float]:
    return [each for each in given if isinstance(each, int | float) and each is not False]


@pytest.mark.parametrize("name", BENCHES)
def test_a_sample_is_less_of_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer nets, all of them in the full run too, or smaller numbers; nothing is larger."""
    quick = _asked(name, monkeypatch, Options(is_quick=True))
    full = _asked(name, monkeypatch, Options())
    few, many = _models(quick), _models(full)
    if few is not None:
        assert set(few) <= set(many or ZOO)
    if name != "digits":  # is told in one word
        sizes = list(zip(_numbers(quick), _numbers(full), strict=False))
        assert all(small <= large for small, large in sizes if small is not True)
        is_smaller = any(small < large for small, large in sizes if small is not True)
        assert is_smaller or len(few or ()) < len(many or ZOO)


@pytest.mark.parametrize("name", OF_MODELS)
def test_models_are_those_asked_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those and no others, in a sample and in full."""
    for is_quick in (True, False):
        options = Options(is_quick=is_quick, models=("nin", "vgg16"))
        assert _models(_asked(name, monkeypatch, options)) == ["nin", "vgg16"]


def test_codecs_are_tried_on_one_net_of_each_family_and_size() -> None:
    """Those left out are nets of the zoo, and so are those that stand for them."""
    codecs = import_module("cutpoint.lab.experiments.codecs")
    assert set(codecs._SIBLINGS) < set(ZOO)
    left = set(codecs._families())
    assert {"efficientnet_b4", "googlenet", "resnet50", "vgg16", "alexnet"} <= left
    assert len(left) == 22
