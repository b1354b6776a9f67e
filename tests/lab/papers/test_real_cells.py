"""Who runs how often on the real clock."""

from collections.abc import Sequence
from typing import Any

import pytest
from tests.lab.papers.shots import shot

from cutpoint.lab.arena import Contender, Place, Shot
from cutpoint.lab.papers import real_cells
from cutpoint.lab.papers.choices import Chooser, Way
from cutpoint.lab.papers.real_cells import Effort, run_cells

_SEES = real_cells._TIMES_SEEN


class _Subject:
    """Names a net; nothing of it is run."""

    name = "resnet18"

    def keep_profile(self, kind: str, slowdown: float, profile: object) -> None:
        """Take it."""


class _Arena:
    """Runs nothing, and notes who was to run."""

    disturbed: str | None = None

    def __init__(self, _: object, contenders: Sequence[Contender], **__: Any) -> None:
        self.contenders = {each.name: each for each in contenders}
        self.shots: list[Shot] = []
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        made.append(self)

    def __enter__(self) -> "_Arena":  # noqa: PYI034 (Self needs Python 3.11)
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def wait_until_ready(self, _: float) -> None:
        """Be so."""

    def round(self, place: Place, number: int = 0, only: Sequence[str] = ()) -> tuple[Shot, ...]:
        """Give an inference of each who was asked."""
        self.asked.append((place.link, tuple(only)))
        shots = tuple(
            shot(
                name, 0.1, link=place.link, number=number, contention=1.0 + (name == self.disturbed)
            )
            for name in only
        )
        self.shots += shots
        return shots


made: list[_Arena] = []


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[_Arena]:
    """Give the arenas that were made."""
    made.clear()
    monkeypatch.setattr(_Arena, "disturbed", None)
    monkeypatch.setattr(real_cells, "Arena", _Arena)
    monkeypatch.setattr(real_cells, "device_profile", lambda *_: object())
    return made


def _num(arena: _Arena, link: str, name: str) -> int:
    return sum(name in names for where, names in arena.asked if where == link)


def test_efforts_give_what_takes_long_few_runs_and_too_long_none() -> None:
    """As many as fit the budget, within bounds."""
    effort = Effort(most_s=20, budget_s=8, fewest=2, most=8)
    assert [effort.rounds_of(each) for each in (0.1, 2.0, 10.0, 20.1)] == [8, 4, 2, 0]


def test_what_was_chosen_alike_is_run_once_and_what_takes_too_long_not_at_all(
    chooser: Chooser, ran: list[_Arena]
) -> None:
    """Every way is one contender, over each link only where someone chose it."""
    effort = Effort(most_s=3.0, budget_s=1.0, fewest=2, most=3)
    cells = run_cells(_Subject(), chooser, delay_s=0.0, effort=effort)  # type: ignore[arg-type]
    (arena,) = ran
    for link in chooser.links:
        for choice in chooser.choices(link):
            if choice.policy in ("cutpoint", "cutpoint exact", "oracle"):
                continue
            wanted = effort.rounds_of(choice.latency_s)
            assert _num(arena, link, str(choice.way)) == wanted
            assert len(cells.of(link, choice)) == wanted


def test_the_device_alone_runs_the_net_as_it_was_published(
    chooser: Chooser, ran: list[_Arena], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the best fixed row is the device as well, that is no reason to feed it pixels."""
    device = Way("uint8", chooser.pixel_table.cuts[0])
    monkeypatch.setitem(chooser.__dict__, "_best_fixed", device)
    effort = Effort(most_s=3.0, budget_s=1.0, fewest=2, most=3)
    run_cells(_Subject(), chooser, delay_s=0.0, effort=effort)  # type: ignore[arg-type]
    assert ran[0].contenders["device-only"].input == "float32"


def test_links_are_seen_before_anything_counts(chooser: Chooser, ran: list[_Arena]) -> None:
    """Whoever decides comes from another link: a few inferences of it are no part of the result."""
    effort = Effort(most_s=3.0, budget_s=1.0, fewest=2, most=3)
    cells = run_cells(_Subject(), chooser, delay_s=0.0, effort=effort)  # type: ignore[arg-type]
    for link in chooser.links:
        own = next(each for each in chooser.choices(link) if each.policy == "cutpoint")
        counted = len(cells.of(link, own))
        assert _num(ran[0], link, "cutpoint") == counted + _SEES
        assert counted >= effort.fewest


def test_what_does_not_count_is_run_again_but_not_for_ever(
    chooser: Chooser, ran: list[_Arena], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice as often as was wanted, and only while there is time."""
    monkeypatch.setattr(_Arena, "disturbed", "server-only jpeg:90")
    for link_s, times in ((60.0, 2), (0.0, 1)):
        effort = Effort(most_s=3.0, budget_s=1.0, fewest=2, most=3, link_s=link_s)
        run_cells(_Subject(), chooser, delay_s=0.0, effort=effort)  # type: ignore[arg-type]
        choice = next(
            each for each in chooser.choices("1.1 Mbit/s") if each.policy == "server-only jpeg"
        )
        wanted = times * effort.rounds_of(choice.latency_s)
        assert _num(ran[-1], "1.1 Mbit/s", "server-only jpeg:90") == wanted


def test_a_way_that_takes_too_long_is_run_once_to_confirm_it(
    chooser: Chooser, ran: list[_Arena]
) -> None:
    """Over its link, where no policy that chose it runs."""
    way = next(
        each.way for each in chooser.choices("0.13 Mbit/s") if each.policy == "server-only float32"
    )
    effort = Effort(most_s=0.2, budget_s=1.0)
    run_cells(
        _Subject(),  # type: ignore[arg-type]
        chooser,
        delay_s=0.0,
        effort=effort,
        confirmed={"0.13 Mbit/s": (way,)},
    )
    assert _num(ran[0], "0.13 Mbit/s", str(way)) == 1
    assert _num(ran[0], "1.1 Mbit/s", str(way)) == 0
