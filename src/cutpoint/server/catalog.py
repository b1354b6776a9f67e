"""Which model a name means."""

from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import NamedTuple

from cutpoint.cost import digest_of_cut_table
from cutpoint.exceptions import CostError, ModelError, ModelMismatchError
from cutpoint.graph import SERVER_ONLY, Cut
from cutpoint.graph import cut_id as cut_of_names
from cutpoint.server.served_model import ServedModel
from cutpoint.wire.names import DIGITS


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
    """

    def __init__(self, models: Iterable[ServedModel] = ()) -> None:
        self._models = {model.name: model for model in models}
        self._builder = ThreadPoolExecutor(1, thread_name_prefix="cutpoint-build")
        self._building: dict[str, Future[Cut]] = {}
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

        Raises
        ------
        ModelError
            If the name means nothing here, or its tail could not be built.
        """
        model, cut_id = self._parsed(name)
        if any(cut.id == cut_id for cut in model.cuts):
            return True
        model.candidate(cut_id)  # nothing is kept of names that mean nothing
        return self._build(name, model, cut_id)

    def ask_for(self, name: str, crossing: Sequence[str]) -> None:
        """
        Begin to build the tail behind these values; `is_ready` tells when it is there.

        Raises
        ------
        ModelError
            If the model cannot be cut there, or the name is of another cut.
        ModelMismatchError
            If the name is of a tail of another model file.
        """
        model, cut_id = self._parsed(name)
        if any(cut.id == cut_id for cut in model.cuts):
            return
        if cut_of_names(crossing) != cut_id:
            raise ModelError(f"{name!r} is not the tail behind {list(crossing)}")
        model.offer(crossing)
        self._build(name, model, cut_id)

    def _build(self, name: str, model: ServedModel, cut_id: str) -> bool:
        with self._lock:
            building = self._building.get(name)
            if building is None:
                self._building[name] = self._builder.submit(model.add_tail, cut_id)
                return False
        if building.done():
            building.result()  # raises what went wrong
        return building.done()

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
