"""A quantity that is known as a range."""

from __future__ import annotations

from planner.record import record


@record
class Interval:
    """A quantity that is not known exactly: an 80 % range around its middle, in SI units."""

    low: float
    mid: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.mid <= self.high:
            raise ValueError("low, mid and high must not fall")

    @property
    def is_point(self) -> bool:
        """Whether the quantity is taken as exact."""
        return self.low == self.high

    @staticmethod
    def exactly(value: float) -> Interval:
        """Give the interval that holds one value."""
        return Interval(value, value, value)

    def scaled(self, factor: float) -> Interval:
        """Give the interval times a factor that is not negative."""
        return Interval(self.low * factor, self.mid * factor, self.high * factor)
