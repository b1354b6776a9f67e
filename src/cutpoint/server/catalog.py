"""Which model a name means."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple

from cutpoint.cost import digest_of_cut_table
from cutpoint.exceptions import CostError, ModelError, ModelMismatchError
from cutpoint.graph import SERVER_ONLY, Cut
from cutpoint.graph import cut_id as cut_of_names
from cutpoint.server.served_model import ServedModel
from cutpoint.wire.names import DIGITS

_log = logging.getLogger(__name__)

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
"""A tail whose building failed is not built again before; the pause doubles with each failure."""


class Endpoint(NamedTuple):
    """A whole model or a tail: a model of the protocol, ready to run."""

    name: str
    model: ServedModel
    cut: Cut


@dataclass
class _Failure:
    """A build that failed: of what, how often in a row, and when it may be tried again."""

    cut: Cut
    num_failed: int
    again_s: float
    is_told: bool = False


class Catalog:
    """
    The models of one server by the names they are served under.

    Parameters
    ----------
    models
        Loaded and warm.
    clock
        Seconds, after which a tail whose building failed may be asked for again.
    """

    def __init__(
        self,
        models: Iterable[ServedModel] = (),
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._models = {model.name: model for model in models}
        self._clock = clock
        self._builder = ThreadPoolExecutor(1, thread_name_prefix="cutpoint-build")
        self._building: dict[str, Future[Cut]] = {}
        self._failures: dict[str, _Failure] = {}
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"<Catalog: {', '.join(self._models) or 'empty'}>"

    def add(self, model: ServedModel) -> None:
        """
        Serve one more model.

        Raises
        ------
        ModelError
            If one of this name is served already.
        """
        if model.name in self._models:
            raise ModelError(
                f"two files are named {model.name!r}: rename one, devices ask by this name"
            )
        self._models[model.name] = model

    def check_tables(self, tables: Iterable[str]) -> None:
        """
        Refuse tables nobody here is cut by.

        Raises
        ------
        CostError
            If one is of none of the models.
        """
        served = {model.graph.sha256 for model in self._models.values()}
        for table in tables:
            if digest_of_cut_table(table) not in served:
                raise CostError(
                    f"table {table} is of none of the models served "
                    f"({', '.join(sorted(self._models))}): give the model file it was compiled from"
                )

    def close(self) -> None:
        """Stop building."""
        self._builder.shutdown(wait=True, cancel_futures=True)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Give everything that is ready."""
        models = tuple(self._models.values())
        return tuple(Endpoint(m.served_name(cut), m, cut) for m in models for cut in m.cuts)

    def resolve(self, name: str) -> Endpoint:
        """
        Give what a name means.

        Raises
        ------
        ModelError
            If nothing by this name is ready.
        ModelMismatchError
            If the name is of a tail of another model file.
        """
        model, cut_id = self._parsed(name)
        cut = next((cut for cut in model.cuts if cut.id == cut_id), None)
        if cut is None:
            raise ModelError(f"tail {name!r} is not built: ask for it with ModelReady and wait")
        return Endpoint(name, model, cut)

    def is_ready(self, name: str) -> bool:
        """
        Tell whether a name is ready; begin to build it if it is a tail that could be.

        A build that failed is told first, and begun again after a pause.

        Raises
        ------
        ModelError
            If the name means nothing here, or its tail could not be built.
        """
        model, cut_id = self._parsed(name)
        if any(cut.id == cut_id for cut in model.cuts):
            return True
        self._build(name, model, lambda: model.candidate(cut_id))
        return False

    def ask_for(self, name: str, crossing: Sequence[str]) -> None:
        """
        Begin to build the tail behind these values; `is_ready` tells when it is there.

        Raises
        ------
        ModelError
            If the model cannot be cut there, the name is of another cut, or the tail could
            not be built.
        ModelMismatchError
            If the name is of a tail of another model file.
        """
        model, cut_id = self._parsed(name)
        if any(cut.id == cut_id for cut in model.cuts):
            return
        if len(crossing) > len(model.graph.values):
            raise ModelError(
                f"{name!r}: {len(crossing)} values are named and the model has "
                f"{len(model.graph.values)}: name those that cross"
            )
        if cut_of_names(crossing) != cut_id:
            raise ModelError(f"{name!r} is not the tail behind {list(crossing)}")
        self._build(name, model, lambda: model.offer(crossing))

    def _build(self, name: str, model: ServedModel, candidate: Callable[[], Cut]) -> None:
        """Begin to build a tail, unless that is under way or failed just now."""
        with self._lock:
            if name in self._building:
                failure = self._told_failure(name)
                if failure is None:
                    return
                model.check_room(failure.cut.id)
                cut = model.offer(failure.cut.crossing)
            else:
                cut = candidate()  # nothing is kept of names that mean nothing
            try:
                self._building[name] = self._builder.submit(self._built, name, model, cut)
            except RuntimeError as error:  # the builder was shut down
                raise ModelError(f"tail {name!r} is not built: the server is stopping") from error

    def _told_failure(self, name: str) -> _Failure | None:
        """Give how a build failed that may be tried again; raise what went wrong until then."""
        building = self._building[name]
        if not building.done() or building.cancelled():
            return None
        error = building.exception()
        if error is None:
            return None
        failure = self._failures[name]
        if failure.is_told and self._clock() >= failure.again_s:
            return failure
        failure.is_told = True
        raise error.with_traceback(None)  # raised often, it would grow each time

    def _built(self, name: str, model: ServedModel, cut: Cut) -> Cut:
        """Build, on the builder's thread; what goes wrong is kept as a ModelError."""
        try:
            made = model.add_tail(cut.id)
        except Exception as error:  # of memory, of the runtime: none may be the last word
            self._note_failure(name, cut)
            _log.warning("tail %s could not be built: %r", name, error)
            _forget_frames(error)
            if isinstance(error, ModelError):
                raise
            words = str(error) or type(error).__name__
            raise ModelError(f"tail {name!r} could not be built: {words}") from error
        self._failures.pop(name, None)
        return made

    def _note_failure(self, name: str, cut: Cut) -> None:
        before = self._failures.get(name)
        num_failed = before.num_failed + 1 if before else 1
        pause_s = min(_FIRST_PAUSE_S * 2.0 ** min(num_failed - 1, 10), _LONGEST_PAUSE_S)
        self._failures[name] = _Failure(cut, num_failed, self._clock() + pause_s)

    def _parsed(self, name: str) -> tuple[ServedModel, str]:
        whole, dot, rest = name.partition(".")
        model = self._models.get(whole)
        if model is None:
            known = ", ".join(sorted(self._models)) or "none yet"
            raise ModelError(f"no model {name!r} here; this server has: {known}")
        if not dot:
            return model, SERVER_ONLY
        digest, _, cut_id = rest.partition(".")
        if digest != model.graph.sha256[:DIGITS]:
            raise ModelMismatchError(
                f"{name!r} is a tail of another file: this server's {whole!r} is "
                f"{model.graph.sha256[:DIGITS]}; give both sides the same file"
            )
        return model, cut_id


def _forget_frames(error: BaseException | None) -> None:
    """Let go of what a failed build held: frames keep their locals, and the error is kept."""
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
