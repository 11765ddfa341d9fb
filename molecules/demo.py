"""The whole way from measurements to a ranked library, on molecules that come with RDKit."""

from math import isnan
from pathlib import Path

import pandas as pd

from molecules.cli import app
from molecules.evaluation.metrics import figure
from sciml.cli import run_demo


def demo(out: Path) -> str:
    """Train, predict and screen; returns the summary, also written.

    Args:
        out: folder for everything that is made.
    """
    return run_demo(app, steps(out), lambda seconds: _summary(out, seconds), out)


def steps(out: Path) -> list[str]:
    """The commands, as a user would type them."""
    model = out / "run" / "model.safetensors"
    return [
        f"train demo --run {out / 'run'}",
        f"predict {model} demo --out {out / 'predictions.csv'}",
        f"screen {model} demo --top 100 --min-similarity 0.3 --out {out / 'hits.html'}",
    ]


def _summary(out: Path, seconds: float) -> str:
    scores = pd.read_csv(out / "run" / "scores.csv")
    table = scores.pivot_table(index="metric", columns="model", values="value", sort=False)
    status = pd.read_csv(out / "predictions.csv")["status"]
    rmse = table.loc["RMSE"].to_dict()
    result = "lower than" if rmse["our model"] < rmse["random forest"] else "NOT lower than"
    lines = [
        "",
        f"MOLECULES: done in {seconds / 60:.0f} minutes.",
        "A model learned the activity (-log10 of a molar concentration: 1 is a factor of ten) of",
        "1,017 measured molecules. On molecules it has not seen, beside two simple methods:",
        "",
        f"  {'':10}" + "".join(f"{name:>18}" for name in table.columns),
        *(
            f"  {metric:10}" + "".join(f"{_cell(value):>18}" for value in row)
            for metric, row in zip(table.index, table.to_numpy(), strict=True)
        ),
        "",
        f"Its RMSE (a typical error; smaller is better) is {result} a random forest's here;",
        "whether by more than chance, `molecules train` said above.",
        f"It then predicted {len(status):,} molecules, {(status == 'ok').sum():,} of them valid, "
        "and ranked them.",
    ]
    made = {
        "run/model.safetensors": "the model, one file: `molecules predict` needs no other",
        "predictions.csv": "every row with value, 90 % interval and status",
        "hits.html, hits.csv": "the best of those near the training set, drawn; open in a browser",
    }
    lines += ["", f"In {out}:"] + [f"  {name:26}{what}" for name, what in made.items()]
    return "\n".join(lines) + "\n"


def _cell(score: float) -> str:
    return "-" if isnan(score) else figure(score)
