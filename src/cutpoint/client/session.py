"""A drop-in for `onnxruntime.InferenceSession` that may run part of the model elsewhere."""

import os
import weakref
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from random import getrandbits
from typing import Any

from cutpoint.client.background_runs import AsyncCallback, BackgroundRuns
from cutpoint.client.codec_choice import CHECK_RATE, ToleranceGiven, codec_choice
from cutpoint.client.codec_guard import WithdrawalObserver
from cutpoint.client.device_profiles import ProfileGiven
from cutpoint.client.encoded_inputs import opened_feed
from cutpoint.client.engine import Engine, Hold, RecordObserver
from cutpoint.client.late_engine import LateEngine
from cutpoint.client.whole_session import WholeSession
from cutpoint.cost import PowerProfile, profile_given
from cutpoint.exceptions import UnknownShapeError
from cutpoint.execution import ModelFile, load_open_graph, vetted_copy
from cutpoint.graph import Graph, checked_feed, checked_outputs
from cutpoint.planning import session_objective
from cutpoint.policies import Hedge, Policy, checked_hedge, policy_named
from cutpoint.profiling.calibration_feeds import Feeds
from cutpoint.records import InferenceRecord, Withdrawal
from cutpoint.wire.credentials import ClientSecurity


class InferenceSession:
    """
    Runs an ONNX model here, on a server, or partly on each, whichever answers soonest.

    The first four parameters are those of `onnxruntime.InferenceSession`; without a
    server this *is* ONNX Runtime. With one, every `run` decides anew, and whatever
    happens to the server or the link, the device finishes by itself. Everything of
    ONNX Runtime's session that is not named here is passed on to a session of the
    whole model, which is created when it is first needed.

    Parameters
    ----------
    path_or_bytes
        The model.
    sess_options, providers, provider_options
        As for ONNX Runtime; used for every segment. The default options have
        spinning off.
    server
        ``HOST:PORT`` of a cutpoint server, or of any server of the Open Inference
        Protocol that has the model under `name`. It need not be there yet. Several, in a
        list or joined by commas, are used in order of preference.
    policy
        ``"cutpoint"``, ``"device"``, ``"server"``, names of values to cut at joined by
        commas, a published scheme (a key of `cutpoint.policies.PUBLISHED`), or a policy object.
    profile
        What the model takes on this device: a file written by ``cutpoint profile``
        or its content, or several of them, measured at several sizes. Without one the
        segments are timed a few times at the start.
    deadline_s
        Wanted latency: the device goes on alone early enough to keep it. `run` may be
        given another one.
    name
        Of the model at the server; the file's name without its suffix by default.
    hold
        ``"segments"`` holds the model once. ``"whole"`` holds the whole model beside
        its segments, and runs device-only inferences on it at ONNX Runtime's speed.
    slowdown
        Emulates a device this many times slower (see `Segments`).
    on_record
        Called with the record of every inference.
    on_fallback
        Called with the record of every inference that the device finished alone though a
        server might have been used; its `fallback_reason` says why.
    security
        What to show the servers and to demand of them: TLS, certificates, a token.
    max_extra_attempts
        Second attempts, at another server, as a share of all requests sent to servers.
    table
        File of a compiled table (``cutpoint plan --table``): the model is held at its cuts
        and every decision is made among them. Give the server the same one. Without it
        the cuts are those that the graph alone suggests, the same on both sides.
    sizes
        Binds open dimensions of the inputs by name (``{"batch": 1}``; ``INPUT:POSITION``
        where the file has no name) for warming, timing and the first plans. What is left
        open, the first `run` binds: the session connects and measures then. Every later
        `run` may be of other sizes, and is planned for them.
    example
        Inputs to warm up and time with, which bind open dimensions as well; made up by
        default. For models that do not run on any numbers: indices, shapes as inputs.
    trusted
        ``False`` for a file nobody vouches for: it is checked and tried out in a worker
        process, under limits, before this process loads it.
    cache
        Folder where the times of segments are kept between starts, so that the next session
        begins sooner; without it, or where it cannot be used, they are taken each time.
    codecs
        Names of the codecs that values may travel by, in a list or joined by commas, or
        ``"raw"`` for none. By default those that lose nothing; with a tolerance every one that
        is installed and keeps it.
    tolerance
        How far the outputs may be from the exact ones: ``"top1:0.99"``, ``"l2:0.01"``,
        ``"package.module:function"``, or the function itself, which is given the exact outputs
        and those that came, by name, and gives a number that must not be above 1. Without one
        every answer is exact.
    calibrate
        Feeds, or a folder of them (``.npz``, ``.npy``, pictures), on which it is seen what
        codecs do to this model, at the start of the session. A codec and cut that break the
        tolerance are not used.
    calibration
        File of ``cutpoint calibrate``, in place of that.
    check_rate
        Share of the inferences with a lossy codec that the device computes again, exactly,
        beside everything else. A codec whose errors have become too much is withdrawn. 0 for
        none.
    on_withdrawn
        Called with every `Withdrawal`, on the thread that checks.
    hedge
        When the device computes on after it has sent, and the first answer wins: ``"off"``, never;
        ``"always"``; or ``"auto"``, where the risk that the server is late is worth the joules.
        It bounds an inference by what the device alone would take, and costs its computing.
    objective
        What `run` makes small: ``"latency"``; ``"energy"``, the joules of this device; or
        ``"weighted:SHARE"``, both, with that share (by default 0.5) for the energy. With a
        deadline, only among what keeps it. The published schemes keep to their own.
    power
        What this device draws: a name (a key of `cutpoint.cost.POWER_PROFILES`), a JSON file, or
        a `cutpoint.cost.PowerProfile`. Every record then has its `energy_j`.
    **kwargs
        Passed to ONNX Runtime's session.

    Raises
    ------
    ModelError
        If the model cannot be loaded, or not be cut at the policy's values.
    FeedError
        If the model does not run on the example, or on made-up inputs.
    ProfileError
        If the profile cannot be read or is of another model.
    CodecError, ToleranceError
        If a codec or the tolerance is none, or one was given without what it needs.
    ConfigurationError
        If `hedge` is none of the three.
    PlannerError, CostError
        If the objective or the power profile is none, or joules are to be small and nothing
        says what is drawn.
    ConnectError
        If `server` is not ``HOST:PORT``. A server that is not *reached* is no error:
        the records say so, and `wait_until_ready` raises the reason.

    Examples
    --------
    >>> session = InferenceSession("model.onnx", server="edge:8001")  # doctest: +SKIP
    >>> outputs = session.run(None, {"input": image})  # doctest: +SKIP
    >>> session.last_record.placement  # doctest: +SKIP
    'split'
    """

    def __init__(
        self,
        path_or_bytes: str | bytes | os.PathLike[str],
        sess_options: Any = None,
        providers: Sequence[Any] | None = None,
        provider_options: Sequence[Mapping[str, Any]] | None = None,
        *,
        server: str | Sequence[str] | None = None,
        policy: str | Policy = "cutpoint",
        profile: ProfileGiven = None,
        deadline_s: float | None = None,
        name: str | None = None,
        hold: Hold = "segments",
        slowdown: float = 1.0,
        on_record: RecordObserver | None = None,
        on_fallback: RecordObserver | None = None,
        security: ClientSecurity | None = None,
        max_extra_attempts: float = 0.1,
        table: str | os.PathLike[str] | None = None,
        sizes: Mapping[str, int] | None = None,
        example: Mapping[str, Any] | None = None,
        trusted: bool = True,
        cache: str | os.PathLike[str] | None = None,
        codecs: str | Sequence[str] | None = None,
        tolerance: ToleranceGiven = None,
        calibrate: Feeds | None = None,
        calibration: str | os.PathLike[str] | None = None,
        check_rate: float = CHECK_RATE,
        on_withdrawn: WithdrawalObserver | None = None,
        hedge: Hedge = "off",
        objective: str = "latency",
        power: str | os.PathLike[str] | PowerProfile | None = None,
        **kwargs: Any,
    ) -> None:
        drawn, hedge = profile_given(power), checked_hedge(hedge)
        wanted = session_objective(objective, drawn)
        self._copies = ExitStack()
        file: ModelFile | None = None
        if not trusted:
            # What was vetted is what is loaded, now and whenever ONNX Runtime's own session is.
            vetted = vetted_copy(ModelFile.open(path_or_bytes, name), sizes=sizes)
            file = self._copies.enter_context(vetted)
            path_or_bytes = file.source
            weakref.finalize(self, self._copies.close)
        self._whole = WholeSession(
            path_or_bytes, sess_options, providers, provider_options, **kwargs
        )
        self._async = BackgroundRuns(deadline_s)
        self._late: LateEngine | None = None
        if server is not None:
            graph = load_open_graph(
                file or ModelFile.open(path_or_bytes, name), sizes=sizes, options=sess_options
            )
            begin = partial(
                Engine,
                graph,
                server=server,
                policy=policy_named(policy, getrandbits(32)) if isinstance(policy, str) else policy,
                profile=profile,
                deadline_s=deadline_s,
                hold=hold,
                slowdown=slowdown,
                on_record=on_record,
                on_fallback=on_fallback,
                security=security,
                max_extra_attempts=max_extra_attempts,
                table=table,
                cache=cache,
                codecs=codec_choice(
                    codecs,
                    tolerance=tolerance,
                    calibrate=calibrate,
                    calibration=calibration,
                    check_rate=check_rate,
                ),
                on_withdrawn=on_withdrawn,
                hedge=hedge,
                objective=wanted,
                power=drawn,
                options=sess_options,
                providers=providers,
                provider_options=provider_options,
            )
            self._late = LateEngine(graph, begin)
            if graph.is_bound or example is not None:
                self._started(example)
        else:
            self._whole.get()

    def __repr__(self) -> str:
        return f"<InferenceSession {self._engine!r}>" if self._engine else "<InferenceSession>"

    def __enter__(self) -> "InferenceSession":  # noqa: PYI034 (Self needs Python 3.11)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        """Pass on what ONNX Runtime's session has beside what is defined here."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._whole.get(), name)

    @property
    def last_record(self) -> InferenceRecord | None:
        """The record of the inference that ended last; ``None`` before the first, or serverless."""
        return None if self._engine is None else self._engine.last_record

    @property
    def withdrawn(self) -> tuple[Withdrawal, ...]:
        """Codecs that are used no more because of what they did to the outputs."""
        return () if self._engine is None else self._engine.withdrawn

    @property
    def num_checked(self) -> int:
        """Inferences that the device computed again, to see what codecs do to the outputs."""
        return 0 if self._engine is None else self._engine.num_checked

    @property
    def graph(self) -> Graph | None:
        """The model's graph; ``None`` without a server."""
        return None if self._engine is None else self._engine.graph

    def run(
        self,
        output_names: Sequence[str] | None,
        input_feed: Mapping[str, Any],
        run_options: Any = None,
        *,
        deadline_s: float | None = None,
    ) -> list[Any]:
        """
        Compute the outputs, wherever that is soonest.

        Parameters
        ----------
        output_names
            Outputs wanted; ``None`` or none at all gives every one.
        input_feed
            Array per input; type and shape are exactly the model's. A `cutpoint.EncodedImage`
            may take the place of a picture of bytes.
        run_options
            ONNX Runtime's, for what runs here.
        deadline_s
            Wanted latency of this one, from now on; the session's by default. A deadline
            that nothing can keep any more is missed by as little as can be.

        Returns
        -------
        list of arrays
            In the order of the names.

        Raises
        ------
        FeedError
            If the feed or a name does not fit the model. The session stays usable.
        """
        engine = self._started(input_feed)
        if engine is None:
            feed = self._whole.decoded(input_feed)
            return list(self._whole.get().run(output_names, feed, run_options))
        wanted = checked_outputs(engine.graph, None if output_names is None else list(output_names))
        feed, inputs = opened_feed(engine.graph, input_feed)
        outputs = engine.run(checked_feed(engine.graph, feed), run_options, deadline_s, inputs)
        return [outputs[name] for name in wanted]

    def run_async(
        self,
        output_names: Sequence[str] | None,
        input_feed: Mapping[str, Any],
        callback: AsyncCallback,
        user_data: Any,
        run_options: Any = None,
    ) -> None:
        """
        Compute the outputs on another thread, in the order of the calls.

        It is planned when its turn comes, for the servers as they are then; a session's
        deadline runs from the call, so waiting here counts.

        Parameters
        ----------
        callback
            Called with the outputs (``None`` after an error), `user_data`, and the
            error's text (empty if there was none), as by ONNX Runtime.
        user_data
            Handed to the callback.
        """
        if self._late is None:
            feed = self._whole.decoded(input_feed)
            self._whole.get().run_async(output_names, feed, callback, user_data, run_options)
            return
        self._async.submit(self.run, output_names, input_feed, callback, user_data, run_options)

    def get_inputs(self) -> list[Any]:
        """Give ONNX Runtime's descriptions of the inputs, in the model's order."""
        return self._whole.described(self._engine, 0)

    def get_outputs(self) -> list[Any]:
        """Give ONNX Runtime's descriptions of the outputs, in the model's order."""
        return self._whole.described(self._engine, 1)

    def get_providers(self) -> list[str]:
        """Give the execution providers of what runs on this device."""
        if self._engine is None:
            return list(self._whole.get().get_providers())
        return list(self._engine.segments.providers)

    def wait_until_ready(self, timeout_s: float = 10.0) -> None:
        """
        Wait until a server can be used; at once without any.

        With values to cut at as the policy: until the server has built what lies behind them.

        Raises
        ------
        CutpointError
            Why it cannot, when the time has passed. The session stays usable.
        """
        if self._engine is not None:
            self._engine.wait_until_ready(timeout_s)
        elif self._late is not None:
            raise UnknownShapeError(
                "the model's open dimensions are not bound yet, so nothing was measured: give "
                "their sizes (sizes={...}) or run once"
            )

    def close(self) -> None:
        """End threads and connections; the session may not be run afterwards."""
        self._async.close()
        if self._engine is not None:
            self._engine.close()
        self._copies.close()

    @property
    def _engine(self) -> Engine | None:
        return None if self._late is None else self._late.engine

    def _started(self, feed: Mapping[str, Any] | None) -> Engine | None:
        """Give the engine; the first feed of a model with open dimensions starts it."""
        return None if self._late is None else self._late.started(feed, self)
