"""Which model a name means."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import NamedTuple

from cutpoint.cost import digest_of_cut_table
from cutpoint.exceptions import (
    CostError,
    ModelError,
    ModelMismatchError,
    NotReadyError,
    OverloadedError,
)
from cutpoint.graph import SERVER_ONLY, Cut
from cutpoint.graph import cut_id as cut_of_names
from cutpoint.server.failed_builds import Candidate, FailedBuilds
from cutpoint.server.heating import heat
from cutpoint.server.index import IndexRow, Notes
from cutpoint.server.served_model import ServedModel
from cutpoint.server.tracebacks import forget_frames
from cutpoint.wire.names import DIGITS, shown

_log = logging.getLogger(__name__)

_MOST_PENDING = 16
"""Tails that may wait to be built; the names of as many that could not be are kept."""
_RETRY_AFTER_S = 1.0
"""When to ask again for what is not ready yet."""


class Endpoint(NamedTuple):
    """A whole model or a tail: a model of the protocol, ready to run."""

    name: str
    model: ServedModel
    cut: Cut


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
        self._builder = ThreadPoolExecutor(1, thread_name_prefix="cutpoint-build")
        self._building: dict[str, Future[Cut]] = {}
        self._failures = FailedBuilds(clock)
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
        candidate = partial(model.candidates.get, cut_id)
        self._build(name, model, candidate, candidate)
        return False

    def ask_for(self, name: str, crossing: Sequence[str]) -> None:
        """
        Begin to build the tail behind these values; `is_ready` tells when it is there.

        Whether the model can be cut there is found out on the builder's thread: asked again,
        the error is told.

        Raises
        ------
        ModelError
            If one of the values may not cross, the name is of another cut, the model could
            not be cut there or the tail not be built.
        OverloadedError
            If too many tails wait to be built.
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
        known = model.candidates
        self._build(name, model, partial(known.offer, crossing), partial(known.reserve, crossing))

    def _build(
        self,
        name: str,
        model: ServedModel,
        candidate: Candidate,
        check: Callable[[], object],
    ) -> None:
        """
        Begin to build a tail, unless that is under way or failed just now.

        Nothing in here takes long: it is asked for where every answer waits for it.

        Parameters
        ----------
        candidate
            Called on the builder's thread.
        check
            Called at once where nothing is known of the name: nothing is kept of it if it raises.
        """
        with self._lock:
            if self._was_built(name):
                del self._building[name]  # and made room for others since
            failed, cut_id = None, name.rpartition(".")[2]
            if name in self._building:
                failed = self._retried(name)
                if failed is None:
                    return
                model.candidates.check_room(cut_id)
            self._check_pending()
            if failed is None:
                check()
            try:
                self._building[name] = self._builder.submit(
                    self._built, name, model, failed or candidate
                )
            except RuntimeError as error:  # the builder was shut down
                model.candidates.withdraw(cut_id)
                raise ModelError(
                    f"tail {shown(name)} is not built: the server is stopping"
                ) from error

    def _check_pending(self) -> None:
        """Refuse one more build where many wait, and forget failures that are long past."""
        num_pending = sum(not each.done() for each in self._building.values())
        if num_pending >= _MOST_PENDING:
            raise OverloadedError(
                f"{num_pending} tails wait to be built: ask for another later", _RETRY_AFTER_S
            )
        for name in self._failures.names[:-_MOST_PENDING]:
            building = self._building.get(name)
            if building is None or building.done():
                self._building.pop(name, None)
                self._failures.forget(name)

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
                self._heating[model.name] = self._builder.submit(heat, model)
            except RuntimeError:  # the builder was shut down: the caller hears that it is cold
                return

    def _forget_tails(self, name: str) -> None:
        """Forget what was built of a model that is another's name now."""
        prefix = f"{name}."
        for tail in (*self._building, *self._failures.names):
            if tail.startswith(prefix):
                self._building.pop(tail, None)
                self._failures.forget(tail)
        self._heating.pop(name, None)

    def _retried(self, name: str) -> Candidate | None:
        """Give a failed build that may be tried again; raise what went wrong until then."""
        building = self._building[name]
        if not building.done() or building.cancelled():
            return None
        error = building.exception()
        if error is None:
            return None
        candidate = self._failures.retried(name)
        if candidate is None:
            raise error.with_traceback(None)  # raised often, it would grow each time
        return candidate

    def _built(self, name: str, model: ServedModel, candidate: Candidate) -> Cut:
        """Build, on the builder's thread; what goes wrong is kept as a ModelError."""
        try:
            made = model.add_tail(candidate().id)
        except Exception as error:  # of memory, of the runtime: none may be the last word
            self._failures.note(name, candidate)
            _log.warning("tail %s could not be built: %r", name, error)
            forget_frames(error)
            if isinstance(error, ModelError):
                raise
            words = str(error) or type(error).__name__
            raise ModelError(f"tail {name!r} could not be built: {words}") from error
        self._failures.forget(name)
        return made

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


def _check_version(model: ServedModel, version: str) -> None:
    if version and version != str(model.version):
        raise ModelError(
            f"version {shown(version)} of model {model.name!r} is not served: "
            f"{model.version} is; ask for it, or for none in particular"
        )
