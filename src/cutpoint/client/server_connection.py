"""One server as the session sees it: connected, watched, left alone and taken up again."""

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from threading import Condition, Lock

import numpy as np

from cutpoint.client.connector import Connector
from cutpoint.client.decoding import NO_DECODING, Decoding
from cutpoint.client.health import HealthCheck
from cutpoint.client.offload import Offload, OffloadRequest
from cutpoint.client.reference import Reference
from cutpoint.client.sensing import PolicySenses
from cutpoint.client.standing import Standing
from cutpoint.client.supervisor import Supervisor
from cutpoint.cost import CodecSpeed, HostCosts
from cutpoint.estimation import Breaker, Lateness, LinkEstimator, LoadEstimator, Pace
from cutpoint.exceptions import (
    ConnectError,
    ConnectionLostError,
    CutpointError,
    ModelError,
    ModelMismatchError,
    OverloadedError,
)
from cutpoint.graph import SERVER_ONLY, Arrays, Cut, Graph
from cutpoint.records import LinkConditions, LoadConditions, LoadReport, ProbeRequest, ProbeSample
from cutpoint.wire.chunks import Assembly, Chunker
from cutpoint.wire.credentials import ClientSecurity
from cutpoint.wire.encoded import Encoded
from cutpoint.wire.names import TailName
from cutpoint.wire.protocol import Parameter
from cutpoint.wire.specs import output_specs
from cutpoint.wire.tensors import TensorSpec

_LEAST_PAUSE_S = 0.05
"""A server that refuses and does not say for how long is left alone for this."""


