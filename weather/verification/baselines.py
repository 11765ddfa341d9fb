"""What a forecast must beat: climatology, persistence, and persistence damped towards it."""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from sciml.errors import InputError

ClimatologyKind = Literal["seasonal", "mean"]
Times = NDArray[np.datetime64]
Field = NDArray[np.floating]

HARMONICS = 2  # of the year; more do not lower the error on other years
_HOUR = np.timedelta64(1, "h")
_DAY = np.timedelta64(1, "D")
_SAMPLES = 256  # times, about, from which a damping coefficient is estimated


@dataclass(frozen=True)
class Climatology:
    """The expected field at a time of the year and hour of the day.

    `mean` is the mean over the period. `seasonal` is, for each hour of the day, a
    mean and two harmonics of the year, fitted by least squares.

    Attributes:
        kind: of the two.
        hours: (hour,) hours of the day that were fitted; only 0 for `mean`.
        coefficients: (hour, term, lat, lon) in the field's unit.
    """

    kind: ClimatologyKind
    hours: NDArray[np.int64]
    coefficients: NDArray[np.float64]

    @classmethod
    def fit(cls, times: Times, fields: Field, kind: ClimatologyKind) -> Self:
        """Fit to fields (time, lat, lon)."""
        hour = _hour_of_day(times, kind)
        hours = np.unique(hour)
        fits = [_least_squares(times[hour == h], fields[hour == h], kind) for h in hours]
        return cls(kind, hours, np.stack(fits))

    def at(self, times: Times) -> NDArray[np.float64]:
        """The expected fields (..., lat, lon) at times (...).

        Raises:
            InputError: for an hour of the day that the climatology does not know.
        """
        hour = _hour_of_day(times, self.kind)
        index = np.searchsorted(self.hours, hour).clip(max=len(self.hours) - 1)
        if (self.hours[index] != hour).any():
            unknown = hour[self.hours[index] != hour].flat[0]
            raise InputError(
                f"the climatology has no {unknown:02d} UTC, only {self._hours()}; "
                "give a period with the same hours, or choose the mean"
            )
        result = np.empty((*times.shape, *self.coefficients.shape[2:]))
        for number in range(len(self.hours)):
            here = index == number
            result[here] = np.tensordot(
                _terms(times[here], self.kind), self.coefficients[number], 1
            )
        return result

    def _hours(self) -> str:
        return ", ".join(f"{hour:02d}" for hour in self.hours)


def suitable_kind(times: Times) -> ClimatologyKind:
    """`seasonal` for a period of at least three years, else `mean`."""
    return "seasonal" if times[-1] - times[0] >= 3 * 365 * _DAY - _DAY else "mean"


def damping(
    times: Times, anomalies: Field, leads: NDArray[np.timedelta64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Regression of the anomaly at a lead time on the anomaly now, through the origin.

    r = Σ a(t) a(t + lead) / Σ a(t)², over cells by area and over some 256 times t.
    Damped persistence is then climatology + r · anomaly. r is NaN for a lead time
    without pairs. A NaN counts as no anomaly.

    Args:
        times: (time,) ascending.
        anomalies: (time, lat, lon) from climatology.
        leads: (lead,)
        weights: (lat,) cell areas.

    Returns:
        (lead,) dimensionless.
    """
    weighted = np.nan_to_num(anomalies) * np.sqrt(weights)[:, None]
    weighted = weighted.reshape(len(times), -1)
    now = np.arange(0, len(times), max(1, len(times) // _SAMPLES))
    products = weighted[now] @ weighted.T  # (now, time): one product serves all lead times
    result = np.full(len(leads), np.nan)
    for number, lead in enumerate(leads):
        later = np.searchsorted(times, times[now] + lead).clip(max=len(times) - 1)
        pairs = np.flatnonzero(times[later] == times[now] + lead)
        if len(pairs):
            covariance = products[pairs, later[pairs]].sum()
            result[number] = covariance / products[pairs, now[pairs]].sum()
    return result


def _hour_of_day(times: Times, kind: ClimatologyKind) -> NDArray[np.int64]:
    if kind == "mean":
        return np.zeros(times.shape, np.int64)
    return ((times - times.astype("datetime64[D]")) // _HOUR).astype(np.int64)


def _terms(times: Times, kind: ClimatologyKind) -> NDArray[np.float64]:
    """(time, term): one, then cosine and sine of each harmonic of the year."""
    if kind == "mean":
        return np.ones((len(times), 1))
    year = times.astype("datetime64[Y]")
    length = (year + np.timedelta64(1, "Y")).astype("datetime64[s]") - year.astype("datetime64[s]")
    phase = 2 * np.pi * ((times - year) / length)
    waves = [wave(k * phase) for k in range(1, HARMONICS + 1) for wave in (np.cos, np.sin)]
    return np.stack([np.ones_like(phase), *waves], axis=1)


def _least_squares(times: Times, fields: Field, kind: ClimatologyKind) -> NDArray[np.float64]:
    """(term, lat, lon); cells that are ever NaN stay NaN."""
    terms = _terms(times, kind)
    if len(times) < terms.shape[1]:
        raise InputError(f"{len(times)} times are too few for a climatology; give a longer period")
    inverse = np.linalg.pinv(terms)
    return np.tensordot(inverse, fields.astype(np.float64, copy=False), 1)
