"""Scores of an ensemble and of probabilities, case by case and cell by cell.

The fair scores expect from an ensemble what infinitely many members of its kind would
score (Ferro 2014, Q. J. R. Meteorol. Soc. 140, 1917); CRPS and Brier score are those of
the library `scores`.
"""

import operator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from weather.verification.metrics import Field

BINS = 10  # of the reliability diagram

Values = NDArray[np.float64]


def fair_crps(members: Field, truth: Field) -> Values:
    """Continuous ranked probability score, corrected for the number of members.

    mean |x - y| - Σ |x - x'| / (2 M (M - 1)). In the field's unit.

    Args:
        members: (member, ...) two at least.
        truth: (...)
    """
    from scores.probability import crps_for_ensemble

    ensemble, observed = _named(members, truth)
    return np.asarray(
        crps_for_ensemble(ensemble, observed, "member", method="fair", preserve_dims="all").values
    )


def brier(members: Field, truth: Field, above: bool, fair: bool) -> Values:
    """Brier score of the share of members in which an event happens: 0 is best.

    Args:
        members: (member, ...) minus the threshold; two at least.
        truth: (...) minus the threshold.
        above: the event is a value above the threshold, else below.
        fair: corrected for the number of members.
    """
    from scores.probability import brier_score_for_ensemble

    sign = 1 if above else -1
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


def _named(members: Field, truth: Field) -> tuple[xr.DataArray, xr.DataArray]:
    axes = [f"axis{number}" for number in range(truth.ndim)]
    return xr.DataArray(members, dims=["member", *axes]), xr.DataArray(truth, dims=axes)
