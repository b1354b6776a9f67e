"""How a version of a model is loaded, as a server's settings say."""

from collections.abc import Mapping

from cutpoint.execution.file_cache import FileCache
from cutpoint.execution.runtime import return_freed_memory
from cutpoint.server.known_codecs import KnownCodecs
from cutpoint.server.memory_budget import MemoryBudget
from cutpoint.server.repository import Offer
from cutpoint.server.served_model import ServedModel
from cutpoint.server.settings import ServerSettings


class Loader:
    """
    Loads, warms and times versions of models.

    Parameters
    ----------
    settings
        How a model is held and timed, and whether somebody vouches for it.
    budget
        What all models may take together.
    malloc_kept
        Reported in the models' profiles.
    copies
        Of files that were vetted already, by their paths: loaded in their stead.
    codecs
        That the server decodes.
    """

    def __init__(
        self,
        settings: ServerSettings,
        budget: MemoryBudget,
        *,
        malloc_kept: bool,
        copies: Mapping[str, str] | None = None,
        codecs: KnownCodecs | None = None,
    ) -> None:
        self.copies = dict(copies or {})
        self._settings = settings
        self._budget = budget
        self._malloc_kept = malloc_kept
        self._codecs = codecs
        self._cache = None if settings.cache is None else FileCache(settings.cache)

    def __call__(self, offer: Offer) -> ServedModel:
        """
        Load a version.

        Raises
        ------
        ModelError
            If it cannot be loaded, or there is no room for its weights.
        CostError
            If a table cannot be read.
        """
        try:
            return self._loaded(offer)
        finally:
            return_freed_memory()  # loading takes several times what the model keeps

    def _loaded(self, offer: Offer) -> ServedModel:
        settings = self._settings
        copy = self.copies.get(str(offer.path))
        return ServedModel.load(
            copy or str(offer.path),
            settings.tables,
            settings.sizes,
            settings.custom_ops,
            settings.trusted or copy is not None,
            settings.example,
            offer.name,
            num_threads=settings.num_threads,
            providers=settings.providers,
            malloc_kept=self._malloc_kept,
            version=offer.version,
            budget=self._budget,
            batching=settings.batching,
            max_batch=settings.max_batch,
            cache=self._cache,
            codecs=self._codecs,
        )
