"""What a training takes from a trained model, and what stays the data's."""

from pathlib import Path

import pytest
import torch

from sciml.errors import InputError
from sciml.model_file import save_model
from sciml.transfer import TransferConfig
from weather.forecasting.forecaster_config import KIND, ForecasterConfig
from weather.grid import LatLonGrid
from weather.models.model import ModelConfig, WeatherModel
from weather.models.transformer import TransformerConfig
from weather.training.start import start_from
from weather.variables import Variables

BACKBONE = TransformerConfig(dim=8, depths=(1,), heads=(1,), window=(2, 4), patch=(None, 2, 2))
Made = tuple[ForecasterConfig, WeatherModel]
GRID = LatLonGrid(lat=(67.5, 22.5, -22.5, -67.5), lon=tuple(45.0 * n for n in range(8)))


def made(value: float, levels: tuple[float, ...] = (300, 500), step: float = 6) -> Made:
    """A configuration, and a model of data of which all statistics are one value."""
    variables = Variables(
        surface=("sst",), upper=("z",), levels=levels, static=("lsm",), forcing=()
    )
    config = ForecasterConfig(
        model=ModelConfig(backbone=BACKBONE),
        variables=variables,
        grid=GRID,
        step_hours=step,
        masked=("sst",),
    )
    model = config.build()
    for name, buffer in model.state_dict().items():
        if name.startswith("statistics."):
            buffer.fill_(value)
    model.set_static({"lsm": torch.arange(32.0).reshape(4, 8) ** value})
    model.masks.set({"sst": torch.arange(32).reshape(4, 8) < value})
    return config, model


def start(model: WeatherModel, other: Made, folder: Path, *anew: str) -> None:
    path = folder / "model.safetensors"
    save_model(path, other[1], KIND, other[0], {})
    start_from(model, TransferConfig(checkpoint=path, anew=anew), KIND)


def test_weights_and_statistics_are_taken_and_the_ground_is_not(tmp_path: Path) -> None:
    (_, model), other = made(2), made(3)
    own = {name: value.clone() for name, value in model.state_dict().items()}
    start(model, other, tmp_path)
    for name, value in model.state_dict().items():
        of_the_data = name.startswith(("static.", "masks."))
        assert torch.equal(value, own[name] if of_the_data else other[1].state_dict()[name]), name
    assert not torch.equal(own["static.lsm"], other[1].state_dict()["static.lsm"])


def test_changes_are_those_of_the_time_step(tmp_path: Path) -> None:
    _, model = made(2, step=24)
    start(model, made(3, step=6), tmp_path)
    assert (model.statistics.upper("change") == 2).all()
    assert (model.statistics.upper("std") == 3).all()


def test_other_levels_are_told_from_these(tmp_path: Path) -> None:
    other = made(3)
    with pytest.raises(InputError, match=r"300, 500 hPa, and the data have 500, 850 hPa"):
        start(made(2, (500, 850))[1], other, tmp_path)
    _, model = made(2, (500, 850))
    start(model, other, tmp_path, "statistics.z.*")
    assert (model.statistics.upper("mean") == 2).all()
