"""The expected field at a time of the year and hour of the day, fitted in one pass."""

import math
from dataclasses import dataclass, field, replace
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from sciml.errors import InputError
from weather.dates import HOUR
from weather.verification.gaps import Gaps

ClimatologyKind = Literal["daily", "seasonal", "mean"]
Times = NDArray[np.datetime64]
Field = NDArray[np.floating]

HARMONICS = 2  # of the year; more do not lower the error on other years
PENTADS = 73  # of five days
WINDOW = 30.0  # days on either side at which the weight of a sample has fallen to zero
DAYS = 366  # of the year
GAP = 32  # days between samples, a month, over which the cycle of the year is interpolated
YEARS = {"daily": 10, "seasonal": 3}  # the least that each kind is chosen for
_YEAR = np.timedelta64(365, "D")
_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class Climatology:
    """The expected field at a time of the year and hour of the day.

    `mean` is the mean over the period. `seasonal` is, for each hour of the day, a
    mean and two harmonics of the year, fitted by least squares. `daily` adds, for each
    hour and day of the year, what these leave: its mean over all years within 30 days,
    with weights that fall linearly (the window of WeatherBench 2, Rasp et al. 2024,
    JAMES 16, e2023MS004019), by pentads between which it is interpolated. The window
    alone would flatten the annual cycle by 2 %; the harmonics keep it.

    Harmonics run away where they have no samples: 10 days after the summers that they were
    fitted to they are off by 6.1 K, a month after by 17 K, where those of whole years are off
    by 3.6 and 3.9 K (850 hPa, ERA-Interim over Europe, 2008). So of `seasonal` and `daily`,
    days of the year that do not lie between samples at most `GAP` days apart have no
    climatology, NaN.

    Attributes:
        kind: of the three.
        hours: (hour,) hours of the day that were fitted; only 0 for `mean`.
        coefficients: (hour, term, ...) in the field's unit.
        residual: (hour, pentad, ...) what `daily` adds; no pentads for the others.
        days: (hour, day) whether there is a climatology, by day of the year.
    """

    kind: ClimatologyKind
    hours: NDArray[np.int64]
    coefficients: NDArray[np.float64]
    residual: NDArray[np.float64]
    days: NDArray[np.bool_]

    @staticmethod
    def fit(times: Times, fields: Field, kind: ClimatologyKind) -> "Climatology":
        """Fit to fields (time, ...)."""
        fit = ClimatologyFit(kind)
        fit.add(times, fields)
        return fit.result()

    def at(self, times: Times) -> NDArray[np.float64]:
        """The expected fields (*times.shape, ...), NaN on days of the year that are not known.

        Raises:
            InputError: for an hour of the day that the climatology does not know.
        """
        index, there = self._index(times)
        if not there.all():
            unknown = _hour_of_day(times, self.kind)[~there].flat[0]
            raise InputError(
                f"the climatology has no {unknown:02d} UTC, only {self._hours()}; "
                "give a period with the same hours, or choose the mean"
            )
        result = np.empty((*times.shape, *self.coefficients.shape[2:]))
        for number in range(len(self.hours)):
            here = index == number
            result[here] = self._of_hour(number, times[here])
        known = self.covers(times)
        if not known.all():
            result[~known] = np.nan
        return result

    def covers(self, times: Times) -> NDArray[np.bool_]:
        """Whether there is a climatology (*times.shape): of that hour and day of the year."""
        index, there = self._index(times)
        return there & self.days[index, _day_of_year(times)]

    def level(self, number: int) -> Self:
        """That of one level, where the fields are (level, lat, lon)."""
        coefficients, residual = self.coefficients[:, :, number], self.residual[:, :, number]
        return replace(self, coefficients=coefficients, residual=residual)

    def rows(self, rows: slice) -> Self:
        """That of some latitudes."""
        coefficients, residual = self.coefficients[..., rows, :], self.residual[..., rows, :]
        return replace(self, coefficients=coefficients, residual=residual)

    def _index(self, times: Times) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Which hour of the day each time has, and whether that is known."""
        hour = _hour_of_day(times, self.kind)
        index = np.searchsorted(self.hours, hour).clip(max=len(self.hours) - 1)
        return index, self.hours[index] == hour

    def _of_hour(self, number: int, times: Times) -> NDArray[np.float64]:
        phase = _phase(times)
        expected = np.tensordot(_terms(phase, self.kind), self.coefficients[number], 1)
        if self.kind == "daily":
            place = (phase * PENTADS - 0.5) % PENTADS
            before = place.astype(np.int64)
            weight = (place - before).reshape(-1, *[1] * (expected.ndim - 1))
            after = (before + 1) % PENTADS
            residual = self.residual[number]
            expected += (1 - weight) * residual[before] + weight * residual[after]
        return expected

    def _hours(self) -> str:
        return ", ".join(f"{hour:02d}" for hour in self.hours)


@dataclass
class _Sums:
    """Sums over the samples of one hour of the day, of cells one after the other."""

    square: NDArray[np.float64]  # (term, term)
    product: NDArray[np.float64]  # (term, cell)
    pentad_fields: NDArray[np.float64]  # (pentad, cell)
    pentad_terms: NDArray[np.float64]  # (pentad, term)
    gaps: Gaps
    days: NDArray[np.bool_]  # (day,) of the year with a sample


@dataclass
class ClimatologyFit:
    """A fit that sees the fields piece by piece.

    A sample that is NaN is left out in its cell; a cell with fewer samples than there are
    terms has no climatology, NaN.
    """

    kind: ClimatologyKind
    _sums: dict[int, _Sums] = field(default_factory=dict)
    _shape: tuple[int, ...] = ()

    def add(self, times: Times, fields: Field) -> None:
        """Take in fields (time, ...)."""
        hour = _hour_of_day(times, self.kind)
        self._shape = fields.shape[1:]
        for known in np.unique(hour):
            here = hour == known
            if known not in self._sums:
                self._sums[int(known)] = self._empty(math.prod(self._shape))
            chosen = fields[here].reshape(int(here.sum()), -1)
            self._add(self._sums[int(known)], times[here], chosen)

    def result(self) -> Climatology:
        """The climatology."""
        hours = sorted(self._sums)
        sums = [self._sums[hour] for hour in hours]
        coefficients = [_least_squares(one) for one in sums]
        residual = [_residual(one, c) for one, c in zip(sums, coefficients, strict=True)]
        return Climatology(
            self.kind,
            np.array(hours),
            np.stack([part.reshape(len(part), *self._shape) for part in coefficients]),
            np.stack([part.reshape(len(part), *self._shape) for part in residual]),
            np.stack([_bridged(one.days) for one in sums]),
        )

    def _empty(self, cells: int) -> _Sums:
        terms = 1 if self.kind == "mean" else 1 + 2 * HARMONICS
        pentads = PENTADS if self.kind == "daily" else 0
        return _Sums(
            square=np.zeros((terms, terms)),
            product=np.zeros((terms, cells)),
            pentad_fields=np.zeros((pentads, cells)),
            pentad_terms=np.zeros((pentads, terms)),
            gaps=Gaps(terms, pentads, cells),
            days=np.full(DAYS, self.kind == "mean"),
        )

    def _add(self, sums: _Sums, times: Times, fields: Field) -> None:
        """Take in fields (time, cell) of one hour of the day."""
        phase = _phase(times)
        terms = _terms(phase, self.kind)
        pentad = np.minimum((phase * PENTADS).astype(np.int64), PENTADS - 1)
        pentad = pentad if self.kind == "daily" else pentad[:0]
        product = terms.T @ fields.astype(np.float64, copy=False)
        missing = None if np.isfinite(product).all() else ~np.isfinite(fields)
        sums.gaps.add(missing, terms, pentad, (sums.square, sums.pentad_terms))
        if missing is not None:
            fields = np.where(missing, 0, fields)
            product = terms.T @ fields.astype(np.float64, copy=False)
        sums.days[_day_of_year(times)] = True
        sums.square += terms.T @ terms
        sums.product += product
        for number in np.unique(pentad):
            here = pentad == number
            sums.pentad_fields[number] += fields[here].sum(0, dtype=np.float64)
            sums.pentad_terms[number] += terms[here].sum(0)


def suitable_kind(times: Times) -> ClimatologyKind:
    """`daily` from ten years on, `seasonal` from three, else `mean`."""
    length = times[-1] - times[0] + _DAY
    if length >= YEARS["daily"] * _YEAR:
        return "daily"
    return "seasonal" if length >= YEARS["seasonal"] * _YEAR else "mean"


def _hour_of_day(times: Times, kind: ClimatologyKind) -> NDArray[np.int64]:
    if kind == "mean":
        return np.zeros(times.shape, np.int64)
    return ((times - times.astype("datetime64[D]")) // HOUR).astype(np.int64)


def _day_of_year(times: Times) -> NDArray[np.int64]:
    """0..365, by the share of the year that has passed."""
    return np.minimum((_phase(times) * DAYS).astype(np.int64), DAYS - 1)


def _bridged(days: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Days of the year with a sample, or between two at most `GAP` days apart."""
    result, sampled = days.copy(), np.flatnonzero(days)
    apart = np.diff(sampled, append=sampled[0] + DAYS)
    for day, gap in zip(sampled, apart, strict=True):
        if gap <= GAP:
            result[np.arange(day, day + gap) % DAYS] = True
    return result


