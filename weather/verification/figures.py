"""Pictures of the scores: curves over lead time, spectra, histograms."""

import textwrap
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from weather.dates import HOUR
from weather.files.units import pretty_unit
from weather.verification.one_pass import (
    CLIMATOLOGY,
    DAMPED,
    FORECAST,
    LINEAR,
    PERSISTENCE,
    TRUTH,
)
from weather.verification.scorecard import LEADS, other_models, shown_channels, whole
from weather.verification.spectra import KEPT

# colours of Okabe and Ito (2008), told apart by the colour-blind
_STYLES: dict[str, dict[str, Any]] = {
    FORECAST: {"color": "#0072B2", "linewidth": 2.4, "zorder": 5},
    PERSISTENCE: {"color": "#D55E00", "linewidth": 1.4, "linestyle": "--"},
    DAMPED: {"color": "#E69F00", "linewidth": 1.4, "linestyle": "-."},
    CLIMATOLOGY: {"color": "#555555", "linewidth": 1.4, "linestyle": ":"},
    LINEAR: {"color": "#009E73", "linestyle": "none", "marker": "D", "markersize": 6, "zorder": 6},
}
_OTHERS = ("#CC79A7", "#56B4E9", "#000000", "#B8A000")
_MOST = 5  # channels in a figure
_LETTER = 0.078  # inches, of a title; somewhat more than the mean of a text


def curves(scores: pd.DataFrame, rows: dict[str, str], title: str = "") -> Figure:
    """Scores of the headline channels over lead time, with their 95 % intervals.

    Args:
        scores: of an `Evaluation`.
        rows: metric to label, one a row of the figure.
        title: of the figure.
    """
    names, scores = shown_channels(scores)[:_MOST], whole(scores)
    styles = _styles(scores)
    size = (1.4 + 3.0 * len(names), 0.9 + 2.4 * len(rows))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(rows), len(names), sharex=True, squeeze=False)
    axes[0, 0].xaxis.set_major_locator(MultipleLocator(_tick(scores["lead_hours"].max())))
    for column, name in enumerate(names):
        of_channel = scores[scores["channel"] == name]
        axes[0, column].set_title(name)
        axes[-1, column].set_xlabel("lead time (h)")
        for row, (metric, label) in enumerate(rows.items()):
            chosen = of_channel[of_channel["metric"] == metric]
            _draw(axes[row, column], chosen, styles)
            _frame(axes[row, column], metric)
            unit = pretty_unit(chosen["unit"].iloc[0]) if len(chosen) else "1"
            if column == 0 or unit != "1":
                axes[row, column].set_ylabel(label + (f" ({unit})" if unit != "1" else ""))
    _legend(figure, axes[0, 0])
    if title:
        figure.suptitle(_wrapped(title, figure), fontsize="medium")
    return figure


def spectra(fields: xr.Dataset, names: list[str]) -> Figure:
    """Power by wavelength, and its ratio to that of the analyses, of the first model."""
    leads = _some(fields["lead_time"].values, 4)
    figure = Figure(figsize=(1.4 + 3.0 * len(names), 5.2), layout="constrained")
    axes = figure.subplots(2, len(names), sharex=True, squeeze=False)
    length = fields["wavelength"].values[1:]
    colours = colormaps["viridis"](np.linspace(0.1, 0.85, len(leads)))
    for column, name in enumerate(names):
        power = fields["power"].sel(channel=name).isel(wavenumber=slice(1, None))
        top, low = axes[:, column]
        for lead, colour in zip(leads, colours, strict=True):
            at_lead = power.sel(lead_time=lead)
            own, true = at_lead.sel(source=FORECAST), at_lead.sel(source=TRUTH)
            label = f"+{lead / HOUR:g} h"
            top.loglog(length, own, color=colour, linewidth=1.6, label=label)
            low.loglog(length, own / true, color=colour, linewidth=1.6)
        top.loglog(length, true, color="black", linewidth=1.2, linestyle="--", label=TRUTH)
        low.axhline(1, color="black", linewidth=1.2, linestyle="--")
        for limit in (KEPT, 1 / KEPT):
            low.axhline(limit, color="#999999", linewidth=0.8)
        low.set_ylim(0.1, 10)
        low.set_yticks([0.1, 0.5, 1, 2, 10], ["0.1", "0.5", "1", "2", "10"])
        low.set_yticks([], minor=True)
        low.set_xlabel("wavelength (km)")
        _wavelengths(low, length)
        unit = fields["unit"].sel(channel=name).item()
        top.set(title=name, ylabel=f"power (({pretty_unit(unit)})²)")
        low.set_ylabel("power over that of the analyses" if column == 0 else "")
        for axis in (top, low):
            axis.grid(alpha=0.25, which="major")
            axis.spines[["top", "right"]].set_visible(False)
    _legend(figure, axes[0, 0])
    return figure


def rank_histograms(fields: xr.Dataset, names: list[str]) -> Figure:
    """How often the analysis has each rank among the members; flat is reliable."""
    leads = _some(fields["lead_time"].values, 3)
    figure = Figure(figsize=(1.2 + 2.6 * len(names), 0.4 + 1.7 * len(leads)), layout="constrained")
    axes = figure.subplots(len(leads), len(names), sharex=True, sharey="row", squeeze=False)
    for (row, column), axis in np.ndenumerate(axes):
        shown = fields["rank_frequency"].sel(channel=names[column], lead_time=leads[row])
        axis.bar(np.arange(len(shown)), shown * len(shown), width=0.92, color="#0072B2")
        axis.axhline(1, color="black", linewidth=1.0, linestyle="--")
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_ylabel(f"+{leads[row] / HOUR:g} h" if column == 0 else "")
        if row == 0:
            axis.set_title(names[column])
    figure.supxlabel("rank of the analysis among the members", fontsize="medium")
    figure.supylabel("frequency over that of a reliable ensemble", fontsize="medium")
    return figure


