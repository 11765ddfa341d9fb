"""What a training of downscaling tells its user at the end."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from weather.downscaling.experiment import TrainedDownscaler
from weather.files.units import pretty_unit
from weather.training.report import worth_showing
from weather.variables import si_unit


def show_downscaling(trained: TrainedDownscaler, run: Path, console: Console) -> None:
    """Print errors beside those of interpolation, and where the model is."""
    refinement = trained.downscaler.refinement
    table = Table(title="RMSE over held-out times", title_justify="left")
    for heading in ("field", "unit", "model", "bilinear", "bicubic", "same means", "ratio"):
        table.add_column(heading, justify="left" if heading in ("field", "unit") else "right")
    for score in worth_showing(trained.scores):
        errors = (score.rmse, score.bilinear, score.bicubic, score.conserving)
        best = min(errors[1:])
        ratio = score.rmse / best if best else float("nan")
        row = (*(f"{error:.4g}" for error in errors), f"{ratio:.3f}")
        table.add_row(score.name, pretty_unit(si_unit(score.name)), *row)
    console.print(table)
    console.print(
        "same means: bicubic interpolation with the coarse field's means; ratio: model over the "
        "best of the three"
    )
    console.print(f"from {refinement.coarse.describe()} to {refinement.fine.describe()}")
    console.print(trained.fit.text, soft_wrap=True)
    console.print(f"wrote {run / 'model.safetensors'}", soft_wrap=True, highlight=False)
