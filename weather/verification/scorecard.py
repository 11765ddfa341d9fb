"""The scores at a glance: skill ratios, and the matrix of a scorecard."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.table import Table

from weather.files.units import pretty_unit
from weather.verification.cases import HEADLINE
from weather.verification.one_pass import CLIMATOLOGY, DAMPED, FORECAST, LINEAR, PERSISTENCE
from weather.verification.table import ALL

LEADS = (6, 24, 72, 120, 240)  # hours
_WIDE = 20  # columns of a matrix
BASELINES = (PERSISTENCE, CLIMATOLOGY, DAMPED, LINEAR)


def shown_channels(scores: pd.DataFrame) -> list[str]:
    """The channels to look at first: all of a few; of many the usual ones, or any four."""
    names = list(scores["channel"].unique())
    usual = [name for name in HEADLINE if name in names]
    few = [*usual, *(name for name in names if name not in usual)]
    return few if len(few) <= 5 else usual or names[:4]


def whole(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of the whole grid and all seasons."""
    first = scores["region"].iloc[:1].tolist()  # none where there is nothing to compare
    return scores[scores["region"].isin(first) & (scores["season"] == ALL)]


def other_models(scores: pd.DataFrame) -> list[str]:
    """Names of the forecasts that the first one is compared with."""
    return [s for s in scores["system"].unique() if s not in (FORECAST, *BASELINES)]


def skill_table(scores: pd.DataFrame, hours: Sequence[float] = LEADS) -> pd.DataFrame:
    """RMSE of the forecast and its ratio to each baseline: below one is better.

    Args:
        scores: of an `Evaluation`.
        hours: lead times; those that were not forecast are left out. If none was, all
            that were are shown.

    Returns:
        One row for each headline channel and lead time: channel, lead_hours, unit,
        rmse, acc, and a column of ratios for each other forecast and each baseline; NaN
        where that lacks a case.
    """
    keys, names = ["channel", "lead_hours"], shown_channels(scores)
    some = whole(scores)
    some = some[some["channel"].isin(names)]
    asked = some["lead_hours"].isin(hours)
    some = some[asked] if asked.any() else some
    errors = some[some["metric"] == "rmse"].set_index([*keys, "system"])
    rmse, cases = (errors[name].unstack("system") for name in ("value", "cases"))
    own = some[(some["system"] == FORECAST) & some["metric"].isin(["rmse", "acc"])]
    own = own.set_index([*keys, "metric"])["value"].unstack("metric")
    units = some[some["metric"] == "rmse"].groupby(keys)["unit"].first()
    references = [s for s in (*other_models(scores), *BASELINES) if s in rmse]
    ratios = rmse[references].rdiv(rmse[FORECAST], axis=0)
    ratios = ratios.where(cases[references].eq(cases[FORECAST], axis=0))
    table = pd.concat([units, own[["rmse", "acc"]], ratios], axis=1)
    return table.reindex(names, level="channel").reset_index()


def console_table(scores: pd.DataFrame) -> Table:
    """The skill table of an `Evaluation`'s scores for a terminal; ratios below one are green."""
    skill = skill_table(scores)
    first = ("channel", "lead_hours", "unit", "rmse", "acc")
    ratios = [name for name in skill.columns if name not in first]
    table = Table(
        title="RMSE, ACC, and RMSE over that of others",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=0,
        pad_edge=False,
        caption="RMSE: root after the mean over cases",
        caption_justify="left",
    )
    for title in ("field", "lead", "RMSE", "ACC", *ratios):
        left = title == "field"
        table.add_column(title, justify="left" if left else "right", no_wrap=title == "RMSE")
    for row in skill.to_dict("records"):
        table.add_row(
            str(row["channel"]),
            f"{row['lead_hours']:g} h",
            f"{row['rmse']:.4g} {pretty_unit(row['unit'])}",
            _number(row["acc"]),
            *(_ratio(row[name]) for name in ratios),
            end_section=row["lead_hours"] == skill["lead_hours"].max(),
        )
    return table


@dataclass(frozen=True)
class Cell:
    """One comparison in the matrix.

    Attributes:
        skill: share of the reference's error that is gone; NaN without cases.
        significant: whether the sign is sure.
        title: all numbers, in words.
    """

    skill: float
    significant: bool
    title: str


@dataclass(frozen=True)
class Matrix:
    """Skill of the forecast against one reference.

    Attributes:
        reference: its name.
        columns: groups of lead times (hours), by name; a group without a name is the only one.
        rows: label to cells, of all groups one after the other.
        left_out: lead times (hours) for which there is no room.
    """

    reference: str
    columns: dict[str, tuple[float, ...]]
    rows: dict[str, list[Cell | None]]
    left_out: tuple[float, ...]


def matrix(
    differences: pd.DataFrame, reference: str, row: str, group: str = "", metric: str = "rmse"
) -> Matrix:
    """The matrix of one metric.

    Args:
        differences: of an `Evaluation`, those rows that are to be shown.
        reference: which other system.
        row: column whose values are the rows' labels.
        group: column whose values are groups of columns; empty for none.
        metric: which.
    """
    chosen = differences[
        (differences["reference"] == reference) & (differences["metric"] == metric)
    ]
    groups = list(chosen[group].unique()) if group else [""]
    all_leads = sorted(chosen["lead_hours"].unique())
    leads = _few(all_leads, _WIDE // len(groups))
    places = {(name, lead): None for name in groups for lead in leads}
    rows: dict[str, dict[tuple[str, float], Cell | None]] = {}
    for record in chosen.to_dict("records"):
        place = (record[group] if group else "", record["lead_hours"])
        if place in places:
            rows.setdefault(str(record[row]), dict(places))[place] = _cell(record)
    cells = {label: list(found.values()) for label, found in rows.items()}
    left_out = tuple(lead for lead in all_leads if lead not in leads)
    return Matrix(reference, {name: tuple(leads) for name in groups}, cells, left_out)


def _few(leads: list[float], most: int) -> list[float]:
    """Evenly chosen, the last among them; of very few the usual ones, if they are there."""
    usual = [lead for lead in leads if lead in LEADS]
    if len(leads) > most and most < len(usual):
        return usual[-most:]
    step = -(-len(leads) // max(most, 1))
    return leads[::-1][::step][::-1]


def _cell(record: dict) -> Cell:
    unit = pretty_unit(record["unit"])
    sure = ""
    if pd.notna(record.get("difference_lower")):
        sure = f" [{record['difference_lower']:.3g}, {record['difference_upper']:.3g}]"
    title = (
        f"{record['channel']}, {record['region']}, {record['season']}, "
        f"+{record['lead_hours']:g} h: {record['metric']} "
        f"{record['difference']:+.3g}{sure} {unit}, "
        f"skill {100 * record['skill']:.1f} %, {record['cases']} cases"
    )
    return Cell(float(record["skill"]), bool(record["significant"]), title)


def _number(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.3f}"


def _ratio(value: float) -> str:
    if pd.isna(value):
        return ""
    return f"[{'green' if value < 1 else 'red'}]{value:.2f}[/]"
