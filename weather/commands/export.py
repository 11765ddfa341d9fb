"""The command `weather export`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from rich.table import Table

    from weather.forecasting.forecaster import Forecaster
    from weather.forecasting.onnx_parity import Difference


def export(
    model: Path,
    /,
    *,
    out: Path,
    opset: int | None = None,
    check: Annotated[bool, Parameter(negative="--no-check")] = True,
) -> None:
    """Write a trained model as one ONNX file, normalization inside.

    Needs the extra: pip install 'sciml-foundation[onnx]'.

    Args:
        model: A model.safetensors of a training run.
        out: ONNX file to write. A report that compares it with the original appears beside it, as
            model.parity.json.
        opset: Version of ONNX's operators, 18 to 24. Default: 20.
        check: Run both on the same states, and write nothing if they differ.
    """
    import json

    from rich.console import Console

    from sciml.files import atomic_path, require_suffix, write_text
    from weather.forecasting.forecaster import Forecaster
    from weather.forecasting.onnx_export import OPSET, export_onnx
    from weather.forecasting.onnx_parity import as_json

    require_suffix(out, ".onnx")
    forecaster = Forecaster.load(model, device="cpu")
    console = Console()
    with atomic_path(out) as temporary:
        export_onnx(forecaster, temporary, OPSET if opset is None else opset)
        differences = _compare(forecaster, temporary) if check else []
        if differences:
            console.print(_table(differences))
            _require_parity(differences)
    line = f"wrote {out}: {out.stat().st_size / 1e6:.3g} MB"
    if differences:
        report = out.with_suffix(".parity.json")
        write_text(report, json.dumps(as_json(differences), indent=1) + "\n")
        line += f"; the comparison in {report}"
    console.print(line, soft_wrap=True)


def _compare(forecaster: "Forecaster", path: Path) -> "list[Difference]":
    from weather.forecasting.onnx_model import load_onnx
    from weather.forecasting.onnx_parity import compare
    from weather.models.model import WeatherModel

    assert isinstance(forecaster.model, WeatherModel)
    return compare(forecaster.model, load_onnx(path, device="cpu")[0])


def _require_parity(differences: "list[Difference]") -> None:
    from sciml.errors import InputError

    failed = [difference for difference in differences if not difference.passed]
    if failed:
        worst = max(failed, key=lambda difference: difference.absolute / difference.allowed)
        raise InputError(
            f"onnxruntime forecasts {worst.channel} {worst.absolute:.3g} off after {worst.step} "
            f"time steps, {worst.allowed:.3g} are allowed: nothing was written; try another "
            "--opset, or keep it with --no-check"
        )


def _table(differences: "list[Difference]") -> "Table":
    """Channels by row; after one time step, and after several."""
    from rich.table import Table

    from sciml.wording import count

    steps = sorted({difference.step for difference in differences})
    table = Table("channel", title="largest difference between torch and onnxruntime")
    for step in steps:
        table.add_column(f"after {count(step, 'step')}", justify="right")
        table.add_column("of a change", justify="right")
    for name in dict.fromkeys(difference.channel for difference in differences):
        row = [d for d in differences if d.channel == name]
        cells = [(f"{d.absolute:.2e}", f"{d.relative:.1e}") for d in row]
        table.add_row(name, *(cell for pair in cells for cell in pair))
    return table
