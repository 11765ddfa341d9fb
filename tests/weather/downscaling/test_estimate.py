"""Estimates of downscaling and its training, beside what real runs took."""

from pathlib import Path

import pytest
import torch
import xarray as xr

from sciml.config import load_config
from weather.downscaling.downscaler import Downscaler, DownscalerConfig
from weather.downscaling.estimate import estimate_downscaling, estimate_downscaling_training
from weather.downscaling.experiment import DownscalingConfig, train_downscaler


@pytest.fixture(scope="module")
def config(waves_file: Path, tiny_config: dict[str, Path]) -> DownscalingConfig:
    options = [f"data.paths=[{waves_file}]", "objective.kind=downscaling", "training.epochs=2"]
    options += ["model.backbone.dim=64", "training.batch_size=4", "training.ema_decay=0.9"]
    return load_config(DownscalingConfig, tiny_config["transformer"], options)


@pytest.fixture(scope="module")
def run(config: DownscalingConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "run"
    train_downscaler(config, folder)
    return folder


def test_steps_parameters_and_disk_are_those_of_the_run(
    config: DownscalingConfig, run: Path
) -> None:
    estimate = estimate_downscaling_training(config, device="cpu")
    model = Downscaler.load(run / "model.safetensors", "cpu").model
    assert estimate.parameters == sum(p.numel() for p in model.parameters())
    assert estimate.steps == torch.load(run / "last.ckpt", weights_only=True)["global_step"]
    names = ("best.ckpt", "last.ckpt", "model.safetensors")
    written = sum((run / name).stat().st_size for name in names)
    assert estimate.disk == pytest.approx(written, rel=0.25)  # the rest is names


def test_every_field_takes_as_much_again(run: Path) -> None:
    config = DownscalerConfig.read(run / "model.safetensors")
    one, ten = (estimate_downscaling(config, fields, "cpu") for fields in (1, 10))
    assert ten.flops == 10 * one.flops > 0
    assert ten.disk == 10 * 5 * 8 * 16 * 4  # fields, five variables, cells
    assert ten.parts["activations"] == one.parts["activations"]


def test_by_command(call, one_line, run, waves, waves_file, tiny_config, tmp_path, capsys) -> None:
    training = ["train", waves_file, "--config", tiny_config["transformer"]]
    training += ["--objective.kind", "downscaling"]
    assert call(*training, "--estimate") == 0
    assert "activations" in capsys.readouterr().out
    assert call(*training) == 2
    assert "--run FOLDER (or --estimate)" in one_line()
    model = run / "model.safetensors"
    assert call("downscale", model, waves_file, "--estimate") == 0
    unwrapped = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "60 of them" in unwrapped  # times of the data
    assert call("downscale", model, waves_file) == 2
    assert "--out FILE" in one_line()
    xr.Dataset().to_netcdf(tmp_path / "empty.nc")
    assert call("downscale", tmp_path / "empty.nc", waves_file, "--estimate") == 2
    assert "is not a model file" in one_line()
