"""The model file of a predictor: what it holds, read and written whole."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import nn

from molecules.experts.expert import (
    PREFIX,
    Expert,
    ExpertName,
    experts_as_arrays,
    read_experts,
)
from molecules.models.model import PropertyModel
from molecules.prediction.calibration import Calibration
from molecules.prediction.reading import ReadingConfig
from molecules.tasks import Tasks
from sciml.config import parse_config
from sciml.machine import require_device
from sciml.model_file import load_state, read_model_file, save_tensors

KIND = "molecules.predictor"


class PredictorConfig(ReadingConfig):
    """What builds a `PropertyPredictor` anew, beside how it reads molecules.

    Attributes:
        tasks: what is predicted.
        members: networks whose predictions are averaged.
        beside: names of the experts that stand beside the networks.
    """

    tasks: Tasks
    members: int = Field(1, ge=1)
    beside: tuple[ExpertName, ...] = ()


class Parts(NamedTuple):
    """All that a file holds: the arguments of `PropertyPredictor`."""

    config: PredictorConfig
    members: Sequence[PropertyModel]
    calibrations: Sequence[Calibration]
    metadata: dict[str, Any]
    others: Sequence[Expert]
    weights: NDArray[np.float64] | None


def read_parts(path: Path | str, device: str = "cpu") -> Parts:
    """Read a file that `write_parts` wrote; the networks go to the device.

    Raises:
        InputError: no such file, or not a property model; a GPU that is not there.
    """
    require_device(device)
    data, metadata, tensors = read_model_file(path, KIND, "molecules train")
    config = parse_config(PredictorConfig, data, str(path))
    arrays = {n: tensors.pop(n).numpy() for n in list(tensors) if n.startswith(PREFIX)}
    members = [PropertyModel(config.model, config.tasks) for _ in range(config.members)]
    load_state(_as_module(members), tensors, path)
    entries = metadata.get("calibrations")
    calibrations = [
        parse_config(Calibration, entry, str(path))
        for entry in (entries if isinstance(entries, list) else [])
    ]
    members = [member.to(device) for member in members]
    return Parts(config, members, calibrations, metadata, *read_experts(config.beside, arrays))


def write_parts(path: Path | str, parts: Parts) -> None:
    """Write everything as one file; `weights` must be there."""
    assert parts.weights is not None, "a predictor has weights"
    calibrations = [entry.model_dump(mode="json") for entry in parts.calibrations]
    metadata = {**parts.metadata, "calibrations": calibrations}
    tensors = _as_module(parts.members).state_dict()
    arrays = experts_as_arrays(parts.config.beside, parts.others, parts.weights)
    tensors |= {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
    save_tensors(path, tensors, KIND, parts.config, metadata)


def _as_module(members: Sequence[PropertyModel]) -> nn.Module:
    """One model under its own names, so that others can start from it; several numbered."""
    return members[0] if len(members) == 1 else nn.ModuleDict({"members": nn.ModuleList(members)})
