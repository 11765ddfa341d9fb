"""How far a forecast has come, and the states to go on from: one file, replaced as a whole."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from sciml.files import atomic_path
from weather.forecasting.execution import Known
from weather.forecasting.experts import Experts
from weather.forecasting.planner import Node
from weather.state import State

_FIELDS = ("surface", "upper", "time")


@dataclass(frozen=True)
class Restart:
    """Where to go on.

    Attributes:
        batch: number of the batch of initial times that is at work.
        lead: seconds of the last lead time of this batch that is written.
        known: states that its next lead times need.
    """

    batch: int
    lead: int
    known: Known


def save_restart(path: Path, identity: Mapping[str, str], restart: Restart) -> None:
    """Write the file, whole or not at all.

    Args:
        path: the file.
        identity: of the forecast (see `Job.identity`), so that no other goes on from here.
        restart: where to go on.
    """
    tensors = {
        f"{node.offset},{node.step},{field}": getattr(state, field).cpu().contiguous()
        for node, state in restart.known.items()
        for field in _FIELDS
    }
    header = {"identity": dict(identity), "batch": restart.batch, "lead": restart.lead}
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, {"forecast": json.dumps(header)})


def load_restart(path: Path, identity: Mapping[str, str], experts: Experts) -> Restart | None:
    """Read the file; None where there is none, or that of another forecast."""
    if not path.exists():
        return None
    with safe_open(path, "pt") as file:
        header = json.loads(file.metadata()["forecast"])
    if header["identity"] != identity:
        return None
    parts: dict[Node, dict[str, torch.Tensor]] = {}
    for key, tensor in load_file(path).items():
        offset, step, field = key.split(",")
        parts.setdefault(Node(int(offset), int(step)), {})[field] = tensor
    known = {
        node: State(variables=experts.variables, grid=experts.grid, **fields).to(experts.device)
        for node, fields in parts.items()
    }
    return Restart(header["batch"], header["lead"], known)
