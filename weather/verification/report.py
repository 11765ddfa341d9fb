"""The scorecard as one HTML page that needs nothing else."""

import io
from base64 import b64encode

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sciml.page import environment
from weather.files.units import pretty_unit
from weather.verification import error_maps, figures
from weather.verification.evaluation import Evaluation
from weather.verification.metrics import MEANINGS
from weather.verification.one_pass import CLIMATOLOGY, FORECAST
from weather.verification.scorecard import (
    BASELINES,
    LEADS,
    Cell,
    Matrix,
    matrix,
    other_models,
    shown_channels,
    skill_table,
    whole,
)
from weather.verification.table import ALL

_FULL = 0.5  # skill at which a colour is full
_BETTER, _WORSE = (33, 102, 172), (178, 24, 43)  # ends of the diverging map RdBu
_MAPS = 4  # channels at most


def page(evaluation: Evaluation) -> str:
    """The whole page."""
    templates = environment("weather.verification", colour=_colour, percent=_percent)
    scores = evaluation.scores
    return templates.get_template("scorecard.html").render(
        facts=evaluation.facts,
        leakage=evaluation.leakage,
        matrices=_matrices(evaluation),
        regions=_matrix_by(evaluation, "region"),
        seasons=_matrix_by(evaluation, "season"),
        table=_table(scores),
        unlisted=scores["lead_hours"].nunique() - skill_table(scores)["lead_hours"].nunique(),
        brier=_brier(scores),
        pictures=_pictures(evaluation),
        resolutions=_resolutions(scores),
        meanings={name: MEANINGS[name] for name in MEANINGS if name in set(scores["metric"])},
    )


def _matrices(evaluation: Evaluation) -> list[Matrix]:
    """One of each other system, other forecasts first."""
    rows = whole(evaluation.differences)
    found = set(rows["reference"])
    ordered = (*other_models(evaluation.scores), *BASELINES)
    return [matrix(rows, name, "channel") for name in ordered if name in found]


def _matrix_by(evaluation: Evaluation, column: str) -> Matrix | None:
    """Regions or seasons, of the headline channels, against the first reference."""
    rows = evaluation.differences
    if rows.empty:
        return None
    names = shown_channels(evaluation.scores)
    other, main = ("season", ALL) if column == "region" else ("region", rows["region"].iloc[0])
    rows = rows[(rows[other] == main) & rows["channel"].isin(names)]
    if rows[column].nunique() < 2:
        return None
    rows = rows.sort_values("channel", key=lambda c: c.map(names.index), kind="stable")
    return matrix(rows, _matrices(evaluation)[0].reference, column, "channel")


_NUMBERS = {
    "rmse": "RMSE",
    "rmse_by_case": "RMSE by case",
    "mae": "MAE",
    "bias": "bias",
    "acc": "ACC",
    "activity_ratio": "activity ratio",
}


def _table(scores: pd.DataFrame) -> list[dict[str, str]]:
    """Numbers for the headline channels, with intervals."""
    chosen = whole(scores)
    keys = ["channel", "lead_hours", "metric"]
    chosen = chosen[chosen["system"] == FORECAST].drop_duplicates(keys)
    found = {tuple(record[k] for k in keys): record for record in chosen.to_dict("records")}
    first = ("channel", "lead_hours", "unit", "rmse", "acc")
    rows = []
    for record in skill_table(scores, LEADS).to_dict("records"):
        place = record["channel"], record["lead_hours"]
        row = {"field": place[0], "lead": f"{place[1]:g} h", "unit": pretty_unit(record["unit"])}
        for metric, label in _NUMBERS.items():
            row[label] = _with_interval(found[*place, metric])
        row |= {f"RMSE / {k}": f"{v:.2f}" for k, v in record.items() if k not in first}
        rows.append(row)
    return rows


def _with_interval(row: dict) -> str:
    known = pd.notna(row["lower"])
    return f"{row['value']:.4g}" + (f" [{row['lower']:.3g}, {row['upper']:.3g}]" if known else "")


def _brier(scores: pd.DataFrame) -> list[dict[str, str]]:
    """Brier scores of the events, beside the climatology's."""
    rows = whole(scores)
    rows = rows[rows["metric"].isin(["brier", "brier_fair"])]
    rows = rows[rows["lead_hours"].isin(LEADS)] if rows["lead_hours"].isin(LEADS).any() else rows
    result = []
    for (event, hours), group in rows.groupby(["event", "lead_hours"], sort=False):
        values = group.set_index(["system", "metric"])["value"]
        row = {"event": str(event), "lead": f"{hours:g} h"}
        for system, metric in values.index:
            label = system if metric == "brier" else f"{system}, fair"
            row[label] = f"{values[system, metric]:.4f}"
        if (CLIMATOLOGY, "brier") in values:
            skill = 1 - values[FORECAST, "brier"] / values[CLIMATOLOGY, "brier"]
            row["skill over climatology"] = f"{skill:+.2f}"
        result.append(row)
    return result


def _resolutions(scores: pd.DataFrame) -> list[dict[str, str]]:
    rows = scores[scores["metric"] == "effective_resolution"]
    rows = rows[rows["lead_hours"].isin(LEADS)] if rows["lead_hours"].isin(LEADS).any() else rows
    names = shown_channels(scores)
    rows = rows[rows["channel"].isin(names)]
    rows = rows.sort_values("channel", key=lambda c: c.map(names.index), kind="stable")
    return [
        {"field": str(key[0]), "system": str(key[1])}
        | {f"{h:g} h": f"{v:.0f} km" for h, v in zip(g["lead_hours"], g["value"], strict=True)}
        for key, g in rows.groupby(["channel", "system"], sort=False)
    ]


def _pictures(evaluation: Evaluation) -> dict[str, str]:
    """Title to an inline SVG or an image with its data."""
    scores, fields = evaluation.scores, evaluation.fields
    names = shown_channels(scores)[:5]
    rows = {"rmse": "RMSE", "bias": "bias", "acc": "ACC", "activity_ratio": "activity ratio"}
    made = {"Scores over lead time": _svg(figures.curves(scores, rows))}
    if "rank_frequency" in fields:
        rows = {"crps": "fair CRPS", "spread": "spread", "spread_skill": "spread / skill"}
        made["Ensemble"] = _svg(figures.curves(scores, rows))
        made["Rank histograms"] = _svg(figures.rank_histograms(fields, names))
    if "observed_frequency" in fields:
        made["Reliability"] = _svg(figures.reliability(fields))
    made["Zonal power spectra"] = _svg(figures.spectra(fields, names))
    mapped = [name for name in names if name in fields["map_channel"].values][:_MAPS]
    made["Maps of bias and RMSE"] = _png(
        error_maps.maps(fields, mapped, evaluation.land, evaluation.earth)
    )
    return made


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "scorecard"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def _png(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return f'<img alt="" src="data:image/png;base64,{b64encode(buffer.getvalue()).decode()}">'


def _colour(cell: Cell) -> str:
    """Background of a cell: blue is better, red worse, full from 50 %."""
    if np.isnan(cell.skill):
        return "#eee"
    share = min(abs(cell.skill) / _FULL, 1)
    end = _BETTER if cell.skill > 0 else _WORSE
    mixed = [round(255 + share * (part - 255)) for part in end]
    return f"rgb({mixed[0]},{mixed[1]},{mixed[2]});color:{'#fff' if share > 0.75 else '#1d2733'}"


def _percent(cell: Cell) -> str:
    return "" if np.isnan(cell.skill) else f"{100 * cell.skill:+.0f}".replace("-", "−")