def _phase(times: Times) -> NDArray[np.float64]:
    """Share of the year that has passed (*times.shape), 0..1."""
    year = times.astype("datetime64[Y]")
    length = (year + np.timedelta64(1, "Y")).astype("datetime64[s]") - year.astype("datetime64[s]")
    return np.asarray((times - year) / length, np.float64)


def _terms(phase: NDArray[np.float64], kind: ClimatologyKind) -> NDArray[np.float64]:
    """(time, term): one, then cosine and sine of each harmonic of the year."""
    if kind == "mean":
        return np.ones((len(phase), 1))
    angle = 2 * np.pi * phase
    waves = [wave(k * angle) for k in range(1, HARMONICS + 1) for wave in (np.cos, np.sin)]
    return np.stack([np.ones_like(phase), *waves], axis=1)


def _least_squares(sums: _Sums) -> NDArray[np.float64]:
    """(term, cell), NaN in cells with too few samples."""
    count, gaps = int(sums.square[0, 0]), sums.gaps  # the first term is one
    if count < len(sums.square):
        raise InputError(f"{count} times are too few for a climatology; give a longer period")
    result = _inverse(sums.square) @ sums.product
    result[:, gaps.never] = np.nan
    if len(gaps.cells):
        square = sums.square - gaps.square
        own = np.einsum("cij,jc->ic", _inverse(square), sums.product[:, gaps.cells])
        result[:, gaps.cells] = np.where(square[:, 0, 0] < len(sums.square), np.nan, own)
    return result


