"""Watch what codecs do to the answers, and use those no more that do too much."""

import logging
from collections.abc import Callable
from threading import Lock

from cutpoint.client.accuracy_check import AccuracyCheck
from cutpoint.client.codec_book import CodecBook
from cutpoint.client.drive import Drive
from cutpoint.cost.tolerance import LARGEST_ERROR
from cutpoint.execution import Segments
from cutpoint.graph import SERVER_ONLY, Arrays, Cut
from cutpoint.records import Withdrawal

WithdrawalObserver = Callable[[Withdrawal], None]

_log = logging.getLogger(__name__)


class CodecGuard:
    """
    Checks answers that came by way of a lossy codec, and withdraws those that drift.

    Parameters
    ----------
    book
        Told of withdrawals; has a tolerance.
    segments
        Run on this device.
    rate
        Share of the inferences that are computed again.
    outdate
        Called after a withdrawal: what was planned before holds no more.
    on_withdrawn
        Told every withdrawal.
    seed
        Of the choice what to check; ``None`` for another one each time.
    """

    def __init__(
        self,
        book: CodecBook,
        segments: Segments,
        rate: float,
        outdate: Callable[[], None],
        on_withdrawn: WithdrawalObserver | None = None,
        *,
        seed: int | None = None,
    ) -> None:
        assert book.tolerance is not None
        self._book = book
        self._tolerance = book.tolerance
        self._outdate = outdate
        self._on_withdrawn = on_withdrawn
        self._lock = Lock()
        self._withdrawn: tuple[Withdrawal, ...] = ()
        self.check = AccuracyCheck(segments, book.tolerance, rate, self._withdraw, seed=seed)

    def __repr__(self) -> str:
        return f"<CodecGuard {self._tolerance}: {len(self._withdrawn)} withdrawn>"

    @property
    def withdrawn(self) -> tuple[Withdrawal, ...]:
        """What was withdrawn so far, in the order in which it was."""
        return self._withdrawn

    def consider(self, drive: Drive, outputs: Arrays) -> None:
        """Look at an inference that has ended, if its answer came by way of a lossy codec."""
        if drive.inference.placement == "device":
            return  # it was computed here after all
        applied = drive.applied_codecs
        codec = next((codec for codec in applied if self._book.is_lossy(codec)), None)
        if codec is None:
            return
        try:
            files = drive.inputs if drive.passes_files else None
            self.check.consider(drive.cut, codec, drive.crossing_values, outputs, files)
        except Exception:  # the check's: the answer is there, and is not lost for it
            _log.exception("an answer could not be checked")

    def close(self) -> None:
        """End its thread."""
        self.check.close()

    def _withdraw(self, cut: Cut, codec: str, error: float, checks: int) -> None:
        codecs = self._book.withdraw(cut.id, codec)
        made = [
            Withdrawal(
                cut=cut.id,
                crossing=cut.crossing,
                codec=each,
                error=min(error, LARGEST_ERROR),
                calibrated_error=self._book.calibrated_error(cut.id, (each,)),
                tolerance=str(self._tolerance),
                checks=checks,
            )
            for each in codecs
        ]
        self._outdate()
        with self._lock:
            self._withdrawn += tuple(made)
        where = cut.id if cut.id == SERVER_ONLY else ", ".join(cut.crossing)
        _log.warning(
            "%s at %s: used no more; with %s the error has become %.3g, the tolerance is %s",
            ", ".join(codecs), where, codec, error, self._tolerance,
        )  # fmt: skip
        for each in made:
            self._tell(each)

    def _tell(self, withdrawal: Withdrawal) -> None:
        if self._on_withdrawn is None:
            return
        try:
            self._on_withdrawn(withdrawal)
        except Exception:  # the observer's
            _log.exception("on_withdrawn failed")
