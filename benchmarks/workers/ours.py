"""This project's models, one of the four cells, at the peers' size.

The weather models have the peers' width, patch or mesh, and variables; the molecule
models are those of the shipped default configurations.
"""

import sys
from pathlib import Path

import torch
from protocol import serve
from torch import nn

BATCH = 64
LEVELS = (50, 100, 150, 200, 250, 300, 400, 500, 600, 700, 850, 925, 1000)


def weather(backbone: dict[str, object]) -> tuple[nn.Module, list, int]:
    """A model on 32 x 64 with 13 levels and 5 + 4 variables, and one state."""
    from weather.grid import LatLonGrid
    from weather.models.model import ModelConfig, WeatherModel
    from weather.state import State
    from weather.variables import Variables

    variables = Variables(
        surface=("msl", "t2m", "u10", "v10"), upper=("z", "q", "t", "u", "v"), levels=LEVELS
    )
    lat = tuple(87.1875 - 5.625 * i for i in range(32))
    grid = LatLonGrid(lat=lat, lon=tuple(5.625 * i for i in range(64)))
    model = WeatherModel(ModelConfig(backbone=backbone), variables, grid, 21600)
    state = State(
        surface=torch.randn(1, 1, 4, 32, 64),
        upper=torch.randn(1, 1, 5, 13, 32, 64),
        time=torch.zeros(1, 1, dtype=torch.long),
        variables=variables,
        grid=grid,
    )
    return model, [state], 1


def molecules(config: str) -> tuple[nn.Module, list, int]:
    """A shipped configuration, and batches of the NCI set."""
    from molecules_input import nci_smiles

    from molecules.features.features import featurize
    from molecules.models.model import PropertyModel
    from molecules.molecule import MoleculeBatch
    from molecules.tasks import Task, Tasks
    from molecules.training.experiment import ExperimentConfig
    from sciml.config import load_config, named_config

    experiment = load_config(ExperimentConfig, named_config("molecules", config))
    model = PropertyModel(experiment.model, Tasks(tasks=(Task(name="y"),)))
    packed = featurize(nci_smiles()[: 8 * BATCH]).packed
    rows = range(len(packed))
    batches = [MoleculeBatch.cut(packed, rows[i : i + BATCH]) for i in rows[::BATCH]]
    return model, batches, len(packed)


def build(cell: str) -> tuple[str, nn.Module, list, int]:
    """Description, model, batches, samples of all batches."""
    match cell:
        case "weather-transformer":
            window = {"window": [2, 4, 8], "patch": [2, 2, 2], "bias": "earth"}
            stages = {"depths": [2, 6, 6, 2], "heads": [3, 6, 6, 3], "merge": [1, 2, 2]}
            backbone = {"kind": "window_transformer", "dim": 96, "norm": "post"}
            return "Pangu's layers, width 96", *weather(backbone | stages | window)
        case "weather-graph":
            backbone = {"kind": "graph_network", "dim": 96, "steps": 8, "refinements": 3}
            return "GraphCast's layers, width 96, mesh M3, 8 steps", *weather(backbone)
        case "molecules-transformer":
            return "small_transformer", *molecules("small_transformer")
        case "molecules-graph":
            return "graph network, width 96", *molecules("small")
    raise SystemExit(f"no cell {cell}")


torch.set_num_threads(1)
torch.manual_seed(0)
sys.path.insert(0, str(Path(__file__).parents[2]))
description, model, batches, samples = build(sys.argv[1])
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)


def forward(batch: object) -> torch.Tensor:
    """A scalar that all outputs enter."""
    out = model(batch)
    if isinstance(out, torch.Tensor):
        return out.square().mean()
    return out.surface.square().mean() + out.upper.square().mean()


def train() -> None:
    """Forward, backward and update over the prepared batches."""
    model.train()
    for batch in batches:
        optimizer.zero_grad()
        forward(batch).backward()
        optimizer.step()


def infer() -> None:
    """Forward over the prepared batches."""
    model.eval()
    with torch.inference_mode():
        for batch in batches:
            model(batch)


serve(
    {
        "model": description,
        "parameters": sum(p.numel() for p in model.parameters()),
        "samples": samples,
    },
    {"train": train, "infer": infer},
)
