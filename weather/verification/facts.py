"""What a reader must know to judge scores, in words."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from sciml.wording import count
from weather.dates import HOUR, day, minute
from weather.files.history import forecasts
from weather.verification.checked import found
from weather.verification.climatology import Climatology, ClimatologyKind, Times
from weather.verification.events import SEASONS, season
from weather.verification.leakage import Leakage
from weather.verification.one_pass import FORECAST, LINEAR, Setup
from weather.verification.sample import missing_truth

_KINDS = {
    "daily": "by hour and day of the year, within 30 days on either side",
    "seasonal": "by hour, mean and two harmonics of the year",
    "mean": "mean of the period, without cycles of day and year",
}


def facts(
    models: Mapping[str, xr.Dataset],
    truth: xr.Dataset,
    training: xr.Dataset,
    kind: ClimatologyKind,
    seen: Leakage,
    setup: Setup,
) -> dict[str, str]:
    """Label to text."""
    past = training["time"].values
    hours = setup.leads / HOUR
    seasons = np.unique(season(setup.initial[:, None] + setup.leads))
    return {
        "forecast": "; ".join(
            _model(name, model, setup) for name, model in models.items() if name != LINEAR
        ),
        "cases": f"{count(len(setup.initial), 'initial time')}, {_minute(setup.initial[0])} to "
        f"{_minute(setup.initial[-1])} UTC; lead times {hours[0]:g} to {hours[-1]:g} h; "
        f"valid in {', '.join(SEASONS[number] for number in seasons)}",
        "pairs": _paired(setup),
        "missing truth": missing_truth(models[FORECAST], truth),
        "climatology": f"{kind} ({_KINDS[kind]}), fitted on {len(past)} analyses, "
        f"{day(past[0])} to {day(past[-1])}{_without(past, kind, truth, setup)}",
        "forecasts taken for analyses": "; ".join(
            dict.fromkeys([*forecasts(truth), *forecasts(training)])
        ),
        "checked": "; ".join(found(truth, training, *models.values())),
        "leakage": "; ".join([seen.stamp, *(f.text for f in seen.findings)]),
        "grid": setup.grid.describe(),
    }


def _model(name: str, model: xr.Dataset, setup: Setup) -> str:
    count = setup.members[name]
    kind = f"ensemble of {count}, scored by its mean where not said otherwise" if count else ""
    source = str(model.attrs.get("model") or model.attrs.get("source") or "")
    told = ", ".join(part for part in (source, kind) if part)
    return f"{name} ({told})" if told else name


def _paired(setup: Setup) -> str:
    """That members are not all independent, where they are not."""
    names = ", ".join(name for name, pairs in setup.pairs.items() if pairs)
    if not names:
        return ""
    return (
        f"members of {names} come in plus and minus: fair scores and spread compare those of "
        "different pairs alone; ranks take them all, and are not quite even where they are reliable"
    )


def _without(past: Times, kind: ClimatologyKind, truth: xr.Dataset, setup: Setup) -> str:
    """How many valid times have no climatology, if any."""
    valid = np.intersect1d(setup.initial[:, None] + setup.leads, truth["time"].values)
    climatology = Climatology.fit(past, np.empty((len(past), 0)), kind)
    lost = len(valid) - int(climatology.covers(valid).sum())
    if not lost:
        return ""
    some = "all" if lost == len(valid) else f"{lost} of"
    return f"; {some} {len(valid)} valid times lie in seasons without one and are scored without it"


def _minute(time: np.datetime64) -> str:
    return minute(time).replace("T", " ")
