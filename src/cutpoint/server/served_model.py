"""A model as the server holds it: once, in segments, every tail of it warm and timed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock

from cutpoint.cost import digest_of_cut_table, fold, read_cut_table
from cutpoint.exceptions import InvalidCutError, ModelError, RemoteExecutionError
from cutpoint.execution import ModelFile, Segments, completed, load_open_graph
from cutpoint.execution.runtime import quiet_options
from cutpoint.graph import SERVER_ONLY, Arrays, Cut, Graph, Sizes, bind, cut_at, server_only
from cutpoint.graph.dimensions import own_sizes
from cutpoint.planning import graph_cuts, shortlist
from cutpoint.profiling.quick import time_segments
from cutpoint.records import Profile, Sample
from cutpoint.server.idle_times import IdleTimes
from cutpoint.wire.holdings import Holdings
from cutpoint.wire.names import TailName
from cutpoint.wire.protocol import PROTOCOL_VERSION
from cutpoint.wire.specs import input_specs, output_specs
from cutpoint.wire.tensors import TensorSpec

_WARM_UP_RUNS = 2
_TIMED_RUNS = 5
_MAX_EXTRA_TAILS = 4
"""Tails beside the segments, each with weights of its own; more are refused."""


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
    ) -> None:
        self.graph = graph
        self._num_threads = num_threads
        self._providers = providers
        self._custom_ops = tuple(custom_ops)
        self._example = example
        self._malloc_kept = malloc_kept
        self._candidates = {cut.id: cut for cut in graph_cuts(graph)}
        kept = shortlist(graph, tuple(self._candidates.values())) if cuts is None else tuple(cuts)
        self._segments = self._held(kept)
        self._extra: dict[str, Segments] = {}
        self._offered: set[str] = set()
        self._extra_lock = Lock()
        self._slots_lock = Lock()
        self._cuts = {cut.id: cut for cut in (server_only(graph), *kept)}
        self._tail_s: dict[str, float] = {}
        self._idle_times = IdleTimes()
        self._profile = self._warm(self._segments, tuple(self._cuts.values()))

    @classmethod
    def load(
        cls,
        path: str,
        tables: Sequence[str] = (),
        sizes: Sizes | None = None,
        custom_ops: Sequence[str] = (),
        trusted: bool = True,
        example: Arrays | None = None,
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

        Raises
        ------
        ModelError
            If it cannot be loaded.
        CostError
            If a table cannot be read.
        """
        options = quiet_options(None, custom_ops)
        graph = load_open_graph(ModelFile.open(path), options=options, trusted=trusted)
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

    def served_name(self, cut: Cut) -> str:
        """Give the name a tail is served under; the model's own for the whole."""
        if cut.id == SERVER_ONLY:
            return self.name
        return str(TailName(self.name, self.graph.sha256, cut.id))

    def idle_s(self, cut: Cut) -> float:
        """Give what a tail takes on this host when idle, at the sizes it was warmed with."""
        return self._tail_s[cut.id]

    def idle_like_s(self, cut: Cut, values: Arrays, tail_s: float) -> float:
        """
        Give what a tail takes on this host when idle, for a request like this one.

        Parameters
        ----------
        values, tail_s
            What it was fed just now and what that took: where sizes vary from call to call,
            the quickest run of this size is what is known.
        """
        if not self.graph.dimensions:
            return self._tail_s[cut.id]
        size_bytes = sum(array.nbytes for array in values.values())
        return self._idle_times.observe(cut.id, size_bytes, tail_s)

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
        segments = self._extra.get(cut.id, self._segments)
        try:
            execution = segments.run(segments.tail_of(cut), values, is_stopped=is_stopped)
        except ModelError:
            raise
        except Exception as error:  # ONNX Runtime raises a class per status, none public
            raise RemoteExecutionError(f"{self.served_name(cut)}: {error}") from error
        if is_stopped():
            raise RemoteExecutionError(f"{self.served_name(cut)}: stopped on request")
        return segments.outputs_of(execution.values), execution.duration_s

    def candidate(self, cut_id: str) -> Cut:
        """
        Give a cut whose tail could be built.

        Raises
        ------
        ModelError
            If the graph has no such candidate.
        """
        cut = self._candidates.get(cut_id)
        if cut is None:
            raise ModelError(
                f"model {self.name!r} has no candidate cut {cut_id!r}: "
                "`cutpoint inspect` lists them"
            )
        return cut

    def offer(self, crossing: Sequence[str]) -> Cut:
        """
        Give the cut at these values, a candidate from now on.

        Raises
        ------
        InvalidCutError
            If the graph cannot be cut there, or not so that other hosts could name it.
        ModelError
            If enough tails were added already.
        """
        cut = self._named_cut(crossing)
        if cut.id not in self._candidates:
            with self._slots_lock:
                self._check_room(cut.id)
                self._offered.add(cut.id)
                self._candidates[cut.id] = cut
        return cut

    def check_room(self, cut_id: str) -> None:
        """
        Refuse one more tail where enough are built or wait to be.

        Raises
        ------
        ModelError
            If they are.
        """
        with self._slots_lock:
            self._check_room(cut_id)

    def add_tail(self, cut_id: str) -> Cut:
        """
        Build, warm and time the tail of a candidate that no segment boundary meets.

        An offered cut whose building fails is a candidate no more: its slot is another's.

        Raises
        ------
        ModelError
            If the graph has no such candidate, or enough tails were added already.
        """
        with self._extra_lock:
            if cut_id not in self._cuts:
                try:
                    self._add(self.candidate(cut_id))
                except BaseException:
                    self._withdraw(cut_id)
                    raise
            return self._cuts[cut_id]

    def holdings(self) -> Holdings:
        """Describe what is held, for a device that plans."""
        tails = {cut.id: cut.crossing for cut in self.cuts}
        return Holdings(PROTOCOL_VERSION, self.graph.sha256, self.profile(), tails)

    def profile(self) -> Profile:
        """Give the idle times of the whole and of each tail."""
        whole = Sample("whole", "", self._tail_s[SERVER_ONLY])
        tails = (Sample("tail", cut.id, self._tail_s[cut.id]) for cut in self.cuts)
        return replace(self._profile, samples=(whole, *tails))

    def _named_cut(self, crossing: Sequence[str]) -> Cut:
        """Give the cut at these values, if a host with another runtime can name it too."""
        graph = self.graph
        if len(set(crossing)) < len(crossing):
            raise InvalidCutError(
                f"{len(crossing)} values of {self.name!r} are named, some of them twice: "
                "name each that crosses once"
            )
        cut = cut_at(graph, crossing)
        if not cut.head:
            raise InvalidCutError(
                f"the tail behind {list(cut.crossing)} is the whole model: ask for {self.name!r}"
            )
        unnamed = [
            name
            for name in cut.crossing
            if not graph.values[name].can_travel or name not in graph.original_names
        ]
        if unnamed:
            raise InvalidCutError(
                f"{unnamed} may not cross a cut of {self.name!r}: each must be a value of the "
                "model file and have a known type and shape; `cutpoint inspect` lists the cuts"
            )
        return cut

    def _check_room(self, cut_id: str) -> None:
        # Those not built yet count too: building is slow and asking is cheap.
        if len(self._offered | self._extra.keys()) >= _MAX_EXTRA_TAILS:
            raise self._full(cut_id)

    def _add(self, cut: Cut) -> None:
        if len(self._extra) >= _MAX_EXTRA_TAILS:
            raise self._full(cut.id)
        segments = self._held((cut,))
        self._warm(segments, (cut,))
        with self._slots_lock:
            self._extra[cut.id] = segments
        self._cuts[cut.id] = cut

    def _withdraw(self, cut_id: str) -> None:
        with self._slots_lock:
            if cut_id in self._offered:
                self._offered.remove(cut_id)
                del self._candidates[cut_id]

    def _full(self, cut_id: str) -> ModelError:
        return ModelError(
            f"model {self.name!r} holds {_MAX_EXTRA_TAILS} tails beside its segments already: "
            f"cut {cut_id} is refused; serve it with a table that has it"
        )

    def _held(self, cuts: Sequence[Cut]) -> Segments:
        return Segments(
            self.graph,
            cuts,
            options=quiet_options(self._num_threads, self._custom_ops),
            providers=self._providers,
        )

    def _warm(self, segments: Segments, cuts: Sequence[Cut]) -> Profile:
        """Run every segment until warm, and time the tails of these cuts."""
        profile = time_segments(
            segments,
            feed=self._example,
            repeats=_TIMED_RUNS,
            warm_up=_WARM_UP_RUNS,
            num_threads=self._num_threads or 0,
            malloc_kept=self._malloc_kept,
        )
        costs = fold(self.graph, profile, cuts)
        self._tail_s.update({cut.id: costs.tail_s[cut.id] for cut in cuts})
        return profile
