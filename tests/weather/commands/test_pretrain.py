"""`weather pretrain`, and what starts from it, from end to end."""

import pytest
import torch
from safetensors.torch import load_file

from sciml.config import load_config
from sciml.model_file import read_header
from weather.training.experiment import ExperimentConfig
from weather.training.pretraining import PretrainConfig, pretrain


@pytest.fixture(scope="module")
def pretrained(call, waves_file, tiny_config, tmp_path_factory):
    """The model file of each backbone."""
    folder = tmp_path_factory.mktemp("pretrained")
    for name, config in tiny_config.items():
        assert call("pretrain", waves_file, "--config", config, "--run", folder / name) == 0
    return {name: folder / name / "model.safetensors" for name in tiny_config}


@pytest.mark.parametrize("backbone", ["transformer", "graph"])
def test_a_forecast_model_starts_from_it(call, backbone, pretrained, waves_file, tiny_config,
                                         tmp_path):  # fmt: skip
    start = pretrained[backbone]
    anew = '["backbone.head.*", "*.change"]'
    options = ["--set", f"transfer={{checkpoint: {start}, anew: {anew}}}"]
    config = tiny_config[backbone]
    untrained = ["--training.optimizer.lr", 1e-30, "--training.optimizer.weight_decay", 0]
    run = tmp_path / "run"
    assert call("train", waves_file, "--config", config, "--run", run, *options, *untrained) == 0
    theirs, ours = load_file(start), load_file(run / "model.safetensors")
    assert all(torch.equal(ours[name], tensor) for name, tensor in theirs.items())
    assert "backbone.head.surface.msl.weight" not in theirs
    assert not any(name.endswith(("_mask", ".change")) for name in theirs)
    header = read_header(run / "model.safetensors")
    periods = read_header(start)["metadata"]["periods"]
    assert header["metadata"]["earlier"] == [periods["train"], periods["valid"]]


def test_a_misfit_is_one_line(call, one_line, pretrained, waves_file, tiny_config, tmp_path):
    options = ["--set", f"transfer={{checkpoint: {pretrained['graph']}}}"]
    run = ["--config", tiny_config["graph"], "--run", tmp_path / "run"]
    assert call("train", waves_file, *run, *options) == 2
    assert "backbone.head" in one_line()


def test_it_does_not_forecast(call, one_line, pretrained, waves_file, tmp_path):
    start = pretrained["graph"]
    assert call("forecast", start, "--from", waves_file, "--out", tmp_path / "f.nc") == 2
    assert "holds a weather.pretrained; expected a weather.forecaster" in one_line()


def test_a_resumed_run_ends_where_an_unbroken_one_does(waves_file, tiny_config, tmp_path):
    def weights(run, epochs, resume=False):
        options = ["training.optimizer.schedule=constant", f"training.epochs={epochs}"]
        config = load_config(PretrainConfig, tiny_config["transformer"],
                             [*options, f"data.paths=[{waves_file}]"])  # fmt: skip
        pretrain(config, tmp_path / run, resume)
        return load_file(tmp_path / run / "model.safetensors")

    unbroken = weights("unbroken", 2)
    weights("broken", 1)
    resumed = weights("broken", 2, resume=True)
    assert all(torch.equal(resumed[name], tensor) for name, tensor in unbroken.items())


def test_single_times_suffice(call, waves, tiny_config, tmp_path):
    """Times without any two the same step apart."""
    scattered = waves.isel(time=[0, 1, 3, 7, 12, 20, 30, 33, 44, 59])
    scattered.to_netcdf(tmp_path / "data.nc")
    config = ["--config", tiny_config["graph"], "--run", tmp_path / "run"]
    assert call("pretrain", tmp_path / "data.nc", *config, "--training.batch_size", 4) == 0


def test_the_shipped_configurations_belong_together():
    from sciml.config import named_config

    first = load_config(PretrainConfig, named_config("weather", "pretrain"))
    second = load_config(ExperimentConfig, named_config("weather", "finetune"))
    assert second.transfer is not None
    assert "diffusion.*" in second.transfer.anew
    assert first.model == second.model.model_copy(update={"diffusion": None})
    assert second.model == load_config(ExperimentConfig, named_config("weather", "small")).model