class ServerConnection:
    """
    Connects in the background, watches the server's health, and offloads to it.

    Parameters
    ----------
    address
        ``HOST:PORT``.
    graph
        The model; its digest must be the server's.
    cuts
        Interior cuts whose tails are wanted.
    reference
        Gives a feed and what the device makes of it: a server that tells no digest is
        checked by its answer.
    clock
        Gives the session's time in seconds.
    security
        What to show the server and to demand of it.
    typed
        Codecs in which values may travel to a server that is not ours, where it has tails that
        undo them.
    changed
        Told when the connection comes or goes; may be shared by several servers.
    seed
        Of the jitter; ``None`` for one that no other device has.
    senses
        Of a policy with estimators of its own: asked for probes, told of their answers, and of
        whatever the server says of its load.
    """

    def __init__(
        self,
        address: str,
        graph: Graph,
        cuts: Sequence[Cut],
        *,
        reference: Callable[[], Reference],
        clock: Callable[[], float],
        security: ClientSecurity | None = None,
        typed: Collection[str] = (),
        changed: Condition | None = None,
        seed: int | None = None,
        senses: PolicySenses | None = None,
    ) -> None:
        self.address = address
        self._graph = graph
        self._clock = clock
        self._senses = senses
        self._link = LinkEstimator()
        self._load = LoadEstimator()
        self._asked: dict[str, tuple[str, tuple[TensorSpec, ...]]] = {}
        self._recovered_s = float("-inf")
        self._pace = Pace()
        self._lateness = Lateness()
        self._numbers = itertools.count(1)
        self._changed = changed or Condition()
        breaker_rng, supervisor_rng = np.random.default_rng(seed).spawn(2)
        self._breaker = Breaker(breaker_rng, Lock())
        self._standing = Standing(address, clock, self._changed)
        self._supervisor = Supervisor(
            address,
            self._standing,
            HealthCheck(address, security),
            Connector(
                address,
                graph,
                cuts,
                self._link,
                clock,
                self._request_failed,
                reference,
                security=security,
                typed=typed,
                on_load=self.heard_load,
                on_slow=self.computes_still,
                on_probe=self._probed,
            ),
            link=self._link,
            clock=clock,
            on_reopened=self._reopened,
            on_recovered=self._recovered,
            rng=supervisor_rng,
            next_probe=self._next_probe,
        )

    def __repr__(self) -> str:
        return f"<ServerConnection {self.address}: {self.unavailable or 'ready'}>"

    @property
    def unavailable(self) -> str | None:
        """Why the server cannot be used now; ``None`` when it can."""
        return self._standing.trouble or self._breaker.reason(self._clock())

    @property
    def calm_since_s(self) -> float:
        """When its last trouble ended; minus infinity if it never had any."""
        return max(self._standing.calm_since_s, self._breaker.calm_since_s)

    @property
    def costs(self) -> HostCosts | None:
        """What the server's tails take when idle; ``None`` while there is no connection."""
        transport = self._standing.transport
        return None if transport is None else transport.costs

    @property
    def tails(self) -> frozenset[str]:
        """Ids of the cuts whose tails it holds."""
        transport = self._standing.transport
        return frozenset() if transport is None else transport.tails

    @property
    def decoding(self) -> Decoding:
        """What it makes of encoded values; nothing while there is no connection."""
        transport = self._standing.transport
        return NO_DECODING if transport is None else transport.decoding

    @property
    def codecs(self) -> frozenset[str]:
        """Names of the codecs it decodes."""
        return self.decoding.codecs

    @property
    def decode_speeds(self) -> Mapping[str, CodecSpeed]:
        """What decoding takes on it when idle, by codec, as far as it was measured there."""
        return self.decoding.speeds

    @property
    def takes_pieces(self) -> bool:
        """Whether a request may begin to leave before all of it is encoded."""
        transport = self._standing.transport
        return transport is not None and transport.takes_pieces

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection, and both sides agree on the model."""
        return self._standing.transport is not None

    @property
    def problem(self) -> CutpointError:
        """Why there is no connection, or was none last."""
        return self._standing.problem

    @property
    def times_predicted(self) -> float | None:
        """How many times what is predicted an answer of it may take, if that is known."""
        return self._lateness.times_predicted

    def link(self) -> LinkConditions | None:
        """Give the link as believed now."""
        at_s, transport = self._clock(), self._standing.transport
        most = None if transport is None else transport.most_bytes_per_s(at_s)
        return self._link.conditions(at_s, most)

    def load(self, at_s: float) -> LoadConditions:
        """Give the load as believed at a time."""
        return self._load.conditions(at_s)

    def load_age_s(self, at_s: float) -> float | None:
        """Give how old what is believed of its slow-down is; ``None`` before anything was heard."""
        return self._load.age_s(at_s)

    def heard_load(self, report: LoadReport) -> None:
        """
        Learn from what the server says of its load, with an answer or without; any thread.

        What rides on an answer teaches with it (`answered`): it is of the same request.
        """
        if report.is_polled:
            self._load.reported(report)
        if self._senses is not None:
            self._senses.sensed(self.address, report)

    def _probed(self, sample: ProbeSample) -> None:
        if self._senses is not None:
            self._senses.sensed(self.address, sample)

    def _next_probe(self, at_s: float) -> ProbeRequest | None:
        return None if self._senses is None else self._senses.next_probe(self.address, at_s)

    def admit(self, at_s: float) -> int | None:
        """
        Let a request through, or not.

        Returns
        -------
        int or None
            To be given to `release` when the request has ended; ``None`` if the server
            cannot be used, or another request is on trial there.
        """
        return None if self._standing.trouble is not None else self._breaker.admit(at_s)

    def release(self, admission: int) -> None:
        """Take note that an admitted request has ended, whatever it told of the server."""
        self._breaker.release(admission)

    def offload(
        self,
        cut: Cut,
        values: Arrays,
        remaining_s: float | None,
        encoded: Mapping[str, Encoded] | None = None,
    ) -> Offload:
        """
        Send the crossing values of a cut.

        Parameters
        ----------
        remaining_s
            Seconds until the answer is of no use.
        encoded
            Values that do not travel as they are; of those that are not made yet, `more` is
            to tell.

        Raises
        ------
        ConnectionLostError
            If there is no connection now, or what was agreed on with the server is outdated.
        """
        transport = self._standing.transport
        if transport is None or self._standing.stale is not None:
            raise ConnectionLostError(self._standing.trouble or str(self.problem))
        parameters: dict[str, Parameter] = {"sha256": self._graph.sha256}
        if remaining_s is not None:
            parameters["remaining_s"] = float(remaining_s)
        made = encoded or {}
        tensors = tuple(made.get(name) or (name, values[name]) for name in cut.crossing)
        asked = self._asked.get(cut.id)
        if asked is None:  # told once: every request asks the same of the same cut
            asked = self._served_name(cut), output_specs(self._graph, cut)
            self._asked[cut.id] = asked
        name, expected = asked
        request = OffloadRequest(
            name, parameters, Chunker(tensors), Assembly(expected, self.address)
        )
        offload = Offload(next(self._numbers), request)
        if transport.costs is not None:
            offload.expected_idle_s = transport.costs.tail_s.get(cut.id, 0.0)
        transport.send(offload)
        return offload

    def more(self, offload: Offload) -> None:
        """Take note that more of a request is encoded."""
        transport = self._standing.transport
        if transport is not None:
            transport.more(offload)

    def cancel(self, offload: Offload, at_s: float, is_late: bool = True) -> None:
        """Drop a request: because it is late, or because nobody waits for it any more."""
        transport = self._standing.transport
        is_link_slow = False
        if transport is not None:
            # Acknowledged while it was leaving: the server is well, and the link is the planner's.
            is_heard = transport.last_heard_s > offload.began_at_s
            is_link_slow = is_heard and not offload.request.chunker.is_done
            transport.cancel(offload, at_s, is_late=is_late)
        if not is_late:
            return  # nobody waits for it any more: that is not the server's doing
        if not is_link_slow:
            reason = f"server {self.address} answers late: left alone for a while"
            self._breaker.failed(at_s, reason)
        self._doubt(at_s, f"server {self.address} answers late", is_late=True)

    def remaining_s(self, offload: Offload, at_s: float) -> float | None:
        """Give what is left of an upload at the rate now seen, at least, if that can be told."""
        transport = self._standing.transport
        return None if transport is None else transport.remaining_s(offload, at_s)

    def answered(self, at_s: float, wait_s: float, tail_s: float, idle_s: float) -> None:
        """Learn from an answer that came in time."""
        self._breaker.succeeded(at_s)
        self._load.observe(wait_s, tail_s, idle_s, at_s)

    def given_up(self, after_s: float, predicted_s: float) -> None:
        """Learn that no answer had come after a time: the next one may be given more."""
        if after_s > predicted_s:  # what failed before it was due says nothing of lateness
            self._lateness.observe(after_s, predicted_s)

    def computes_still(self, at_s: float, began_s: float, since_s: float, idle_s: float) -> None:
        """Learn that a tail was not done after a time, which takes `idle_s` when idle."""
        if began_s > self._recovered_s:  # else it met an outage, which is no slowness
            self._load.observe_at_least(since_s, idle_s, at_s)

    def returned(self, download_s: float, received_bytes: int) -> None:
        """Learn what an answer took on its way back."""
        self._link.observe_answer(download_s, received_bytes)

    def paced(self, at_s: float, took_s: float, predicted_s: float, alone_s: float) -> None:
        """
        Learn how an answer kept to what was predicted; one that never does is left alone.

        Parameters
        ----------
        took_s, predicted_s
            From the begin of the sending to the answer.
        alone_s
            What the device needs for the same.
        """
        self._lateness.observe(took_s, predicted_s)
        pause_s = self._pace.observe(took_s, predicted_s, alone_s)
        if pause_s > 0:
            reason = f"server {self.address} takes much longer than predicted, time and again"
            self._breaker.hold(at_s, pause_s, reason)

    def wait_for_tails(self, cuts: Iterable[Cut], timeout_s: float) -> None:
        """
        Wait until the server has built the tails behind cuts.

        Raises
        ------
        ConnectError
            If it has not when the time has passed; names one.
        """
        wanted = {cut.id: cut for cut in cuts}
        with self._changed:
            self._changed.wait_for(lambda: wanted.keys() <= self.tails, timeout_s)
            missing = [cut for cut in wanted.values() if cut.id not in self.tails]
        if missing:
            raise ConnectError(
                f"server {self.address} has no tail behind {', '.join(missing[0].crossing)} yet: "
                "wait longer, or serve the model with a table that has this cut; a server that "
                "is not cutpoint's has the tails that `cutpoint split` wrote for it"
            )

    def end(self) -> None:
        """Ask every thread to end, without waiting for it."""
        self._supervisor.end()

    def close(self) -> None:
        """End every thread and socket."""
        self._supervisor.close()

    def _served_name(self, cut: Cut) -> str:
        if cut.id == SERVER_ONLY:
            return self._graph.name
        return str(TailName(self._graph.name, self._graph.sha256, cut.id))

    def _reopened(self, at_s: float) -> None:
        self._breaker.reconnected(at_s)
        self._recovered(at_s)

    def _recovered(self, at_s: float) -> None:
        self._recovered_s = at_s
        self._load.forget()

    def _doubt(self, at_s: float, reason: str, *, is_late: bool) -> None:
        self._standing.suspect(at_s, reason, is_late=is_late)
        self._standing.wake()

    def _request_failed(self, error: CutpointError, at_s: float) -> None:
        """Take note of why a request got no answer, before who waits for it is told."""
        if isinstance(error, OverloadedError):
            pause_s = max(error.retry_after_s, _LEAST_PAUSE_S)
            self._breaker.hold(at_s, pause_s, f"server {self.address} is overloaded")
            return
        self._breaker.failed(at_s, str(error))
        if isinstance(error, (ModelMismatchError, ModelError)):
            self._standing.outdate(error)
        self._doubt(at_s, str(error), is_late=False)
