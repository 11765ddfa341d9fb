"""What was found in analyses, told on the console and as JSON."""

import json
from dataclasses import asdict
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from sciml.files import write_text
from sciml.wording import count
from weather.checking.findings import FieldCheck, Report, deviations, number

_COLORS = {"ok": "green", "corrected": "cyan", "warning": "yellow", "refused": "bold red"}
_AXES = ("time", "level", "lat", "lon", "grid")


def show_report(report: Report, console: Console) -> None:
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


def write_report(report: Report, path: Path) -> None:
    """Write as JSON, whole or not at all."""
    write_text(path, json.dumps(asdict(report), indent=1))


def _table(report: Report) -> Table:
    """Of fields; words of dimensions, unit and range are wrapped where 80 columns are too few."""
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


def _row(field: FieldCheck, scored: bool) -> list[str]:
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


def _unit(field: FieldCheck) -> str:
    """As stated; and by value, where the values tell another."""
    stated = field.stated or "none stated"
    return stated if field.unit in ("", field.stated) else f"{stated}, by value {field.unit}"


def _summary(report: Report) -> str:
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
