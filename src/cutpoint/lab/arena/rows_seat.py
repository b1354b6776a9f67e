"""The seat whose session replays fixed rows: it decides nothing and need believe nothing."""

from contextlib import suppress

from cutpoint.exceptions import CutpointError
from cutpoint.graph import Arrays
from cutpoint.lab.arena.contender import Contender
from cutpoint.lab.arena.fixed_row import Chosen, FixedRow
from cutpoint.lab.arena.place import Place
from cutpoint.lab.arena.seat import Seat
from cutpoint.lab.arena.subject import Subject
from cutpoint.records import InferenceRecord
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.units import from_mbit_per_s

ROWS = "fixed rows"
"""Its name."""

_BETWEEN = RateSchedule.constant(from_mbit_per_s(50.0))
_READY_S = 3.0


class RowsSeat(Seat):
    """
    A seat that is told which row to take.

    Between its turns its link is a fast one: what a row left on a link that had broken down is
    gone before the next row begins.

    Parameters
    ----------
    subject, server, slowdown, delay_s
        As those of `Seat`.
    """

    def __init__(self, subject: Subject, server: str, slowdown: float, delay_s: float) -> None:
        self._chosen = Chosen()
        contender = Contender(ROWS, lambda: self._chosen, codecs=None, is_lossy=True)
        super().__init__(contender, subject, server, slowdown, delay_s)

    @property
    def is_led(self) -> bool:
        """It believes nothing."""
        return False

    def run_row(self, row: FixedRow, place: Place, example: int) -> tuple[InferenceRecord, Arrays]:
        """Run a row from exactly this place; the record says so where the server was not there."""
        self._chosen.row = row
        with suppress(CutpointError):  # the record of what follows says why
            self.session.wait_until_ready(_READY_S)
        return self.run(place, example)

    def hold(self, place: Place, at_s: float) -> None:
        """Let what was left behind through."""
        self.link.play(_BETWEEN, _BETWEEN, 0.0)
