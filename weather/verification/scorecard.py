"""The scores at a glance: skill ratios for the console, curves over lead time."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.box import SIMPLE_HEAD
from rich.table import Table

from sciml.files import atomic_path
from weather.verification.cases import HEADLINE
from weather.verification.evaluation import CLIMATOLOGY, DAMPED, FORECAST, LINEAR, PERSISTENCE

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
LEADS = (6, 24, 72, 120, 240)  # hours

_STYLES: dict[
    str, dict[str, Any]
] = {  # colours of Okabe and Ito (2008), told apart by the colour-blind
    FORECAST: {"color": "#0072B2", "linewidth": 2.4, "zorder": 5},
    PERSISTENCE: {"color": "#D55E00", "linewidth": 1.4, "linestyle": "--"},
    DAMPED: {"color": "#E69F00", "linewidth": 1.4, "linestyle": "-."},
    CLIMATOLOGY: {"color": "#555555", "linewidth": 1.4, "linestyle": ":"},
    LINEAR: {"color": "#009E73", "linestyle": "none", "marker": "D", "markersize": 6, "zorder": 6},
}


def shown_channels(scores: pd.DataFrame) -> list[str]:
    """The channels to look at first: all of a few; of many the usual ones, or any four."""
    names = list(scores["channel"].unique())
    usual = [name for name in HEADLINE if name in names]
    few = [*usual, *(name for name in names if name not in usual)]
    return few if len(few) <= 5 else usual or names[:4]


def skill_table(scores: pd.DataFrame, hours: Sequence[float] = LEADS) -> pd.DataFrame:
    """RMSE of the forecast and its ratio to each baseline: below one is better.

    Args:
        scores: from `evaluate`.
        hours: lead times; those that were not forecast are left out. If none was, all
            that were are shown.

    Returns:
        One row for each headline channel and lead time: channel, lead_hours, unit,
        rmse, acc, and a column of ratios for each baseline.
    """
    keys, names = ["channel", "lead_hours"], shown_channels(scores)
    some = scores[scores["channel"].isin(names)]
    asked = some["lead_hours"].isin(hours)
    some = some[asked] if asked.any() else some
    rmse = some[some["metric"] == "rmse"].set_index([*keys, "system"])["value"].unstack("system")
    own = some[some["system"] == FORECAST].set_index([*keys, "metric"])["value"].unstack("metric")
    units = some[some["metric"] == "rmse"].groupby(keys)["unit"].first()
    baselines = [name for name in (PERSISTENCE, DAMPED, CLIMATOLOGY, LINEAR) if name in rmse]
    ratios = rmse[baselines].rdiv(rmse[FORECAST], axis=0)
    table = pd.concat([units, own[["rmse", "acc"]], ratios], axis=1)
    return table.reindex(names, level="channel").reset_index()


def write_scores(scores: pd.DataFrame, folder: Path) -> None:
    """Write `scores.csv` and `scores.png`."""
    with atomic_path(folder / "scores.csv") as temporary:
        scores.to_csv(temporary, index=False)
    draw_curves(scores, folder / "scores.png")


def console_table(scores: pd.DataFrame) -> Table:
    """The skill table for a terminal; ratios below one are green."""
    skill = skill_table(scores)
    first = ("channel", "lead_hours", "unit", "rmse", "acc")
    ratios = [name for name in skill.columns if name not in first]
    table = Table(
        title="RMSE, ACC, and ratio of the RMSE to that of each baseline (below 1 is better)",
        box=SIMPLE_HEAD,
        padding=0,
        pad_edge=False,
        caption=f"RMSE: root after the mean over cases. Climatology: {scores.attrs['climatology']}",
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


def draw_curves(scores: pd.DataFrame, path: Path) -> None:
    """RMSE and ACC of the headline channels over lead time, beside the baselines."""
    names = shown_channels(scores)[:5]
    figure = Figure(figsize=(1.2 + 3.1 * len(names), 6), layout="constrained")
    axes = figure.subplots(2, len(names), sharex=True, squeeze=False)
    for column, name in enumerate(names):
        of_channel = scores[scores["channel"] == name]
        rmse = _draw(axes[0, column], of_channel, "rmse")
        axes[0, column].set_title(name)
        axes[0, column].set_ylabel(f"RMSE ({pretty_unit(rmse['unit'].iloc[0])})")
        axes[0, column].set_ylim(bottom=0)
        _draw(axes[1, column], of_channel, "acc")
        axes[1, column].axhline(0.6, color="#999999", linewidth=0.8)
        axes[1, column].set_ylim(min(0, axes[1, column].get_ylim()[0]), 1.02)
        axes[1, column].set_ylabel("ACC" if column == 0 else "")
        axes[1, column].set_xlabel("lead time (days)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    cases = int(scores.loc[scores["system"] == FORECAST, "cases"].max())
    figure.suptitle(
        f"{cases} cases; RMSE: root after the mean over cases; "
        f"climatology: {scores.attrs['climatology']}",
        fontsize="medium",
    )
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=120)


def pretty_unit(unit: str) -> str:
    """`m s⁻¹` for `m s-1`."""
    return re.sub(r"(?<=[A-Za-z])-?\d+", lambda power: power[0].translate(_RAISED), unit)


def _draw(axes: Axes, scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    chosen = scores[scores["metric"] == metric]
    for system, style in _STYLES.items():
        curve = chosen[chosen["system"] == system].sort_values("lead_hours")
        if len(curve):
            style = {"marker": "o", "markersize": 4, **style} if len(curve) == 1 else style
            axes.plot(curve["lead_hours"] / 24, curve["value"], label=system, **style)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    return chosen


def _number(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.3f}"


def _ratio(value: float) -> str:
    if pd.isna(value):
        return ""
    return f"[{'green' if value < 1 else 'red'}]{value:.2f}[/]"
