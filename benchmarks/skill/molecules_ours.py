"""This project's models, trained by the function behind `molecules train`."""

import hashlib
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from molecules_job import Answer, Job, cpu_seconds, rows_of

from sciml.config import named_config

PACKAGES = ("molecules", "sciml")
ENCODER = "base.safetensors"


def settings_of(name: str) -> dict[str, Any]:
    """What tells one recipe from another: the configuration and the encoder that ships.

    Args:
        name: of a configuration or a YAML file; empty is the default of `molecules train`.
    """
    from molecules.training.experiment import DEFAULT_CONFIG, ExperimentConfig
    from sciml.config import dump_config, load_config

    path = named_config("molecules", name or DEFAULT_CONFIG)
    config = load_config(ExperimentConfig, path)
    said = config.model_dump(mode="json", exclude_unset=True)  # the rest may follow from weights
    whole = yaml.safe_load(dump_config(config))
    weights = Path(str(resources.files("molecules"))) / "weights"
    digest = _digest((weights / ENCODER).read_bytes())
    return {"config": said, "whole": whole, "weights": {ENCODER: digest}}


def code_digest() -> str:
    """Of the source of both packages: tells which state of the code made a cell."""
    roots = [Path(str(resources.files(package))) for package in PACKAGES]
    files = sorted(file for root in roots for file in root.rglob("*.py"))
    return _digest(b"".join(file.read_bytes() for file in files))


def ours(job: Job, frame: pd.DataFrame, folder: Path) -> Answer:
    """Train as the command does, which tests beside its baselines too; predict from SMILES.

    The network from scratch that only tells what the base gains is left out: no prediction
    follows from it.
    """
    import torch

    from molecules.training.experiment import ExperimentConfig, train
    from sciml.config import load_config

    torch.set_num_threads(job.threads)
    seeds = [f"data.seed={job.seed}", f"training.seed={job.seed}"]
    overrides = ["data.split_column=split", "training.accelerator=cpu", "measure_gain=false"]
    (folder / "config.yaml").write_text(yaml.safe_dump(job.settings["config"]))
    config = load_config(ExperimentConfig, folder / "config.yaml", [*overrides, *seeds])
    test = frame["smiles"].iloc[rows_of(frame, "test")].tolist()
    began = cpu_seconds()
    trained = train(folder / "table.csv", job.tasks, config, folder / "run", smiles="smiles")
    middle = cpu_seconds()
    predicted = trained.predictor.predict(test).mean
    done = cpu_seconds()
    versions = {name: version(name) for name in ("torch", "rdkit", "scikit-learn", "numpy")}
    told = {"code": code_digest()}
    return Answer(predicted, middle - began, done - middle, versions, told)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
