"""From centres of each time to tracks: extrapolation, steering flow, nearest centre."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from weather.cyclones.criteria import Criteria
from weather.cyclones.detection import Centre
from weather.cyclones.track import Fix
from weather.sphere import DEGREE, bearing, destination, distance

_SECOND = np.timedelta64(1, "s")
_FAR = 1e9  # km, between what cannot be the same storm


class Follower:
    """Joins centres of successive times into tracks.

    A storm is expected where its motion since the last fix would take it, or, if winds
    are there, half-way between that and where the steering flow would, as in ECMWF's
    tracker (van der Grijn 2002, ECMWF Tech. Memo. 386). Of all pairs of storms and
    centres those are chosen whose distances sum to the least. A centre that belongs to
    no storm begins one if it is tropical; later fixes need not be.

    Args:
        criteria: how far and how long a storm may be lost.
        spacing: degrees between cells.
    """

    def __init__(self, criteria: Criteria, spacing: float) -> None:
        self._criteria = criteria
        self._slack = spacing * DEGREE  # km
        self._active: list[list[Fix]] = []
        self._ended: list[list[Fix]] = []
        self._previous: np.datetime64 | None = None

    def step(self, time: np.datetime64, centres: Sequence[Centre]) -> None:
        """Take the centres of the next time."""
        self._end_lost(time)
        taken = set()
        for path, number in self._pairs(time, centres):
            self._active[path].append(Fix(time, centres[number]))
            taken.add(number)
        for number, centre in enumerate(centres):
            if number not in taken and centre.tropical:
                self._active.append([Fix(time, centre)])
        self._previous = time

    def paths(self) -> list[tuple[Fix, ...]]:
        """All paths so far, by their first time."""
        found = [tuple(path) for path in (*self._ended, *self._active)]
        return sorted(found, key=lambda fixes: fixes[0].time)

    def _end_lost(self, time: np.datetime64) -> None:
        """End those that were missed, or not tropical, for longer than that may last."""
        limits = self._criteria
        for path in list(self._active):
            missed = path[-1].time != self._previous
            tropical = next(fix.time for fix in reversed(path) if fix.centre.tropical)
            if (missed and _hours(time, path[-1].time) > limits.gap_hours) or (
                tropical != self._previous and _hours(time, tropical) > limits.after_hours
            ):
                self._active.remove(path)
                self._ended.append(path)

    def _pairs(self, time: np.datetime64, centres: Sequence[Centre]) -> list[tuple[int, int]]:
        """Which path goes on at which centre."""
        if not self._active or not centres:
            return []
        lat = np.array([centre.lat for centre in centres])
        lon = np.array([centre.lon for centre in centres])
        costs = np.full((len(self._active), len(centres)), _FAR)
        for number, path in enumerate(self._active):
            expected, reach = self._expectation(path, time)
            away = distance(*expected, lat, lon)
            across = lat * path[-1].centre.lat < 0  # no storm crosses the equator
            costs[number] = np.where((away <= reach) & ~across, away, _FAR)
        rows, columns = linear_sum_assignment(costs)
        return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if costs[i, j] < _FAR]

    def _expectation(
        self, path: Sequence[Fix], time: np.datetime64
    ) -> tuple[tuple[float, float], float]:
        """Where a storm is expected (lat, lon), and within how many km."""
        last = path[-1].centre
        seconds = float((time - path[-1].time) / _SECOND)
        motions = []
        if len(path) > 1:
            motions.append(_motion(path[-2], path[-1]))
        if last.steering is not None:
            motions.append(last.steering)
        if not motions:
            reach = self._criteria.first_speed * seconds / 1000 + self._slack
            return (last.lat, last.lon), reach
        u, v = np.mean(motions, axis=0)
        there = destination(
            last.lat, last.lon, np.degrees(np.arctan2(u, v)), np.hypot(u, v) * seconds / 1000
        )
        reach = self._criteria.speed * seconds / 1000 + self._slack
        return (float(there[0]), float(there[1])), reach


def _hours(time: np.datetime64, before: np.datetime64) -> float:
    return float((time - before) / _SECOND) / 3600


def _motion(first: Fix, second: Fix) -> tuple[float, float]:
    """Mean motion (m s-1 east, north) between two fixes, in its direction at the second."""
    a, b = first.centre, second.centre
    seconds = float((second.time - first.time) / _SECOND)
    speed = 1000 * float(distance(a.lat, a.lon, b.lat, b.lon)) / seconds
    heading = np.radians(float(bearing(b.lat, b.lon, a.lat, a.lon)) + 180)
    return speed * float(np.sin(heading)), speed * float(np.cos(heading))
