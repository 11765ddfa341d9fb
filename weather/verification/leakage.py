"""Whether a forecast is scored on dates that its model, or the climatology, has seen.

Training dates also gave the statistics that normalize fields; validation dates chose
when to stop; a model that was fine-tuned has also seen the dates of its pre-training.
Scores on any of them flatter.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from sciml.errors import InputError
from weather.dates import day
from weather.verification.climatology import Times
from weather.verification.one_pass import FORECAST

ATTRIBUTES = {
    "training_period": "training and statistics",
    "validation_period": "validation",
    "earlier_period": "training of the model it was tuned from",
    "calibration_period": "calibration of the spread",
}
CLIMATOLOGY = "climatology"


@dataclass(frozen=True)
class Finding:
    """Scored dates that were seen.

    Attributes:
        model: name of the model; empty for the climatology, which all share.
        purpose: what the dates served for.
        text: one line that says how many dates and which period.
    """

    model: str
    purpose: str
    text: str


@dataclass(frozen=True)
class Leakage:
    """What is known of dates that were seen.

    Attributes:
        findings: dates that were.
        unknown: names of models whose files say nothing about their training.
    """

    findings: tuple[Finding, ...]
    unknown: tuple[str, ...]

    @property
    def stamp(self) -> str:
        """A few words for every output."""
        seen = sorted({" ".join([f.model, f.purpose]).strip() for f in self.findings})
        words = [f"LEAKAGE: {', '.join(seen)}"] if seen else []
        words += [f"training period of {', '.join(self.unknown)} unknown"] if self.unknown else []
        return "; ".join(words) or "none"

    def require_none(self) -> None:
        """Refuse scores that would flatter.

        Raises:
            InputError: if any scored date was seen.
        """
        if self.findings:
            raise InputError(
                f"{'; '.join(f.text for f in self.findings)}: such scores flatter; choose other "
                "dates, or add --allow-leakage, which marks every output"
            )


def leakage(models: dict[str, xr.Dataset], climatology: Times, kind: str) -> Leakage:
    """Look for scored dates that were seen.

    Args:
        models: forecasts by name, with the attributes that `weather forecast` writes.
        climatology: times of the analyses that climatology and baselines are fitted on.
        kind: of climatology, for the message.
    """
    findings: list[Finding] = []
    unknown = []
    for name, forecast in models.items():
        periods = {a: _periods(str(forecast.attrs.get(a, ""))) for a in ATTRIBUTES}
        if not periods["training_period"]:
            unknown.append(name)
        for attribute, purpose in ATTRIBUTES.items():
            for start, end in periods[attribute]:
                findings += _of_period(name, purpose, forecast, start, end)
    first = next(iter(models.values()))
    return Leakage((*findings, *_of_climatology(first, climatology, kind)), tuple(unknown))


def _periods(text: str) -> list[tuple[np.datetime64, np.datetime64]]:
    """`2000-01-01T00:00..2005-01-01T00:00, ...`: start, and end, not included."""
    pairs = [period.strip().split("..") for period in text.split(",") if ".." in period]
    return [(np.datetime64(start), np.datetime64(end)) for start, end in pairs]


def _of_period(
    name: str, purpose: str, forecast: xr.Dataset, start: np.datetime64, end: np.datetime64
) -> list[Finding]:
    initial, valid = forecast["time"].values, forecast["valid_time"].values
    starts = int(((initial >= start) & (initial < end)).sum())
    valids = int(((valid >= start) & (valid < end)).sum())
    if not starts and not valids:
        return []
    of = "" if name == FORECAST else f" of {name}"
    text = (
        f"{starts} of {initial.size} forecasts{of} start, and {valids} of {valid.size} are "
        f"valid, in the period of {purpose}, {day(start)} to {day(end)}"
    )
    return [Finding(name, purpose, text)]


def _of_climatology(forecast: xr.Dataset, climatology: Times, kind: str) -> list[Finding]:
    days = np.unique(climatology.astype("datetime64[D]"))
    dates = np.concatenate([forecast["time"].values, forecast["valid_time"].values.ravel()])
    scored = np.unique(dates.astype("datetime64[D]"))
    seen = np.isin(scored, days).sum()
    if not seen:
        return []
    text = (
        f"the climatology's period {day(climatology[0])} to {day(climatology[-1])} overlaps the "
        f"forecasts: {seen} of their {len(scored)} days ({kind}; another with "
        "--climatology-period)"
    )
    return [Finding("", CLIMATOLOGY, text)]
