"""A trained model as one ONNX file, which other programs run without torch.

Inputs and outputs are physical: normalization, static fields, position and forcing lie
inside. Tables of biases are stored as they are trained and gathered in the graph;
Pangu-Weather's own files hold them expanded and are four times as large.

    surface (batch, time, variable, lat, lon), upper (batch, time, variable, level, lat, lon):
        float32, as in a `State`, with the model's history along time
    time (batch,): int64, seconds since 1970-01-01 UTC, of the last state
    next_surface, next_upper: a time step later, with a time axis of one

A model without surface or without upper variables lacks that input and output.
"""

import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from sciml.errors import InputError
from sciml.files import atomic_path
from sciml.model_file import make_header
from weather.forecasting.forecaster import Forecaster
from weather.forecasting.forecaster_config import KIND
from weather.forecasting.onnx_model import PROPERTY
from weather.forecasting.onnx_session import EXTRA
from weather.models.model import WeatherModel
from weather.state import State

if TYPE_CHECKING:
    import onnx_ir as ir

OPSET = 20
OPSETS = range(18, 25)  # what torch exports and onnxruntime runs
_LARGEST = 2**31 - 2**24  # bytes; a protobuf message stays below 2 GiB
_FOLDED = 2**13  # entries of the largest constant that is computed beforehand


def export_onnx(forecaster: Forecaster, path: Path | str, opset: int = OPSET) -> None:
    """Write a model as an ONNX file, whole or not at all.

    Configuration and metadata go along as JSON under the property `sciml`, with the mean
    and standard deviation of each channel under `metadata.normal`.

    Args:
        forecaster: on the CPU.
        path: the file, by custom `*.onnx`.
        opset: version of ONNX's operators.

    Raises:
        InputError: the model is an ONNX file already, is too large for one, or takes several
            time steps, boundary data or noise; an opset that is not supported; or packages are
            missing.
    """
    try:
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise InputError(EXTRA) from error
    model = forecaster.model
    if not isinstance(model, WeatherModel):
        raise InputError("this model is an ONNX file already; give one that `weather train` wrote")
    if opset not in OPSETS:
        raise InputError(f"opset {opset}; expected {OPSETS[0]} to {OPSETS[-1]}")
    if len(model.steps) > 1 or model.frame is not None or forecaster.noise:
        raise InputError(
            "this model takes several time steps, boundary data or noise; an ONNX file holds one "
            "time step of a model that needs none of them"
        )
    size = sum(tensor.nbytes for tensor in (*model.parameters(), *model.buffers()))
    if size > _LARGEST:
        raise InputError(f"the model holds {size / 1e9:.3g} GB; an ONNX file holds 2 GB at most")
    program = _trace(model, opset)
    _compact(program.model)
    metadata = {**forecaster.metadata, "normal": forecaster.normal()}
    program.model.metadata_props[PROPERTY] = make_header(KIND, forecaster.config, metadata)
    with atomic_path(path) as temporary:
        program.save(temporary, external_data=False)


class PlainStep(nn.Module):
    """A model's time step on plain tensors: what is there of surface and upper, then time."""

    def __init__(self, model: WeatherModel) -> None:
        super().__init__()
        self.model = model
        variables = model.variables
        self.names = [name for name in ("surface", "upper") if getattr(variables, name)]

    def forward(self, *fields_and_time: Tensor) -> list[Tensor]:
        """Inputs and outputs in the order of `names`."""
        *given, time = fields_and_time
        variables, grid = self.model.variables, self.model.grid
        leading = given[0].shape[:2]
        fields = {
            "surface": given[0].new_zeros(*leading, 0, *grid.shape),
            "upper": given[0].new_zeros(*leading, 0, len(variables.levels), *grid.shape),
            **dict(zip(self.names, given, strict=True)),
        }
        times = time[:, None].expand(leading)
        forecast = self.model(State(**fields, time=times, variables=variables, grid=grid))
        return [getattr(forecast, name) for name in self.names]

    def example(self) -> tuple[Tensor, ...]:
        """Two samples of the right shapes."""
        variables, leading = self.model.variables, (2, self.model.history)
        shapes = {
            "surface": (len(variables.surface),),
            "upper": (len(variables.upper), len(variables.levels)),
        }
        rows = self.model.grid.shape
        fields = [torch.zeros(*leading, *shapes[name], *rows) for name in self.names]
        return (*fields, torch.zeros(2, dtype=torch.int64))


def _trace(model: WeatherModel, opset: int) -> torch.onnx.ONNXProgram:
    step = PlainStep(model).eval()
    names = [*step.names, "time"]
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it tells of other libraries
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter's, about itself
        program = torch.onnx.export(
            step,
            step.example(),
            dynamo=True,
            optimize=False,
            verbose=False,
            opset_version=opset,
            input_names=names,
            output_names=[f"next_{name}" for name in step.names],
            dynamic_shapes=(tuple({0: "batch"} for _ in names),),
        )
    assert program is not None
    return program


def _compact(graph: "ir.Model") -> None:
    """Compute small constants beforehand, store equal ones once, drop the exporter's notes."""
    import onnx_ir as ir
    from onnx_ir.passes import common
    from onnxscript.optimizer import optimize_ir

    optimize_ir(
        graph, input_size_limit=_FOLDED, output_size_limit=_FOLDED, should_fold=_may_be_folded
    )
    for name, value in graph.graph.initializers.items():
        assert value.const_value is not None
        array = np.asarray(value.const_value.numpy(), order="C")  # comparing needs that
        value.const_value = ir.tensor(array, name=name)
    common.DeduplicateHashedInitializersPass()(graph)
    common.ClearMetadataAndDocStringPass()(graph)
    common.RemoveUnusedNodesPass()(graph)


def _may_be_folded(node: "ir.Node") -> bool | None:
    """Never a gathered table of biases; of others the optimizer's rules decide."""
    table = node.inputs[0] if node.op_type == "Gather" else None
    return False if table is not None and "INT" not in str(table.dtype) else None
