"""A model whose input is of another size in every call, run by every policy in turns."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from cutpoint.client.session import InferenceSession
from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.execution.runtime import keep_freed_memory, quiet_options
from cutpoint.graph import Arrays
from cutpoint.graph.size_bucket import size_step
from cutpoint.lab.contestant import Contestant
from cutpoint.lab.server_process import ServerProcess
from cutpoint.lab.zoo.text_encoder import text_encoder
from cutpoint.planning import cuts_to_hold
from cutpoint.profiling import read_environment
from cutpoint.profiling.quick import time_segments
from cutpoint.records import Environment, Profile

POLICIES = (("cutpoint", "cutpoint"), ("device-only", "device"), ("server-only", "server"))
SHORTEST, LONGEST = 8, 512
_MEASURED_AT = 64
"""Length both hosts are timed at; every other one is planned without having been measured."""

_ONE_WAY_DELAY_S = 0.01
_BANDWIDTH_BYTES_PER_S = 20e6 / 8
_FEATURES = 256
_LAYERS = 6

Listener = Callable[[str], None]


@dataclass(frozen=True)
class Call:
    """
    One input, run by every policy.

    Parameters
    ----------
    length
        Tokens of the input.
    placement
        Where cutpoint ran it.
    latency_s
        By policy.
    is_warm
        Whether an input of this bucket had been run before.
    """

    length: int
    placement: str
    latency_s: dict[str, float]
    is_warm: bool


@dataclass(frozen=True)
class LengthRow:
    """
    The calls of one bucket of lengths.

    Parameters
    ----------
    shortest, longest
        Lengths in it that were run.
    num_calls
        How many.
    placements
        Where cutpoint ran them, and how often.
    median_s
        By policy.
    """

    shortest: int
    longest: int
    num_calls: int
    placements: dict[str, int]
    median_s: dict[str, float]


@dataclass(frozen=True)
class ShapesBench:
    """
    Everything that was measured.

    Parameters
    ----------
    environment
        Of the machine.
    seed, slowdown
        Of the lengths; of the emulated device.
    calls
        In the order in which they ran.
    num_wrong
        Answers of any policy that differ from the uncut model's.
    """

    environment: Environment
    seed: int
    slowdown: float
    calls: tuple[Call, ...]
    num_wrong: int

    @property
    def rows(self) -> tuple[LengthRow, ...]:
        """The calls by buckets of lengths."""
        steps = sorted({size_step(call.length) for call in self.calls})
        return tuple(
            _row([call for call in self.calls if size_step(call.length) == step]) for step in steps
        )

    def mean_s(self, policy: str) -> float:
        """Give the mean latency of a policy over all calls."""
        return float(np.mean([call.latency_s[policy] for call in self.calls]))

    @property
    def best_fixed_s(self) -> float:
        """Mean latency of the better end, chosen anew for each bucket once all is known."""
        ends = [name for name, _ in POLICIES[1:]]
        total_s = 0.0
        for row in self.rows:
            calls = [c for c in self.calls if row.shortest <= c.length <= row.longest]
            total_s += min(sum(call.latency_s[end] for call in calls) for end in ends)
        return total_s / len(self.calls)


def run_shapes_bench(
    folder: Path,
    *,
    num_calls: int = 120,
    slowdown: float = 3.0,
    seed: int = 0,
    listener: Listener = lambda text: None,
) -> ShapesBench:
    """
    Run a text encoder on inputs of 8 to 512 tokens, by every policy in turns.

    Parameters
    ----------
    folder
        Where the model goes.
    num_calls
        Inputs; their lengths are even on a logarithmic scale, in random order.
    slowdown
        Of the emulated device.
    seed
        Of lengths and tokens.
    listener
        Told what happens, line by line.
    """
    path = folder / "text_encoder.onnx"
    onnx.save(text_encoder(num_layers=_LAYERS, features=_FEATURES, seed=seed), path)
    profile = _device_profile(path, slowdown)
    whole = InferenceSession(path, quiet_options(1), ["CPUExecutionProvider"])
    sizes = ("--size", "batch=1", "--size", f"length={_MEASURED_AT}")
    calls: list[Call] = []
    with ExitStack() as stack:
        server = stack.enter_context(ServerProcess([str(path)], arguments=sizes))
        contestants = [
            stack.enter_context(closing(_contestant(name, policy, path, server, profile, slowdown)))
            for name, policy in POLICIES
        ]
        for number, length in enumerate(lengths_of(num_calls, seed)):
            feed = _feed(length, seed + number)
            (labels,) = whole.run(["labels"], feed)
            calls.append(_call(number, contestants, feed, {"labels": labels}, calls))
            listener(f"{number + 1}/{num_calls}: {length} tokens, {calls[-1].placement}")
        num_right = sum(contestant.num_equal for contestant in contestants)
    environment = read_environment(
        providers=("CPUExecutionProvider",), num_threads=1, malloc_kept=True, emulated_slowdown=1.0
    )
    num_wrong = num_calls * len(POLICIES) - num_right
    return ShapesBench(environment, seed, slowdown, tuple(calls), num_wrong)


def lengths_of(num_calls: int, seed: int) -> list[int]:
    """Give lengths from the shortest to the longest, even in their logarithm, shuffled."""
    even = np.geomspace(SHORTEST, LONGEST, num_calls).round().astype(int)
    return [int(length) for length in np.random.default_rng(seed).permutation(even)]


def _row(calls: Sequence[Call]) -> LengthRow:
    lengths = [call.length for call in calls]
    return LengthRow(
        min(lengths),
        max(lengths),
        len(calls),
        dict(Counter(call.placement for call in calls)),
        {name: float(np.median([c.latency_s[name] for c in calls])) for name, _ in POLICIES},
    )


def _call(
    number: int,
    contestants: Sequence[Contestant],
    feed: Arrays,
    expected: Arrays,
    before: Sequence[Call],
) -> Call:
    """Run every policy once, in an order that turns."""
    shift = number % len(contestants)
    records = {
        each.name: each.run(feed, expected) for each in (*contestants[shift:], *contestants[:shift])
    }
    length = feed["tokens"].shape[1]
    is_warm = any(size_step(call.length) == size_step(length) for call in before)
    latency_s = {name: records[name].latency_s for name, _ in POLICIES}
    return Call(length, records["cutpoint"].placement, latency_s, is_warm)


def _contestant(
    name: str, policy: str, path: Path, server: ServerProcess, profile: Profile, slowdown: float
) -> Contestant:
    contestant = Contestant(
        name,
        policy,
        str(path),
        server.address,
        profile=profile,
        slowdown=slowdown,
        delay_s=_ONE_WAY_DELAY_S,
        bandwidth_bytes_per_s=_BANDWIDTH_BYTES_PER_S,
        sizes={"batch": 1, "length": _MEASURED_AT},
    )
    contestant.session.wait_until_ready(30.0)
    return contestant


def _device_profile(path: Path, slowdown: float) -> Profile:
    graph = load_graph(ModelFile.open(path), sizes={"batch": 1, "length": _MEASURED_AT})
    held = Segments(graph, cuts_to_hold(graph), options=quiet_options(1), slowdown=slowdown)
    return time_segments(held, malloc_kept=keep_freed_memory())


def _feed(length: int, seed: int) -> Arrays:
    tokens = np.random.default_rng(seed).integers(0, 2000, (1, length))
    return {"tokens": tokens, "mask": np.ones((1, length), np.int64)}
