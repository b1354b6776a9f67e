"""Which model a name means."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple

from cutpoint.cost import digest_of_cut_table
from cutpoint.exceptions import (
    CostError,
    CutpointError,
    ModelError,
    ModelMismatchError,
    NotReadyError,
)
from cutpoint.execution.runtime import return_freed_memory
from cutpoint.graph import SERVER_ONLY, Cut
from cutpoint.graph import cut_id as cut_of_names
from cutpoint.server.index import IndexRow, Notes
from cutpoint.server.served_model import ServedModel
from cutpoint.server.tracebacks import forget_frames
from cutpoint.wire.names import DIGITS, shown

_log = logging.getLogger(__name__)

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
"""A tail whose building failed is not built again before; the pause doubles with each failure."""


_RETRY_AFTER_S = 1.0
"""When to ask again for what is not ready yet."""


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
        self._heating: dict[str, Future[None]] = {}
        self.notes = Notes()
        self._lock = Lock()
        self._is_stopping = False

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
        self.put(model)

    def put(self, model: ServedModel) -> None:
        """
        Serve a model from now on, in the place of the one of its name if there is one.

        Requests under way on that one finish on it.
        """
        with self._lock:
            self._models = {**self._models, model.name: model}
            self._forget_tails(model.name)
            self.notes.forget(model.name)

    def withdraw(self, name: str) -> None:
        """Serve a model no more; requests under way on it finish."""
        with self._lock:
            self._models = {each: model for each, model in self._models.items() if each != name}
            self._forget_tails(name)
            self.notes.forget(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Models that are served."""
        return tuple(self._models)

    def model(self, name: str) -> ServedModel | None:
        """Give the model that is served under a name."""
        return self._models.get(name)

    def index(self) -> tuple[IndexRow, ...]:
        """List everything by its state; a cold model loads again when it is asked for."""
        rows = [
            IndexRow(each.name, each.model.version, "READY")
            if each.model.is_held(each.cut)
            else IndexRow(each.name, each.model.version, "UNAVAILABLE", "made room for others")
            for each in self.endpoints()
        ]
        return (*rows, *self.notes.rows)

    def stop(self) -> None:
        """Refuse every request from now on: the server ends."""
        self._is_stopping = True

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

    def resolve(self, name: str, version: str = "") -> Endpoint:
        """
        Give what a name means.

        Parameters
        ----------
        version
            The one that is wanted; empty for whichever is served.

        Raises
        ------
        ModelError
            If nothing by this name is ready, or another version is served.
        ModelMismatchError
            If the name is of a tail of another model file.
        """
        model, cut_id = self._parsed(name)
        _check_version(model, version)
        cut = next((cut for cut in model.cuts if cut.id == cut_id), None)
        if cut is None:
            raise ModelError(
                f"tail {shown(name)} is not built: ask for it with ModelReady and wait"
            )
        return Endpoint(name, model, cut)

    def ready(self, name: str, version: str = "") -> Endpoint:
        """
        Give what a request is for; begin to load it again if it made room for others.

        Raises
        ------
        NotReadyError
            If it is not in memory now, or the server ends.
        ModelError, ModelMismatchError
            As `resolve`.
        """
        if self._is_stopping:
            raise NotReadyError(
                "the server is stopping: compute on the device, or ask another server",
                _RETRY_AFTER_S,
            )
        endpoint = self.resolve(name, version)
        endpoint.model.touch(endpoint.cut)
        if not endpoint.model.is_held(endpoint.cut):
            self._heat(endpoint.model)
            raise NotReadyError(
                f"{shown(name)} made room for other models and is being loaded again: compute on "
                "the device meanwhile",
                _RETRY_AFTER_S,
            )
        return endpoint

    def is_ready(self, name: str, version: str = "") -> bool:
        """
        Tell whether a name is ready; begin to build it if it is a tail that could be.

        What made room for others is begun to be loaded again.

        A build that failed is told first, and begun again after a pause.

        Raises
        ------
        ModelError
            If the name means nothing here, or its tail could not be built.
        """
        model, cut_id = self._parsed(name)
        _check_version(model, version)
        cut = next((cut for cut in model.cuts if cut.id == cut_id), None)
        if cut is not None:
            if model.is_held(cut):
                return True
            self._heat(model)
            return False
        self._build(name, model, lambda: model.candidates.get(cut_id))
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
                f"{shown(name)}: {len(crossing)} values are named and the model has "
                f"{len(model.graph.values)}: name those that cross"
            )
        if cut_of_names(crossing) != cut_id:
            raise ModelError(f"{shown(name)} is not the tail behind {list(crossing)}")
        self._build(name, model, lambda: model.candidates.offer(crossing))

    def _build(self, name: str, model: ServedModel, candidate: Callable[[], Cut]) -> None:
        """Begin to build a tail, unless that is under way or failed just now."""
        with self._lock:
            if self._was_built(name):
                del self._building[name]  # and made room for others since
            if name in self._building:
                failure = self._told_failure(name)
                if failure is None:
                    return
                model.candidates.check_room(failure.cut.id)
                cut = model.candidates.offer(failure.cut.crossing)
            else:
                cut = candidate()  # nothing is kept of names that mean nothing
            try:
                self._building[name] = self._builder.submit(self._built, name, model, cut)
            except RuntimeError as error:  # the builder was shut down
                raise ModelError(
                    f"tail {shown(name)} is not built: the server is stopping"
                ) from error

    def _was_built(self, name: str) -> bool:
        building = self._building.get(name)
        return (
            building is not None
            and building.done()
            and not building.cancelled()
            and building.exception() is None
        )

    def _heat(self, model: ServedModel) -> None:
        """Begin to load a cold model again, unless that is under way."""
        with self._lock:
            heating = self._heating.get(model.name)
            if heating is not None and not heating.done():
                return
            try:
                self._heating[model.name] = self._builder.submit(_heated, model)
            except RuntimeError:  # the builder was shut down: the caller hears that it is cold
                return

    def _forget_tails(self, name: str) -> None:
        """Forget what was built of a model that is another's name now."""
        prefix = f"{name}."
        for kept in (self._building, self._failures):
            for tail in [each for each in kept if each.startswith(prefix)]:
                del kept[tail]
        self._heating.pop(name, None)

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
            forget_frames(error)
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
            raise ModelError(f"no model {shown(name)} here; this server has: {known}")
        if not dot:
            return model, SERVER_ONLY
        digest, _, cut_id = rest.partition(".")
        if digest != model.graph.sha256[:DIGITS]:
            raise ModelMismatchError(
                f"{shown(name)} is a tail of another file: this server's {whole!r} is "
                f"{model.graph.sha256[:DIGITS]}; give both sides the same file"
            )
        return model, cut_id


def _heated(model: ServedModel) -> None:
    """Load a cold model again, on the builder's thread."""
    try:
        model.heat()
    except CutpointError as error:
        _log.warning("model %s stays cold: %s", model.name, error)
    except Exception as error:  # of memory, of the runtime: the next request tries again
        _log.warning("model %s stays cold: %r", model.name, error)
    finally:
        return_freed_memory()


def _check_version(model: ServedModel, version: str) -> None:
    if version and version != str(model.version):
        raise ModelError(
            f"version {shown(version)} of model {model.name!r} is not served: "
            f"{model.version} is; ask for it, or for none in particular"
        )
