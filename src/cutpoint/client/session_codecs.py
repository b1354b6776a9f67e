"""Everything of one session that has to do with codecs: known, used, watched, withdrawn."""

from collections.abc import Callable

from cutpoint.client.codec_book import CodecBook
from cutpoint.client.codec_choice import CodecChoice
from cutpoint.client.codec_guard import CodecGuard, WithdrawalObserver
from cutpoint.client.codec_survey import survey_codecs
from cutpoint.client.drive import Drive
from cutpoint.client.encoders import Encoders
from cutpoint.exceptions import CodecError
from cutpoint.execution import Segments
from cutpoint.execution.file_cache import FileCache
from cutpoint.graph import Arrays
from cutpoint.policies import Policy
from cutpoint.records import RAW, Withdrawal


class SessionCodecs:
    """
    Surveys the codecs at the start, and watches them from then on.

    Parameters
    ----------
    choice
        What the caller allows.
    segments
        The model, warm.
    feed
        Inputs of it.
    is_made_up
        Whether nobody gave them.
    cache
        Where times and calibrations are kept between starts; ``None`` for nowhere.
    on_withdrawn
        Told every withdrawal.

    Raises
    ------
    FeedError, ToleranceError, ProfileError
        If what there is to calibrate with does not suit the model.
    """

    def __init__(
        self,
        choice: CodecChoice,
        segments: Segments,
        feed: Arrays,
        *,
        is_made_up: bool,
        cache: FileCache | None,
        on_withdrawn: WithdrawalObserver | None = None,
    ) -> None:
        survey = survey_codecs(segments, choice, feed, is_made_up=is_made_up, cache=cache)
        self.book = CodecBook(choice, survey)
        self.encoders = Encoders(self.book.ranges, segments.slowdown)
        self.guard: CodecGuard | None = None
        if choice.lossy:
            self.guard = CodecGuard(
                self.book, segments, choice.check_rate, self._outdate, on_withdrawn
            )
        self.outdated: Callable[[], None] | None = None

    def __repr__(self) -> str:
        return f"<SessionCodecs {self.book!r}>"

    outdated: Callable[[], None] | None
    """Called after a withdrawal: what was planned before holds no more."""

    @property
    def withdrawn(self) -> tuple[Withdrawal, ...]:
        """What was withdrawn so far."""
        return () if self.guard is None else self.guard.withdrawn

    @property
    def num_checked(self) -> int:
        """Inferences that were computed again."""
        return 0 if self.guard is None else self.guard.check.num_checks

    def ended(self, drive: Drive, outputs: Arrays) -> None:
        """Take note of an inference: its answer may be looked at."""
        if self.guard is not None:
            self.guard.consider(drive, outputs)

    def error(self, drive: Drive) -> float | None:
        """Give what the codecs of an inference did to the outputs when calibrated."""
        return self.book.calibrated_error(drive.cut.id, drive.applied_codecs)

    def close(self) -> None:
        """End its thread."""
        if self.guard is not None:
            self.guard.close()

    def _outdate(self) -> None:
        if self.outdated is not None:
            self.outdated()


def check_allowed(policy: Policy, choice: CodecChoice) -> None:
    """
    Refuse a policy that insists on a codec that may not be used.

    Raises
    ------
    CodecError
        Naming both.
    """
    codec = getattr(policy, "codec", RAW)
    if codec != RAW and codec not in {each.name for each in choice.codecs}:
        raise CodecError(
            f"policy {policy.name!r} asks for codec {codec!r}, which this session may not use: "
            "name it in codecs=, and where it loses something give tolerance= and calibrate="
        )
