"""Analyses that forecasts are compared with, checked as those that forecasts start from are."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import xarray as xr

from sciml.errors import InputError
from weather.checking.findings import Finding
from weather.checking.preflight import apply, inspect
from weather.files.accumulations import (
    HOURS,
    known_hours,
    of_hours,
    require_increments,
    stated_hours,
)
from weather.files.history import history, noted
from weather.files.members import one_member

MOST = 64  # times that are looked at, evenly spread; all of these from a file of few
_CHECKED = "checked, "


def checked(
    what: str,
    analyses: xr.Dataset,
    forecast: xr.Dataset,
    tell: Callable[[str], object] = lambda line: None,
    period: slice = slice(None),
) -> xr.Dataset:
    """The analyses, corrected where that is certain; see `weather.checking.preflight`.

    Only fields and levels that the forecast has are looked at, at some times. NaN is nothing
    to speak of: what is missing is not scored. A field that is refused in the forecast too, as
    anomalies are, is a warning. What was found is written to the history.

    Args:
        what: the analyses are, for messages: `truth`.
        analyses: canonical.
        forecast: from `open_forecast`.
        tell: called with a line for each correction and each warning.
        period: of the times that count.

    Raises:
        InputError: several members, values that cannot be what they are said to be.
    """
    analyses = one_member(analyses)
    seen = _common(analyses, forecast)
    names = [str(name) for name in seen.data_vars]
    if "time" not in seen.dims or not names:
        return analyses  # refused where they are compared
    report = inspect(seen.sel(time=period), names, most=MOST, holes=True)
    ours = {*names, "level"}
    told = tuple(f for f in report.findings if f.severity == "refused" or f.subject in ours)
    told = _as_forecast(told, forecast)
    lines: list[str] = []
    try:
        result = apply(analyses, replace(report, findings=told), lines.append)
    except InputError as error:
        raise InputError(f"{what}: {error}") from None
    result, summed = _of_hours(result, forecast)
    return said(what, [*lines, *summed], result, tell)


def of_equal_hours(
    what: str,
    other: xr.Dataset,
    forecast: xr.Dataset,
    tell: Callable[[str], object] = lambda line: None,
) -> xr.Dataset:
    """Another forecast, without fields that accumulate over other hours than the forecast's do.

    Args:
        what: its name, for messages.
        other: from `open_forecast`.
        forecast: likewise.
        tell: called with a line for each field that is left out.
    """
    own, theirs = stated_hours(other), stated_hours(forecast)
    common = [n for n in {**own, **theirs} if n in other and n in forecast]
    differ = sorted(n for n in common if own.get(n) != theirs.get(n))
    lines = [_left_out(name, own.get(name), theirs.get(name)) for name in differ]
    return said(what, lines, other.drop_vars(differ), tell)


def said(
    what: str, lines: Sequence[str], dataset: xr.Dataset, tell: Callable[[str], object]
) -> xr.Dataset:
    """The data set with lines in its history, each told; see `found`."""
    lines = [f"{what}: {line}" for line in lines]
    for line in lines:
        tell(line)
    return noted(dataset, *(_CHECKED + line for line in lines))


def found(*datasets: xr.Dataset) -> list[str]:
    """What was told of data sets, a line each."""
    lines = [line for dataset in datasets for line in history(dataset)]
    ours = [line.removeprefix(_CHECKED) for line in lines if line.startswith(_CHECKED)]
    return list(dict.fromkeys(ours))


def _of_hours(analyses: xr.Dataset, forecast: xr.Dataset) -> tuple[xr.Dataset, list[str]]:
    """Fields that accumulate over the hours that the forecast's do.

    One that cannot be is left out, and told; one of unknown hours on both sides stays.
    """
    own, theirs = known_hours(analyses), stated_hours(forecast)
    common = [n for n in {**own, **theirs} if n in analyses and n in forecast]
    other = {n for n in common if n not in own or n not in theirs or theirs[n] % own[n]}
    told = [_left_out(name, own.get(name), theirs.get(name)) for name in sorted(other)]
    wanted = {name: hours for name, hours in theirs.items() if name not in other}
    require_increments(analyses, wanted)
    summed, lines = of_hours(analyses.drop_vars(other), wanted)
    return summed, [*told, *lines]


def _left_out(name: str, own: float | None, theirs: float | None) -> str:
    ours, other = (f"{hours:g} h" if hours else "unknown hours" for hours in (own, theirs))
    advice = "" if own and theirs else f": state them by the attribute {HOURS}"
    return f"{name} left out: it is of {ours} up to each time, the forecast's of {other}{advice}"


def _as_forecast(findings: tuple[Finding, ...], forecast: xr.Dataset) -> tuple[Finding, ...]:
    """Refusals of fields that the forecast has in the same way are warnings."""
    refused = {f.subject for f in findings if f.severity == "refused"} & set(forecast.data_vars)
    if not refused:
        return findings
    first = forecast[sorted(refused)].isel(lead_time=0, missing_dims="ignore")
    first = first.reset_coords(drop=True)
    alike = {f.subject for f in inspect(first, sorted(refused), most=MOST, holes=True).findings
             if f.severity == "refused"}  # fmt: skip
    return tuple(
        replace(f, severity="warning", advice="the forecast is alike")
        if f.severity == "refused" and f.subject in alike
        else f
        for f in findings
    )


def _common(analyses: xr.Dataset, forecast: xr.Dataset) -> xr.Dataset:
    """The fields that change with time, and levels, that the forecast has too."""
    timed = [name for name, field in analyses.data_vars.items() if "time" in field.dims]
    fields = analyses[[name for name in timed if name in forecast]]
    if "level" not in fields.dims or "level" not in forecast.dims:
        return fields
    common = fields["level"].values[fields["level"].isin(forecast["level"]).values]
    return fields.sel(level=common) if len(common) else fields