def reliability(fields: xr.Dataset) -> Figure:
    """Observed frequency over forecast probability, and how often each was forecast."""
    events = fields["event"].values[:_MOST]
    leads = _some(fields["lead_time"].values, 3)
    figure = Figure(figsize=(1.0 + 3.2 * len(events), 4.6), layout="constrained")
    axes = figure.subplots(2, len(events), squeeze=False, height_ratios=[3, 1], sharex=True)
    colours = colormaps["viridis"](np.linspace(0.1, 0.85, len(leads)))
    for column, event in enumerate(events):
        top, low = axes[:, column]
        top.plot([0, 1], [0, 1], color="black", linewidth=1.0, linestyle="--")
        for lead, colour in zip(leads, colours, strict=True):
            own = fields.sel(event=event, lead_time=lead).dropna("bin", subset=["share"])
            points = own["forecast_probability"], own["observed_frequency"]
            top.plot(*points, color=colour, marker="o", label=f"+{lead / HOUR:g} h")
            low.plot(own["bin"], own["share"], color=colour, marker=".")
        top.set(title=event, xlim=(0, 1), ylim=(0, 1), aspect="equal")
        low.set(yscale="log", xlabel="forecast probability")
        for axis in (top, low):
            axis.grid(alpha=0.25)
            axis.spines[["top", "right"]].set_visible(False)
    axes[0, 0].set_ylabel("observed frequency")
    axes[1, 0].set_ylabel("share of cases")
    axes[0, 0].legend(frameon=False)
    return figure


def _legend(figure: Figure, of: Axes) -> None:
    """Below all panels, in as many columns as their width holds."""
    handles, labels = of.get_legend_handles_labels()
    wide = 0.7 + 0.08 * max((len(label) for label in labels), default=0)  # inches, of a column
    columns = int(np.clip(figure.get_figwidth() // wide, 1, max(len(labels), 1)))
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)


def _wrapped(title: str, figure: Figure) -> str:
    """A title in lines that the width of the paper holds; its own lines stay apart."""
    most = int(figure.get_figwidth() / _LETTER)
    return "\n".join(textwrap.fill(line, most) for line in title.split("\n"))


def _tick(hours: float) -> int:
    """Hours between the ticks of an axis of lead times."""
    return next(
        step for step in (1, 3, 6, 12, 24, 48, 120, 240) if hours / step <= 6 or step == 240
    )


def _styles(scores: pd.DataFrame) -> dict[str, dict[str, Any]]:
    others = {
        name: {"color": _OTHERS[number % len(_OTHERS)], "linewidth": 2.0, "zorder": 4}
        for number, name in enumerate(other_models(scores))
    }
    return {FORECAST: _STYLES[FORECAST], **others, **_STYLES}


def _draw(axes: Axes, scores: pd.DataFrame, styles: dict[str, dict[str, Any]]) -> None:
    for system, style in styles.items():
        curve = scores[scores["system"] == system].sort_values("lead_hours")
        if not len(curve) or curve["value"].isna().all():
            continue
        hours = curve["lead_hours"]
        if len(curve) == 1:
            style = {"marker": "o", "markersize": 5, **style}
            if curve["lower"].notna().all():
                reach = [curve["value"] - curve["lower"], curve["upper"] - curve["value"]]
                axes.errorbar(hours, curve["value"], reach, color=style["color"], capsize=3)
        axes.plot(hours, curve["value"], label=system, **style)
        band = {"color": style["color"], "alpha": 0.15, "linewidth": 0}
        axes.fill_between(hours, curve["lower"], curve["upper"], **band)


def _frame(axes: Axes, metric: str) -> None:
    """Limits and guide lines that belong to a metric."""
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if metric == "bias":
        axes.axhline(0, color="#999999", linewidth=0.8)
    elif metric == "acc":
        axes.axhline(0.6, color="#999999", linewidth=0.8)
        axes.set_ylim(min(0, axes.get_ylim()[0]), 1.02)
    elif metric in ("activity_ratio", "spread_skill"):
        axes.axhline(1, color="#999999", linewidth=0.8)
        axes.set_ylim(0, max(1.3, axes.get_ylim()[1]))
    else:
        axes.set_ylim(bottom=0)


def _wavelengths(axes: Axes, length: np.ndarray) -> None:
    """Few ticks in km, long waves to the left."""
    ticks = [t * 10**p for p in (1, 2, 3, 4) for t in (1, 2, 5)]
    shown = [t for t in ticks if length.min() <= t <= length.max()]
    axes.set_xticks(shown, [f"{t:g}" for t in shown])
    axes.set_xticks([], minor=True)
    axes.set_xlim(length.max(), length.min())


def _some(leads: np.ndarray, most: int) -> np.ndarray:
    """Of many lead times the usual ones, if these are enough, else evenly chosen."""
    usual = leads[np.isin(leads / HOUR, LEADS)]
    if len(leads) > most and len(usual) >= most:
        return usual[-most:]
    index = np.linspace(0, len(leads) - 1, min(most, len(leads))).round().astype(int)
    return leads[index]
