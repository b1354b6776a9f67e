"""A model as the server holds it: once, in segments, every tail of it warm and timed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock

from cutpoint.cost import digest_of_cut_table, fold, read_cut_table
from cutpoint.cost.batch_times import batch_times
from cutpoint.exceptions import (
    ModelError,
    NotReadyError,
    RemoteExecutionError,
)
from cutpoint.execution import ModelFile, Segments, completed, load_open_graph
from cutpoint.execution.file_cache import FileCache
from cutpoint.execution.runtime import quiet_options
from cutpoint.graph import (
    SERVER_ONLY,
    Arrays,
    Cut,
    Graph,
    Sizes,
    bind,
    constant_outputs,
    sample_feed,
    server_only,
)
from cutpoint.graph.dimensions import own_sizes
from cutpoint.planning import shortlist
from cutpoint.profiling.kept_times import time_or_recall
from cutpoint.records import Profile
from cutpoint.server.candidates import Candidates
from cutpoint.server.decode_times import timed_decoding
from cutpoint.server.held_segments import HeldSegments
from cutpoint.server.known_codecs import KnownCodecs
from cutpoint.server.lines import Line, Lines
from cutpoint.server.memory_budget import MemoryBudget
from cutpoint.server.settings import Batching
from cutpoint.server.tail_times import TailTimes
from cutpoint.wire.holdings import Holdings
from cutpoint.wire.names import TailName
from cutpoint.wire.protocol import PROTOCOL_VERSION
from cutpoint.wire.specs import input_specs, output_specs
from cutpoint.wire.tensors import TensorSpec

_WARM_UP_RUNS = 2
_TIMED_RUNS = 5
_RETRY_AFTER_S = 1.0
"""When to ask again for what is being loaded."""


class ServedModel:
    """
    One model, its segments, and what each of its tails takes on this idle host.

    Parameters
    ----------
    graph
        The model.
    num_threads
        Threads inside one operator; ``None`` leaves the runtime's default.
    providers
        Execution providers, as for ONNX Runtime.
    malloc_kept
        Reported in the profile's environment.
    cuts
        Interior cuts to hold; those of `cuts_to_hold` by default.
    custom_ops
        Libraries of custom operators that the model needs.
    example
        Inputs to warm up and time with; made up by default.
    version
        Which of the versions of this name it is.
    budget
        What all models of a server may take together; its own by default.
    batching, max_batch
        Whose requests may run as one, and how many.
    cache
        Where times are kept between starts; ``None`` takes them each time.
    codecs
        That are decoded here; they are timed on what crosses this model's cuts.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        num_threads: int | None = None,
        providers: Sequence[str] | None = None,
        malloc_kept: bool = False,
        cuts: Sequence[Cut] | None = None,
        custom_ops: Sequence[str] = (),
        example: Arrays | None = None,
        version: int = 1,
        budget: MemoryBudget | None = None,
        batching: Batching = "segments",
        max_batch: int = 8,
        cache: FileCache | None = None,
        codecs: KnownCodecs | None = None,
    ) -> None:
        self.graph = graph
        self.version = version
        self._weights = HeldSegments(graph, budget or MemoryBudget(), self._gone)
        self._num_threads = num_threads
        self._providers = providers
        self._custom_ops = tuple(custom_ops)
        self._example = example
        self._malloc_kept = malloc_kept
        self._cache = cache
        self._max_batch = 1 if batching == "off" else max_batch
        self._lines = Lines(graph, batching if max_batch > 1 else "off")
        self.candidates = Candidates(graph, self._weights)
        kept = shortlist(graph, self.candidates.cuts) if cuts is None else tuple(cuts)
        self._kept = kept
        self._extra_lock = Lock()
        self._cuts_lock = Lock()
        self._cuts = {cut.id: cut for cut in (server_only(graph), *kept)}
        self._of_all = frozenset(self._cuts)
        self._times = TailTimes(graph)
        segments = self._weights.build(SERVER_ONLY, kept, self._held)
        self._profile = self._warm(segments, tuple(self._cuts.values()))
        self._codec_names = () if codecs is None else codecs.names
        self.decoding = timed_decoding(segments, self.cuts, example, codecs, cache)
        self._batched = frozenset(segments.batches)
        self._weights.publish(SERVER_ONLY, segments, is_wanted=False)

    @classmethod
    def load(
        cls,
        path: str,
        tables: Sequence[str] = (),
        sizes: Sizes | None = None,
        custom_ops: Sequence[str] = (),
        trusted: bool = True,
        example: Arrays | None = None,
        name: str | None = None,
        **settings: object,
    ) -> "ServedModel":
        """
        Load, warm and time a model file.

        Parameters
        ----------
        tables
            Files of compiled tables; one that is of this model says where it is cut.
        sizes
            Binds open dimensions by name, for warming and timing; sizes of other models'
            dimensions are passed over. Requests may be of any size.
        custom_ops
            Libraries of custom operators that the model needs.
        trusted
            Whether somebody vouches for the file; if not it is tried out in a worker first.
        example
            Inputs that bind open dimensions, and to warm up and time with.
        name
            To serve it under; that of the file by default.

        Raises
        ------
        ModelError
            If it cannot be loaded.
        CostError
            If a table cannot be read.
        """
        options = quiet_options(None, custom_ops)
        graph = load_open_graph(ModelFile.open(path, name), options=options, trusted=trusted)
        bound = own_sizes(sizes or {}, graph.dimensions, graph.unranked)
        graph = completed(bind(graph, bound), example, options)
        own = next((each for each in tables if digest_of_cut_table(each) == graph.sha256), None)
        if own is not None:
            settings["cuts"] = read_cut_table(own, graph).splits
        return cls(graph, custom_ops=custom_ops, example=example, **settings)  # type: ignore[arg-type]

    @property
    def name(self) -> str:
        """The name of the whole model."""
        return self.graph.name

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """Server-only and the cuts whose tails are warm."""
        return tuple(self._cuts.values())

    @property
    def is_cold(self) -> bool:
        """Whether its segments made room for others: `heat` loads them again."""
        return self._weights.get(SERVER_ONLY) is None

    def served_name(self, cut: Cut) -> str:
        """Give the name a tail is served under; the model's own for the whole."""
        if cut.id == SERVER_ONLY:
            return self.name
        return str(TailName(self.name, self.graph.sha256, cut.id))

    def idle_s(self, cut: Cut) -> float:
        """Give what a tail takes on this host when idle, at the sizes it was warmed with."""
        return self._times.idle_s(cut)

    def idle_like_s(self, cut: Cut, fed_bytes: int, tail_s: float) -> float:
        """
        Give what a tail takes on this host when idle, for a request like this one.

        Parameters
        ----------
        fed_bytes, tail_s
            What it was fed just now and what that took: where sizes vary from call to call,
            the quickest run of this size is what is known.
        """
        return self._times.idle_like_s(cut, fed_bytes, tail_s)

    def inputs_of(self, cut: Cut) -> tuple[TensorSpec, ...]:
        """Give the tensors a tail takes."""
        return input_specs(self.graph, cut)

    def outputs_of(self, cut: Cut) -> tuple[TensorSpec, ...]:
        """Give the tensors a tail makes."""
        return output_specs(self.graph, cut)

    def run(self, cut: Cut, values: Arrays, is_stopped: Callable[[], bool]) -> tuple[Arrays, float]:
        """
        Run a tail.

        Returns
        -------
        outputs : dict of arrays
        tail_s : float
            Seconds in segments.

        Raises
        ------
        RemoteExecutionError
            If it was stopped between segments, or ONNX Runtime failed.
        """
        segments = self.segments_for(cut)
        try:
            execution = segments.run(segments.tail_of(cut), values, is_stopped=is_stopped)
        except ModelError:
            raise
        except Exception as error:  # ONNX Runtime raises a class per status, none public
            raise RemoteExecutionError(f"{self.served_name(cut)}: {error}") from error
        if is_stopped():
            raise RemoteExecutionError(f"{self.served_name(cut)}: stopped on request")
        return segments.outputs_of(execution.values), execution.duration_s

    def is_held(self, cut: Cut) -> bool:
        """Tell whether a tail can run now."""
        if self._weights.get(cut.id) is not None:
            return True
        return cut.id in self._of_all and not self.is_cold

    def line_of(self, cut: Cut) -> Line:
        """
        Give the stages that requests for a tail go through.

        Raises
        ------
        NotReadyError
            If its segments made room for others.
        """
        return self._lines.line_of(self.segments_for(cut), cut)

    def answer_of(self, cut: Cut, values: Arrays) -> Arrays:
        """Give what a tail answers, of everything there is once its line was run."""
        made = {**values, **constant_outputs(self.graph)}
        return {spec.name: made[spec.name] for spec in self.outputs_of(cut)}

    def segments_for(self, cut: Cut) -> Segments:
        """
        Give the segments in which a tail is a set of whole ones.

        Raises
        ------
        NotReadyError
            If they made room for others.
        """
        segments = self._weights.get(cut.id)
        if segments is None and cut.id in self._of_all:
            segments = self._weights.get(SERVER_ONLY)
        if segments is None:
            raise NotReadyError(
                f"{self.served_name(cut)!r} made room for other models: it is loaded again when "
                "it is asked for; compute on the device meanwhile",
                _RETRY_AFTER_S,
            )
        return segments

    def hold(self, cut: Cut) -> Callable[[], None]:
        """Keep a tail's weights in memory until what is given back is called."""
        return self._weights.hold(cut.id, SERVER_ONLY)

    def touch(self, cut: Cut) -> None:
        """Note that a tail is wanted now: it is not the next to make room."""
        self._weights.touch(cut.id, SERVER_ONLY)

    def heat(self) -> None:
        """
        Load the segments again that made room for others.

        Raises
        ------
        ModelError
            If there is no room now.
        """
        with self._extra_lock:
            if not self.is_cold:
                return
            segments = self._weights.build(SERVER_ONLY, self._kept, self._held)
            if self._max_batch > 1:
                segments.take_batches(self._batched)
            feed = self._example or sample_feed(self.graph)
            for _ in range(_WARM_UP_RUNS):
                segments.warm_up(feed)
            self._lines.learn(segments, batch_times(self._profile.samples))
            self._weights.publish(SERVER_ONLY, segments, is_wanted=True)

    def add_tail(self, cut_id: str) -> Cut:
        """
        Build, warm and time the tail of a candidate that no segment boundary meets.

        An offered cut whose building fails is a candidate no more: its slot is another's.

        Raises
        ------
        ModelError
            If the graph has no such candidate, or there is no room for its weights.
        """
        with self._extra_lock:
            if cut_id not in self._cuts:
                try:
                    self._add(self.candidates.get(cut_id))
                except BaseException:
                    self.candidates.withdraw(cut_id)
                    raise
            return self._cuts[cut_id]

    def holdings(self) -> Holdings:
        """Describe what is held, for a device that plans."""
        tails = {cut.id: cut.crossing for cut in self.cuts}
        return Holdings(
            PROTOCOL_VERSION,
            self.graph.sha256,
            self.profile(),
            tails,
            self._codec_names,
            tuple(self.decoding.samples),
        )

    def profile(self) -> Profile:
        """Give the idle times of the whole and of each tail, of batches of requests too."""
        return replace(self._profile, samples=self._times.samples(self.cuts))

    def _add(self, cut: Cut) -> None:
        segments = self._weights.build(cut.id, (cut,), self._held)
        self._warm(segments, (cut,))
        with self._cuts_lock:
            self._weights.publish(cut.id, segments, is_wanted=True)
            self._cuts = {**self._cuts, cut.id: cut}

    def _gone(self, cut_id: str) -> None:
        """Offer a tail no more that made room for others; it is built again when asked for."""
        with self._cuts_lock:
            self._cuts = {name: cut for name, cut in self._cuts.items() if name != cut_id}
        self.candidates.withdraw(cut_id)

    def _held(self, cuts: Sequence[Cut]) -> Segments:
        return Segments(
            self.graph,
            cuts,
            options=quiet_options(self._num_threads, self._custom_ops),
            providers=self._providers,
        )

    def _warm(self, segments: Segments, cuts: Sequence[Cut]) -> Profile:
        """Run every segment until warm, and time the tails of these cuts."""
        if self._max_batch > 1:
            segments.find_batches(self._example)
        profile = time_or_recall(
            segments,
            self._cache,
            feed=self._example,
            repeats=_TIMED_RUNS,
            warm_up=_WARM_UP_RUNS,
            num_threads=self._num_threads or 0,
            malloc_kept=self._malloc_kept,
            max_batch=self._max_batch,
            setting={"custom operators": self._custom_ops},
        )
        self._lines.learn(segments, batch_times(profile.samples))
        costs = fold(self.graph, profile, cuts)
        batches = {sample.batch for sample in profile.samples}
        for cut in cuts:
            self._times.learn(cut, costs, self._lines.line_of(segments, cut), batches)
        return profile