def _inverse(square: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.pinv(square, rcond=1e-10, hermitian=True), np.float64)


def _residual(sums: _Sums, coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
    """(pentad, cell) mean residual around each pentad; zero where there is no sample near."""
    terms, gaps = sums.pentad_terms, sums.gaps
    result = _smoothed(sums.pentad_fields - terms @ coefficients, terms[:, :1])
    if len(gaps.cells) and len(terms):
        own = terms - gaps.pentad_terms  # (cell, pentad, term)
        expected = np.einsum("cpi,ic->pc", own, coefficients[:, gaps.cells])
        left = sums.pentad_fields[:, gaps.cells] - expected
        result[:, gaps.cells] = _smoothed(left, own[:, :, 0].T)
    return result


def _smoothed(residual: NDArray[np.float64], count: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of residuals, and their number (pentad, cell), to means over neighbouring pentads."""
    if not len(residual):
        return residual
    reach = int(WINDOW * PENTADS / 365)
    weights = {shift: 1 - abs(shift) / reach for shift in range(1 - reach, reach)}
    total = sum(w * np.roll(residual, shift, axis=0) for shift, w in weights.items())
    number = np.asarray(sum(w * np.roll(count, shift, axis=0) for shift, w in weights.items()))
    return np.asarray(total) / np.where(number > 0, number, 1)
