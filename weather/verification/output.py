"""The files of an evaluation."""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from sciml.files import atomic_path, write_text
from weather.verification.evaluation import Evaluation
from weather.verification.figures import curves
from weather.verification.report import page

_KEYS = ("system", "channel", "lead_time", "region", "season", "event")
FILES = (
    "scores.csv", "scores.parquet", "differences.csv", "differences.parquet", "scores.nc",
    "scores.png", "scorecard.html",
)  # fmt: skip


def write(evaluation: Evaluation, folder: Path) -> None:
    """Write the tables as CSV and Parquet, all as NetCDF, the curves, and the scorecard."""
    tables = {"scores": evaluation.scores, "differences": evaluation.differences}
    for name, table in tables.items():
        with atomic_path(folder / f"{name}.csv") as path:
            table.to_csv(path, index=False)
        with atomic_path(folder / f"{name}.parquet") as path:
            table.to_parquet(path, index=False)
    with atomic_path(folder / "scores.nc") as path:
        as_dataset(evaluation).to_netcdf(path)
    with atomic_path(folder / "scores.png") as path:
        title = f"{evaluation.facts['cases']}\nclimatology: {evaluation.facts['climatology']}"
        if evaluation.leakage.findings:
            title = f"{evaluation.leakage.stamp}\n{title}"
        rows = {"rmse": "RMSE", "acc": "ACC"}
        curves(evaluation.scores, rows, title).savefig(path, dpi=120)
    write_text(folder / "scorecard.html", page(evaluation))


def as_dataset(evaluation: Evaluation) -> xr.Dataset:
    """All scores as arrays: `rmse` and the like, with `_lower` and `_upper`, beside the fields.

    Dimensions (system, channel, lead_time, region, season), of Brier scores (..., event).
    """
    fields, arrays = evaluation.fields, [evaluation.fields]
    for metric, rows in evaluation.scores.groupby("metric", sort=False):
        keys = [k for k in _KEYS if k != "event" or rows["event"].notna().any()]
        rows = rows.assign(lead_time=pd.to_timedelta(rows["lead_hours"], unit="h"))
        names = {"value": metric, "lower": f"{metric}_lower", "upper": f"{metric}_upper"}
        names |= {"cases": f"{metric}_cases"}
        arrays.append(rows.set_index(keys)[list(names)].rename(columns=names).to_xarray())
    merged = xr.merge(arrays, join="outer", compat="no_conflicts")
    order = {name: fields[name].values for name in ("channel", "system", "lead_time")}
    return _plain(merged.reindex(order)).assign_attrs(fields.attrs)


def _plain(dataset: xr.Dataset) -> xr.Dataset:
    """With texts as numpy has them, which NetCDF can hold."""
    texts = [
        name
        for name, variable in dataset.variables.items()
        if not isinstance(variable.dtype, np.dtype) or variable.dtype == object
    ]
    return dataset.assign_coords(
        {name: (dataset[name].dims, dataset[name].values.astype(str)) for name in texts}
    )
