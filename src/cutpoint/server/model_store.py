"""Keeps what is served in step with what is on disk."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from cutpoint.exceptions import CutpointError, ModelError, NoRoomError
from cutpoint.execution import ModelFile
from cutpoint.server.catalog import Catalog
from cutpoint.server.repository import Listing, Offer, Repository, check_digest
from cutpoint.server.served_model import ServedModel

_log = logging.getLogger(__name__)

Load = Callable[[Offer], ServedModel]
HasRoom = Callable[[str, int], bool]
"""Tells whether weights of a model, so many bytes of them, would find room now."""


@dataclass(frozen=True)
class StoreEvent:
    """
    Something that became of a model.

    Parameters
    ----------
    kind
        It is served; it could not be loaded; it is served no more.
    name, version
        Which.
    is_first
        Whether the server had not been ready yet.
    reason, error
        Why it could not be loaded.
    model
        Warm, if it is served.
    """

    kind: Literal["loaded", "failed", "withdrawn"]
    name: str
    version: int
    is_first: bool
    reason: str = ""
    error: Exception | None = None
    model: ServedModel | None = None


@dataclass
class _Known:
    """What is known of one name: what is served, what was seen last, what could not be loaded."""

    served: Offer | None = None
    seen: tuple[Offer, ...] = ()
    failed: dict[Offer, str] = field(default_factory=dict)
    roomless: dict[Offer, int] = field(default_factory=dict)
    is_missing: bool = False


class ModelStore:
    """
    Loads what is new, keeps what is good, withdraws what is gone.

    A version is loaded while the one before it serves, and takes its place once it is warm;
    one that cannot be loaded is told once, and the one before it goes on; it is tried again
    where only memory was missing and others have made room since. Not thread-safe: one caller
    at a time.

    Parameters
    ----------
    repository
        What is on disk.
    catalog
        What is served.
    load
        Loads, warms and times a version.
    has_room
        Asked before what found no room is tried again; by default there never is.
    """

    def __init__(
        self, repository: Repository, catalog: Catalog, load: Load, has_room: HasRoom | None = None
    ) -> None:
        self._repository = repository
        self._catalog = catalog
        self._load = load
        self._has_room = has_room
        self._listing: Listing | None = None
        self._known: dict[str, _Known] = {}
        self._is_first = True

    def __repr__(self) -> str:
        served = [name for name, known in self._known.items() if known.served]
        return f"<ModelStore: {', '.join(served) or 'empty'}>"

    @property
    def is_settled(self) -> bool:
        """Whether nothing was new, changed or missing at the last look."""
        return all(_is_settled(known) for known in self._known.values())

    @property
    def waits_for_room(self) -> bool:
        """Whether something is not served only because there was no room for it."""
        return any(
            offer.version > (known.served.version if known.served else -1)
            for known in self._known.values()
            for offer in known.roomless
        )

    def forget_failures(self) -> None:
        """Try again what could not be loaded: somebody asks for it."""
        for known in self._known.values():
            known.failed.clear()
            known.roomless.clear()

    def refresh(self, *, is_patient: bool = True, looks: bool = True) -> Iterator[StoreEvent]:
        """
        Look at the disk and carry out what changed, one model at a time.

        Parameters
        ----------
        is_patient
            Whether a change counts only once two looks saw the same: what is still being
            written is left alone.
        looks
            Whether to look: if not, only what found no room is tried again.

        Raises
        ------
        ModelError
            If the repository cannot be read.
        """
        if looks or self._listing is None:
            self._listing = self._repository.listing()
        listing = self._listing
        self._forget_where_room_came()
        for name in dict.fromkeys((*listing.offers, *self._known)):
            known = self._known.setdefault(name, _Known())
            yield from self._refresh_one(name, known, listing, is_patient=is_patient)
            self._note(name, known)
        for name in listing.problems.keys() - listing.offers.keys():
            self._catalog.notes.failed(name, 0, listing.problems[name])
        self._catalog.notes.keep({*listing.offers, *listing.problems, *self._known})
        self._known = {
            name: known for name, known in self._known.items() if known.served or known.seen
        }
        self._is_first = False

    def _forget_where_room_came(self) -> None:
        """Have what found no room tried again if it would find it now."""
        for name, known in self._known.items():
            for offer, size_bytes in tuple(known.roomless.items()):
                if self._has_room is not None and self._has_room(name, size_bytes):
                    known.roomless.pop(offer)
                    known.failed.pop(offer, None)

    def problems(self) -> Mapping[str, str]:
        """Give why names are not served as they are on disk."""
        return {
            name: reason for name, known in self._known.items() for reason in known.failed.values()
        }

    def _refresh_one(
        self, name: str, known: _Known, listing: Listing, *, is_patient: bool
    ) -> Iterator[StoreEvent]:
        offers = listing.offers.get(name, ())
        before, known.seen = known.seen, offers
        if not offers:
            yield from self._refresh_missing(name, known, is_patient=is_patient)
            return
        known.is_missing = False
        known.failed = {offer: why for offer, why in known.failed.items() if offer in offers}
        known.roomless = {offer: size for offer, size in known.roomless.items() if offer in offers}
        for offer in offers:
            if offer == known.served:
                return
            if offer in known.failed:
                continue
            if is_patient and offer not in before:
                return  # a lower version is not to be loaded while a higher one arrives
            event = self._loaded(offer, known)
            yield event
            if event.kind == "loaded":
                return

    def _note(self, name: str, known: _Known) -> None:
        """Let the index tell of the highest version that is not served and why."""
        worst = max(known.failed, key=lambda offer: offer.version, default=None)
        if worst is None:
            self._catalog.notes.forget(name)
        else:
            self._catalog.notes.failed(name, worst.version, known.failed[worst])

    def _refresh_missing(
        self, name: str, known: _Known, *, is_patient: bool
    ) -> Iterator[StoreEvent]:
        if known.served is None:
            return
        if is_patient and not known.is_missing:
            known.is_missing = True  # it may be in the middle of being replaced
            return
        gone, known.served, known.failed = known.served, None, {}
        known.roomless.clear()
        self._catalog.withdraw(name)
        _log.warning("model %s is served no more: %s is gone", name, gone.path)
        yield StoreEvent("withdrawn", name, gone.version, self._is_first)

    def _loaded(self, offer: Offer, known: _Known) -> StoreEvent:
        self._catalog.notes.loading(offer.name, offer.version)
        try:
            model = self._same(offer) or self._load(offer)
        except Exception as error:  # of memory, of the runtime: the one before goes on serving
            return self._failed(offer, known, error)
        model.version = offer.version
        self._catalog.put(model)
        known.served = offer
        return StoreEvent("loaded", offer.name, offer.version, self._is_first, model=model)

    def _same(self, offer: Offer) -> ServedModel | None:
        """Check a version against what is known of it; give the served model if it is this one."""
        if offer.problem:
            raise ModelError(offer.problem)
        check_digest(offer)
        served = self._catalog.model(offer.name)
        if served is None or served.graph.sha256 != ModelFile.open(offer.path).sha256:
            return None
        return served

    def _failed(self, offer: Offer, known: _Known, error: Exception) -> StoreEvent:
        words = str(error) or type(error).__name__
        reason = " ".join((words if isinstance(error, CutpointError) else repr(error)).split())
        known.failed[offer] = reason
        if isinstance(error, NoRoomError):
            known.roomless[offer] = error.size_bytes
        stays = f"version {known.served.version} goes on" if known.served else "it is not served"
        _log.warning("model %s version %s: %s; %s", offer.name, offer.version, reason, stays)
        return StoreEvent("failed", offer.name, offer.version, self._is_first, reason, error)


def check_some(catalog: Catalog, store: ModelStore) -> None:
    """
    Refuse to serve nothing.

    Raises
    ------
    ModelError
        If there is no model; says what became of those that were to be.
    """
    if catalog.names:
        return
    problems = {**catalog.notes.problems, **store.problems()}
    told = "; ".join(f"{name}: {why}" for name, why in sorted(problems.items()))
    raise ModelError(
        f"no model to serve ({told or 'the repository is empty'}): put one into "
        "DIR/MODEL/1/model.onnx, or name a file"
    )


def _is_settled(known: _Known) -> bool:
    if not known.seen:
        return known.served is None
    first = next((offer for offer in known.seen if offer not in known.failed), None)
    return first is None or first == known.served
