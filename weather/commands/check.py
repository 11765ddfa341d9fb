"""The command `weather check`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from weather.checking.findings import FieldCheck, Report

_COLORS = {"ok": "green", "corrected": "cyan", "warning": "yellow", "refused": "bold red"}
_AXES = ("time", "level", "lat", "lon", "grid")


def check(
    data: list[str],
    /,
    *,
    model: Path | None = None,
    every: Annotated[bool, Parameter(name="--all")] = False,
    json: Path | None = None,
) -> None:
    """Check analyses: units by value, levels, times, NaN, outliers.

    The exit status is 2 if the data cannot be used.

    Parameters
    ----------
    data:
        Analyses of one series: NetCDF, GRIB or Zarr, as files, globs, URLs or a short name
        such as arco-era5.
    model:
        A model.safetensors that is to forecast from them: also look for its variables,
        levels and grid, and compare with its training data.
    every:
        Look at every time; default up to 256 MiB of fields, of times spread evenly.
    json:
        Also write the findings to this file.
    """
    from rich.console import Console

    from weather.checking.preflight import inspect
    from weather.files.reanalysis import open_reanalysis

    dataset = open_reanalysis(data)
    times = dataset["time"].values if every and "time" in dataset.dims else None
    if model is None:
        report = inspect(dataset, times=times)
    else:
        from weather.forecasting.forecaster import Forecaster

        report = Forecaster.load(model, "cpu").inspect(dataset, times)
    if json is not None:
        _write(report, json)
    show_report(report, Console())
    report.require_usable()


def show_report(report: "Report", console: "Console") -> None:
    """Print coordinates, a table of fields, what there is to say of them, and a summary."""
    for finding in report.findings:
        if finding.subject in _AXES and finding.severity == "ok":
            line = f"{finding.subject:6}{finding.came}"
            console.print(line, soft_wrap=True, highlight=False, markup=False)
    if report.fields:
        console.print(_table(report))
    for line in report.lines("corrected", "warning", "refused"):
        color = _COLORS[line.partition(":")[0]]
        console.print(line, style=color, soft_wrap=True, highlight=False, markup=False)
    console.print(_summary(report), soft_wrap=True, highlight=False)


def _table(report: "Report") -> "Table":
    """Of fields; words of dimensions, unit and range are wrapped where 80 columns are too few."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, padding=0)
    scored = any(field.score is not None for field in report.fields)
    table.add_column("field", no_wrap=True)
    table.add_column("besides lat, lon", overflow="fold")
    table.add_column("unit", min_width=8, overflow="fold")
    table.add_column("range", justify="right", overflow="fold")
    for heading in ("NaN", *(["z-score"] if scored else [])):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for field in report.fields:
        table.add_row(*_row(field, scored))
    return table


def _row(field: "FieldCheck", scored: bool) -> list[str]:
    from weather.checking.findings import deviations, number

    unit = "" if field.si == "1" else f" {field.si}"
    score = "" if field.score is None else deviations(field.score)
    return [
        field.name,
        " ".join(dim for dim in field.dims if dim not in ("lat", "lon")),
        _unit(field),
        f"{number(field.low)} .. {number(field.high)}{unit}",
        f"{field.missing:.1%}" if field.missing else "",
        *([score] if scored else []),
        f"[{_COLORS[field.severity]}]{field.severity}[/]",
    ]


def _unit(field: "FieldCheck") -> str:
    """As stated; and by value, where the values tell another."""
    stated = field.stated or "none stated"
    return stated if field.unit in ("", field.stated) else f"{stated}, by value {field.unit}"


def _summary(report: "Report") -> str:
    from sciml.wording import count

    kinds = {
        "correction": report.of("corrected"),
        "warning": report.of("warning"),
        "refusal": report.of("refused"),
    }
    found = [count(len(findings), noun) for noun, findings in kinds.items() if findings]
    verdict = "not usable as it is" if kinds["refusal"] else "usable"
    few = len(report.times) <= 4
    times = ", ".join(report.times) if few else f"{len(report.times)} times"
    looked = f"{count(len(report.fields), 'field')}{' at ' * bool(times)}{times}"
    return f"{verdict}: looked at {looked}; {', '.join(found) or 'nothing to mend'}"


def _write(report: "Report", path: Path) -> None:
    import json
    from dataclasses import asdict

    from sciml.files import write_text

    write_text(path, json.dumps(asdict(report), indent=1))
