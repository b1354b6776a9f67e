"""Statistics of a server that is not ours: asked for sparingly, and believed where they can be."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import grpc
import pytest

from cutpoint.client.foreign_load import ForeignLoad
from cutpoint.records import LoadReport
from cutpoint.wire.protocol import messages, model_config


class Refusal(grpc.RpcError):
    """A status, as gRPC raises it."""

    def __init__(self, code: grpc.StatusCode) -> None:
        self._code = code

    def code(self) -> grpc.StatusCode:
        """Give it."""
        return self._code


class Calls:
    """A method of a stub whose calls are answered at once."""

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        self._answer = answer
        self.asked: list[str] = []

    def future(self, request: Any, timeout: float) -> "Future[Any]":
        """Ask."""
        self.asked.append(request.name)
        found: Future[Any] = Future()
        try:
            found.set_result(self._answer(request))
        except grpc.RpcError as error:
            found.set_exception(error)
        return found


class Server:
    """What a Triton tells: an ensemble of two models, and their counts."""

    def __init__(self) -> None:
        self.code: grpc.StatusCode | None = None
        self.told = {"net.first": self.counts(0), "net.second": self.counts(0)}
        self.ModelConfig = Calls(self._config)
        self.ModelStatistics = Calls(self._statistics)

    @staticmethod
    def counts(number: int, queue_s: float = 0.0, compute_s: float = 0.0, batch: int = 1) -> Any:
        """Count so many requests, each of which waited and was computed so long."""
        stats = messages.ModelStatistics(inference_count=number, execution_count=number // batch)
        for name, each_s in (("queue", queue_s), ("compute_infer", compute_s)):
            told = getattr(stats.inference_stats, name)
            told.count, told.ns = number, int(number * each_s * 1e9)
        if number:
            together = stats.batch_stats.add(batch_size=batch).compute_infer
            together.count, together.ns = number // batch, int(number // batch * compute_s * 1e9)
        return stats

    def tell(self, number: int, **times: Any) -> None:
        """Let both models have run so often."""
        self.told = {name: self.counts(number, **times) for name in self.told}

    def _config(self, request: Any) -> Any:
        config = model_config.ModelConfig(name=request.name)
        for name in ("net.first", "net.second"):
            config.ensemble_scheduling.step.add(model_name=name)
        return messages.ModelConfigResponse(config=config)

    def _statistics(self, request: Any) -> Any:
        if self.code is not None:
            raise Refusal(self.code)
        stats = messages.ModelStatistics()
        stats.CopyFrom(self.told[request.name])
        stats.name = request.name
        return messages.ModelStatisticsResponse(model_stats=[stats])


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        """Give it."""
        return self.now_s


@pytest.fixture
def server() -> Server:
    """Give such a server."""
    return Server()


@pytest.fixture
def clock() -> Clock:
    """Give such a clock."""
    return Clock()


@pytest.fixture
def heard() -> list[LoadReport]:
    """Give a list for what is told."""
    return []


@pytest.fixture
def load(server: Server, clock: Clock, heard: list[LoadReport]) -> ForeignLoad:
    """Give what asks it, the ensemble looked into."""
    found = ForeignLoad(server, "net", clock=clock, on_load=heard.append)
    found.follow(["net"])
    return found


def rounds(load: ForeignLoad, server: Server) -> int:
    """Count the rounds of questions so far."""
    return server.ModelStatistics.asked.count("net.first")


def test_the_models_of_an_ensemble_are_told_together(load, server, clock, heard) -> None:
    """Waits and times of both; of the ensemble itself nothing is asked."""
    load.poll()
    server.tell(10, queue_s=0.02, compute_s=0.1)
    clock.now_s += 2.0
    load.poll()
    assert set(server.ModelStatistics.asked) == {"net.first", "net.second"}
    (report,) = heard
    assert report.wait_s == pytest.approx(0.04)
    assert dict(report.execution_s)[1] == pytest.approx(0.2)
    assert (report.at_s, report.is_polled) == (102.0, True)
    assert load.told(clock()) == report
    assert load.told(clock() + 60.0) is None


def test_an_idle_server_is_asked_rarely_and_a_busy_one_for_a_share_of_what_is_sent(
    load, server, clock
) -> None:
    """For 800 bytes per second; or four times a second at most, for a hundredth of what is sent."""

    def rounds_in_ten_seconds(sent_bytes: int) -> int:
        before = rounds(load, server)
        for _ in range(100):
            if sent_bytes:
                load.asked("net", sent_bytes)
            load.poll()
            clock.now_s += 0.1
        return rounds(load, server) - before

    server.tell(10, queue_s=0.01, compute_s=0.1)
    rounds_in_ten_seconds(0)
    cost_bytes = load._cost_bytes
    assert cost_bytes > 240
    assert rounds_in_ten_seconds(0) * cost_bytes <= 800 * 11
    assert rounds_in_ten_seconds(10) * cost_bytes <= 800 * 11
    assert 30 <= rounds_in_ten_seconds(1 << 20) <= 40


def test_a_server_without_the_extension_is_asked_once(load, server, clock, heard) -> None:
    """And nothing is believed of its load."""
    server.code = grpc.StatusCode.UNIMPLEMENTED
    for _ in range(5):
        load.poll()
        clock.now_s += 5.0
    assert rounds(load, server) == 1
    assert not heard
    assert load.told(clock()) is None


def test_one_that_does_not_answer_now_is_asked_again(load, server, clock, heard) -> None:
    """What fails once, or is of a model that is gone, is no reason never to ask again."""
    load.poll()
    server.code = grpc.StatusCode.DEADLINE_EXCEEDED
    clock.now_s += 2.0
    load.poll()
    assert not heard
    server.code = None
    server.tell(4, queue_s=0.01, compute_s=0.1)
    clock.now_s += 2.0
    load.poll()
    assert heard[-1].wait_s == pytest.approx(0.02)


@pytest.mark.parametrize("most", [1 << 63, (1 << 64) - 1])
def test_what_cannot_be_true_is_not_believed(load, server, clock, heard, most) -> None:
    """Nor does it keep what comes after from being."""
    load.poll()
    for stats in server.told.values():
        stats.inference_stats.queue.ns = stats.inference_stats.queue.count = most
        stats.inference_count = stats.execution_count = most
    clock.now_s += 2.0
    load.poll()
    assert all(report.wait_s is None or report.wait_s <= 86_400 for report in heard)
    for number in (5, 9):
        server.tell(number, queue_s=0.01, compute_s=0.1)
        clock.now_s += 2.0
        load.poll()
    assert heard[-1].wait_s == pytest.approx(0.02)


def test_statistics_that_begin_anew_begin_anew_here(load, server, clock, heard) -> None:
    """After a restart the counts are lower: the next difference is right again."""
    server.tell(1000, queue_s=0.5, compute_s=0.5)
    load.poll()
    server.tell(2, queue_s=0.01, compute_s=0.1)
    clock.now_s += 2.0
    load.poll()
    assert not heard
    server.tell(6, queue_s=0.01, compute_s=0.1)
    clock.now_s += 2.0
    load.poll()
    assert heard[-1].batch == pytest.approx(1.0)
    assert all(0 <= execution_s < 1 for _, execution_s in heard[-1].execution_s)


def test_a_model_that_is_not_told_of_says_nothing(load, server, clock, heard) -> None:
    """The others are told together without it."""

    def of_the_first(request: Any) -> Any:
        if request.name == "net.second":
            return messages.ModelStatisticsResponse()
        return server._statistics(request)

    server.ModelStatistics = Calls(of_the_first)
    load.poll()
    server.tell(4, queue_s=0.01, compute_s=0.1)
    clock.now_s += 2.0
    load.poll()
    assert heard[-1].wait_s == pytest.approx(0.01)


def test_a_model_that_could_not_be_looked_into_is_looked_into_again(server, clock, heard) -> None:
    """A server that was busy when it was asked is asked with the next look at what it holds."""
    codes = iter((grpc.StatusCode.DEADLINE_EXCEEDED,))

    def busy(request: Any) -> Any:
        for code in codes:
            raise Refusal(code)
        return server._config(request)

    server.ModelConfig = Calls(busy)
    load = ForeignLoad(server, "net", clock=clock, on_load=heard.append)
    load.follow(["net"])
    assert load.models_of("net") == ("net",)
    load.follow(["net"])
    assert load.models_of("net") == ("net.first", "net.second")
    load.follow(["net"])
    assert len(server.ModelConfig.asked) == 2


def test_what_is_no_ensemble_is_asked_itself(server, clock, heard) -> None:
    """Where the server tells nothing of its models, or they are none of several."""

    def refused(request: Any) -> Any:
        raise Refusal(grpc.StatusCode.UNIMPLEMENTED)

    server.ModelConfig = Calls(refused)
    server.told["net"] = server.counts(0)
    load = ForeignLoad(server, "net", clock=clock, on_load=heard.append)
    load.follow(["net"])
    load.poll()
    assert set(server.ModelStatistics.asked) == {"net"}
