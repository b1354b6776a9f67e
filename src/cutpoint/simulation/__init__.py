"""The same inference machine and policies on a made-up clock."""

from cutpoint.simulation.rate_schedule import RateSchedule

__all__ = ["RateSchedule"]
