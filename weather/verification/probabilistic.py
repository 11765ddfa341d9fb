"""Scores of an ensemble and of probabilities, case by case and cell by cell.

The fair scores expect from an ensemble what infinitely many members of its kind would
score (Ferro 2014, Q. J. R. Meteorol. Soc. 140, 1917); CRPS and Brier score are those of
the library `scores`. They want members that are independent of each other. Members that
start from plus and minus the same perturbation are not: what two of them have in common is
then taken from members of different pairs alone.
"""

import operator
from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from weather.forecasting.perturbations import PAIRED, ensemble_of
from weather.verification.metrics import Field

BINS = 10  # of the reliability diagram

Values = NDArray[np.float64]
Pairs = Sequence[tuple[int, int]]


def pairs_of(forecast: xr.Dataset) -> Pairs:
    """Positions of members that start from plus and minus the same perturbation.

    Of forecasts by `weather forecast --perturb noise` or `bred`, which are numbered from one:
    1 and 2, 3 and 4, as far as both are there.
    """
    if ensemble_of(forecast.attrs).get("method") not in PAIRED or "member" not in forecast.coords:
        return ()
    place = {int(number): at for at, number in enumerate(forecast["member"].values)}
    first = [number for number in place if number % 2 and number + 1 in place]
    return tuple((place[number], place[number + 1]) for number in sorted(first))


def fair_crps(members: Field, truth: Field, pairs: Pairs = ()) -> Values:
    """Continuous ranked probability score, corrected for the number of members.

    mean |x - y| - mean |x - x'| / 2, the latter over members x, x' that are independent. In
    the field's unit; NaN where no two are.

    Args:
        members: (member, ...) two at least.
        truth: (...)
        pairs: members that are not independent of each other, see `pairs_of`.
    """
    from scores.probability import crps_for_ensemble

    ensemble, observed = _named(members, truth)
    fair = crps_for_ensemble(ensemble, observed, "member", method="fair", preserve_dims="all")
    if not pairs:
        return np.asarray(fair.values)
    error = np.abs(members - truth, dtype=np.float64).mean(0)
    every, independent = _twos(len(members), pairs)
    apart = every * 2 * (error - fair.values)
    within = sum(2 * np.abs(members[a] - members[b], dtype=np.float64) for a, b in pairs)
    return error - _over(apart - within, independent) / 2


def variances(members: Field, pairs: Pairs = ()) -> tuple[Values, Values]:
    """Variance of members, and that of their mean; both expected to be those of the ensemble.

    Of independent members s² and s² / M. Of pairs the former is half the mean square distance
    of members of different pairs, and the latter is less: the mean of a pair that lies
    symmetrically about the truth of the ensemble has none. NaN where no two are independent.

    Args:
        members: (member, ...) two at least.
        pairs: see `pairs_of`.
    """
    number = len(members)
    own = members.var(0, ddof=1, dtype=np.float64)
    if not pairs:
        return own, own / number
    every, independent = _twos(number, pairs)
    squares = sum((members[a] - members[b]).astype(np.float64) ** 2 for a, b in pairs)
    variance = _over(every * 2 * own - 2 * squares, independent) / 2
    return variance, ((number + 2 * len(pairs)) * variance - squares) / number**2


def brier(members: Field, truth: Field, above: bool, fair: bool, pairs: Pairs = ()) -> Values:
    """Brier score of the share of members in which an event happens: 0 is best.

    Args:
        members: (member, ...) minus the threshold; two at least.
        truth: (...) minus the threshold.
        above: the event is a value above the threshold, else below.
        fair: corrected for the number of members.
        pairs: see `pairs_of`; of the fair score.
    """
    from scores.probability import brier_score_for_ensemble

    sign = 1 if above else -1
    if fair and pairs:
        says, happened = sign * members > 0, (sign * truth > 0).astype(np.float64)
        share = says.mean(0)
        _, independent = _twos(len(members), pairs)
        count = says.sum(0)
        both = count * (count - 1) - sum(2 * (says[a] & says[b]) for a, b in pairs)
        return _over(both, independent) - 2 * share * happened + happened
    ensemble, observed = _named(sign * members, sign * truth)
    score = brier_score_for_ensemble(
        ensemble, observed, "member", 0.0, preserve_dims="all", fair_correction=fair,
        event_threshold_operator=operator.gt,
    )  # fmt: skip
    return np.asarray(score.isel(threshold=0).transpose(*observed.dims).values)


def ranks(members: Field, truth: Field, weights: Values) -> Values:
    """Rank histogram: area in which the truth has each rank among the members.

    Equal values share the ranks between them.

    Args:
        members: (member, ..., lat, lon).
        truth: (..., lat, lon); NaN is left out.
        weights: (lat, lon)

    Returns:
        (member + 1,) in the unit of the weights; not normalized.
    """
    area = np.broadcast_to(weights, truth.shape)
    known = np.isfinite(truth) & np.isfinite(members).all(0)
    below = (members < truth).sum(0)[known]
    equal = (members == truth).sum(0)[known]
    histogram = np.zeros(len(members) + 2)  # of differences: each case adds a plateau
    share = area[known] / (equal + 1)
    np.add.at(histogram, below, share)
    np.add.at(histogram, below + equal + 1, -share)
    return histogram.cumsum()[:-1]


def reliability(probability: Field, happened: Field, weights: Values) -> Values:
    """Area, forecast and happening of an event in bins of its probability.

    Args:
        probability: (..., lat, lon) 0..1.
        happened: (..., lat, lon) 0, 1, or NaN where it is not known.
        weights: (lat, lon)

    Returns:
        (3, bin): Σ w, Σ w p and Σ w o.
    """
    known = np.isfinite(happened) & np.isfinite(probability)
    area = np.broadcast_to(weights, happened.shape)[known]
    p, o = probability[known], happened[known]
    bins = np.minimum((p * BINS + 1e-9).astype(np.int64), BINS - 1)
    sums = [np.bincount(bins, area * factor, BINS) for factor in (np.ones_like(p), p, o)]
    return np.stack(sums)


def _twos(number: int, pairs: Pairs) -> tuple[int, int]:
    """Ordered twos of members: of all, and of those that are independent."""
    return number * (number - 1), number * (number - 1) - 2 * len(pairs)


def _over(above: Values, below: int) -> Values:
    return above / below if below else np.full(np.shape(above), np.nan)


def _named(members: Field, truth: Field) -> tuple[xr.DataArray, xr.DataArray]:
    axes = [f"axis{number}" for number in range(truth.ndim)]
    return xr.DataArray(members, dims=["member", *axes]), xr.DataArray(truth, dims=axes)
