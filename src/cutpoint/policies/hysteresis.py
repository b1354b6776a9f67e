"""When a better row is worth leaving the present one for."""

from cutpoint.cost import UNUSABLE_S
from cutpoint.records import RAW


class Memory:
    """
    What was chosen last for inputs like these, and what it has cost to stay with it.

    Parameters
    ----------
    least_gain, most_lost, least_relief
        As `Cutpoint` takes them.

    Notes
    -----
    Devices that all see a server loaded would leave it together, and come back together when it is
    idle for that reason. So for each of them, by its own draw, leaving for the load and coming back
    may cost more before it is done: those who leave first relieve the others.
    """

    def __init__(self, least_gain: float, most_lost: float, least_relief: float) -> None:
        self.present: tuple[str | None, str] = (None, RAW)
        self.lost = 0.0
        self.reluctance = 0.0
        self.was_left_for_load = False
        self._least_gain = least_gain
        self._most_lost = most_lost
        self._least_relief = least_relief

    def __repr__(self) -> str:
        return f"<Memory of {self.present[0]}: {self.lost:.3f} lost>"

    def is_left(self, present: float, best: float, *, is_relief: bool) -> bool:
        """
        Tell whether the present row is left for the best one, and count what staying costs.

        Parameters
        ----------
        present, best
            What the two cost, by the objective.
        is_relief
            Whether the best one sends less.
        """
        if present >= UNUSABLE_S or (present > 2 * best and not self.reluctance):
            return self._leave()
        least_gain = self._least_relief if is_relief else self._least_gain
        if best >= (1 - least_gain) * present:
            self.lost = 0.0
            return False
        self.lost += 1 - best / present
        most_lost = self.reluctance + (0.0 if is_relief else self._most_lost)
        return False if self.lost < most_lost else self._leave()

    def _leave(self) -> bool:
        self.lost = self.reluctance = 0.0
        return True
