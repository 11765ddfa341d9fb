"""`weather train` and `weather forecast` from end to end, and their error lines."""

import json

import numpy as np
import pytest
import torch

from sciml.config import load_config, named_config
from sciml.model_file import read_header, save_model
from weather.downscaling.experiment import DownscalingConfig
from weather.files.forecasts import open_forecast
from weather.forecasting.forecaster import Forecaster
from weather.models.noise import NoiseConfig
from weather.training.experiment import ExperimentConfig
from weather.training.pretraining import PretrainConfig


@pytest.fixture(scope="module")
def trained(call, waves_file, tiny_config, tmp_path_factory):
    """A run folder for each backbone."""
    folder = tmp_path_factory.mktemp("runs")
    for name, config in tiny_config.items():
        assert call("train", waves_file, "--config", config, "--run", folder / name) == 0
    return folder


@pytest.mark.parametrize("backbone", ["transformer", "graph"])
def test_train_then_forecast(call, backbone, trained, waves_file, tmp_path, capsys):
    model = trained / backbone / "model.safetensors"
    out = tmp_path / "forecast.nc"
    status = call(
        "forecast", model, "--from", waves_file, "--time", "2001-01-10T00", "--hours", 24,
        "--out", out,
    )  # fmt: skip
    assert status == 0
    assert "1 forecast, 4 lead times to 24 h" in capsys.readouterr().out
    with open_forecast(out) as forecast:
        assert forecast.sizes["lead_time"] == 4
        assert np.isfinite(forecast.z).all()


def test_lead_times_at_choice(call, trained, waves_file, tmp_path):
    model, out = trained / "graph" / "model.safetensors", tmp_path / "f.zarr"
    arguments = ("forecast", model, "--from", waves_file, "--layout", "wb2", "--out", out)
    hour = np.timedelta64(1, "h")
    for options, leads in (
        (["--leads", "24h", "6h"], [6, 24]),
        (["--every", "12h", "--hours", 36], [12, 24, 36]),
    ):
        assert call(*arguments, *options, "--overwrite") == 0
        assert (open_forecast(out)["lead_time"].values / hour).tolist() == leads


def test_what_is_ended_says_that_it_goes_on(
    call, trained, waves_file, tmp_path, monkeypatch, capsys
):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("weather.forecasting.forecast_file.finish", stopped)
    monkeypatch.setattr("weather.training.store.write_moments", stopped)
    model = trained / "graph" / "model.safetensors"
    for command in (
        ("forecast", model, "--from", waves_file, "--hours", 12, "--out", tmp_path / "f.nc"),
        ("prepare", waves_file, "--out", tmp_path / "s.zarr"),
    ):
        assert call(*command) == 130
        last = capsys.readouterr().err.strip().splitlines()[-1]
        assert last == "stopped; the same command goes on where it was"


def test_files_and_times_follow_one_flag(call, trained, waves, tmp_path, one_line):
    parts = [tmp_path / "a.nc", tmp_path / "b.nc"]
    for part, some in zip(parts, (slice(30), slice(30, None)), strict=True):
        waves.isel(time=some).to_netcdf(part)
    out, starts = tmp_path / "f.nc", ["2001-01-09T00", "2001-01-10T00"]
    arguments = ("forecast", trained / "graph" / "model.safetensors", "--hours", 12, "--out", out)
    assert call(*arguments, "--from", *parts, "--time", *starts) == 0
    score = ("evaluate", out, "--truth", *parts, "--climatology", "mean", "--allow-leakage")
    assert call(*score, "--out", tmp_path / "scores") == 0
    twice = ("--time", starts[0], "--time", "2001-01-09")
    assert call(*arguments, "--from", parts[0], "--from", parts[1], *twice) == 2
    assert "--time 2001-01-09 is given twice" in one_line()


def test_a_run_folder_is_complete(trained):
    names = {path.name for path in (trained / "graph").iterdir()}
    assert {"config.yaml", "metrics.csv", "last.ckpt", "model.safetensors"} <= names
    again = load_config(ExperimentConfig, trained / "graph" / "config.yaml")
    assert again.model.backbone.kind == "graph_network"


@pytest.mark.parametrize("step_hours", ["6", "[6, 12]"])
def test_a_resumed_run_ends_where_an_unbroken_one_does(
    call, step_hours, waves_file, tiny_config, tmp_path
):
    def train(run, epochs, *options):
        arguments = ["--config", tiny_config["transformer"], "--run", tmp_path / run]
        schedule = ["--training.optimizer.schedule", "constant", "--training.epochs", epochs]
        schedule += ["--data.step_hours", step_hours]
        assert call("train", waves_file, *arguments, *schedule, *options) == 0
        return Forecaster.load(tmp_path / run / "model.safetensors").model.state_dict()

    unbroken = train("unbroken", 2)
    train("broken", 1)
    resumed = train("broken", 2, "--resume")
    for name, tensor in unbroken.items():
        torch.testing.assert_close(resumed[name], tensor, rtol=0, atol=0, msg=name)


def test_the_model_file_says_what_it_is(trained):
    header = read_header(trained / "transformer" / "model.safetensors")
    assert header["kind"] == "weather.forecaster"
    assert header["config"]["variables"]["levels"] == [500, 850]
    assert header["metadata"]["units"]["msl"] == "Pa"
    assert header["metadata"]["periods"]["train"][0] == "2001-01-01T00:00"
    assert header["metadata"]["one_step_scores"]["z500"]["persistence"] > 0
    json.dumps(header)


def test_the_last_analysis_is_the_default(call, trained, waves_file, tmp_path):
    model, out = trained / "graph" / "model.safetensors", tmp_path / "f.nc"
    assert call("forecast", model, "--from", waves_file, "--hours", 6, "--out", out) == 0
    with open_forecast(out) as forecast:
        assert forecast.time.values[0] == np.datetime64("2001-01-15T18")


@pytest.mark.parametrize("name", ["small", "small_graph", "small_steps"])
def test_shipped_small_configurations_train(call, name, waves_file, tmp_path):
    steps = 1 if name == "small_steps" else "{0: 1, 0.5: 2}"  # the series is short
    options = ["--training.epochs", 1, "--model.backbone.dim", 16, "--objective.steps", steps]
    assert call("train", waves_file, "--config", name, "--run", tmp_path, *options) == 0
    assert (tmp_path / "model.safetensors").exists()


def test_a_series_too_short_for_the_roll_out(call, waves_file, tmp_path, capsys):
    options = ["--run", tmp_path / "run", "--objective.steps", 8, "--model.backbone.dim", 16]
    assert call("train", waves_file, *options) == 2
    assert "data.valid has no 10 times in a row, 6 h apart" in " ".join(
        capsys.readouterr().err.split()
    )
    assert not (tmp_path / "run").exists()


def test_every_shipped_configuration_is_valid():
    shipped = named_config("weather", "small").parent.glob("*.yaml")
    names = {path.stem for path in shipped}
    assert {"small", "small_graph", "small_steps", "pangu", "graphcast", "europe"} <= names
    others = {"pretrain": PretrainConfig, "downscaling": DownscalingConfig}
    for name in names:
        load_config(others.get(name, ExperimentConfig), named_config("weather", name))


def test_fine_tuning_on_a_roll_out(call, trained, waves_file, tiny_config, tmp_path):
    shipped = load_config(ExperimentConfig, named_config("weather", "finetune_rollout"))
    assert shipped.objective.longest > 1
    options = [
        "--transfer.checkpoint", trained / "transformer" / "model.safetensors",
        "--objective.steps", 2, "--training.epochs", 1, "--training.batch_size", 8,
    ]  # fmt: skip
    backbone = load_config(ExperimentConfig, tiny_config["transformer"]).model.model_dump_json()
    status = call(
        "train", waves_file, "--config", "finetune_rollout", "--run", tmp_path,
        "--set", f"model={backbone}", *options,
    )  # fmt: skip
    assert status == 0


def test_fine_tuning_to_members_of_its_own(call, trained, waves_file, tiny_config, tmp_path):
    model = load_config(ExperimentConfig, tiny_config["transformer"]).model
    noisy = model.model_copy(update={"noise": NoiseConfig(dim=4)}).model_dump_json()
    run_folder, out = tmp_path / "run", tmp_path / "f.nc"
    status = call(
        "train", waves_file, "--config", "finetune_ensemble", "--run", run_folder,
        "--transfer.checkpoint", trained / "transformer" / "model.safetensors",
        "--objective.steps", "{0: 1, 0.5: 2}", "--training.epochs", 1,
        "--training.batch_size", 8, "--set", f"model={noisy}",
    )  # fmt: skip
    assert status == 0
    tuned = run_folder / "model.safetensors"
    options = ["--from", waves_file, "--hours", 12, "--members", 3, "--out", out]
    assert call("forecast", tuned, *options) == 0
    with open_forecast(out) as forecast:
        assert (forecast.z.isel(lead_time=0).std("member") > 0).all()
        assert '"method":"none"' in forecast.attrs["ensemble"]


def test_snapshots_of_a_training_are_members(call, waves_file, tiny_config, tmp_path, capsys):
    run_folder, out = tmp_path / "run", tmp_path / "f.nc"
    options = ["--training.snapshots", 2, "--training.epochs", 2]
    config = tiny_config["transformer"]
    assert call("train", waves_file, "--config", config, "--run", run_folder, *options) == 0
    models = [run_folder / f"{name}.safetensors" for name in ("model", "snapshot_1", "snapshot_2")]
    assert "snapshot_2.safetensors" in capsys.readouterr().out.replace("\n", "")
    assert not list(run_folder.glob("*.pt"))
    metadata = read_header(models[2])["metadata"]
    assert metadata["snapshot"] == {"number": 2, "of": 2}
    assert metadata["periods"] == read_header(models[0])["metadata"]["periods"]
    assert "one_step_scores" not in metadata
    members = ["--members", 3, "--perturb", "none", "--hours", 6, "--out", out]
    assert call("forecast", *models, "--from", waves_file, *members) == 0
    with open_forecast(out) as forecast:
        assert (forecast.z.std("member") > 0).any()


def test_fine_tuning_to_a_new_variable(call, trained, waves, tiny_config, tmp_path):
    warm = (waves.t.sel(level=850, drop=True) + 5).assign_attrs(units="K")
    waves.assign(t2m=warm).to_netcdf(tmp_path / "data.nc")
    backbone = load_config(ExperimentConfig, tiny_config["transformer"]).model.model_dump_json()
    options = [
        "--transfer.checkpoint", trained / "transformer" / "model.safetensors",
        "--training.epochs", 1, "--training.batch_size", 8, "--set", f"model={backbone}",
    ]  # fmt: skip
    run_folder = tmp_path / "run"
    status = call(
        "train", tmp_path / "data.nc", "--config", "finetune_variable", "--run", run_folder,
        *options,
    )  # fmt: skip
    assert status == 0
    header = read_header(run_folder / "model.safetensors")
    assert header["config"]["variables"]["surface"] == ["msl", "t2m"]
    before = read_header(trained / "transformer" / "model.safetensors")["metadata"]["periods"]
    assert header["metadata"]["earlier"] == [before["train"], before["valid"]]


def test_a_new_variable_that_is_not_named_anew(call, trained, waves, tiny_config, tmp_path, capsys):
    waves.rename(msl="sp").to_netcdf(tmp_path / "data.nc")
    options = ["--set", f"transfer={{checkpoint: {trained}/transformer/model.safetensors}}"]
    config = tiny_config["transformer"]
    data = tmp_path / "data.nc"
    assert call("train", data, "--config", config, "--run", tmp_path / "run", *options) == 2
    error = capsys.readouterr().err
    assert "embed.surface.sp" in error
    assert "transfer.anew" in error
    assert not (tmp_path / "run").exists()


def test_training_errors_are_one_line(one_line, call, waves, waves_file, tiny_config, tmp_path):
    config, run_folder = tiny_config["graph"], tmp_path / "run"

    def train(data, *options):
        return call("train", data, "--config", config, "--run", run_folder, *options)

    assert train(tmp_path / "none.nc") == 2
    assert "no such file" in one_line()
    assert train(waves_file, "--model.backbon.dim", 8) == 2
    assert "did you mean 'backbone'" in one_line()
    assert train(waves_file, "--set", "data.variables={surface: [t2m]}") == 2
    assert "no variable 't2m'" in one_line()
    assert train(waves_file, "--data.step_hours", 7) == 2
    assert "7 h apart" in one_line()
    periods = "data.train=[2001-01-01, 2001-01-10]", "data.test=[2001-01-11T00, 2001-01-11T05]"
    assert train(waves_file, *(word for period in periods for word in ("--set", period))) == 2
    assert "no 2 times in a row, 6 h apart: widen data.test" in one_line()
    assert call("train", waves_file, "--config", "smal", "--run", run_folder) == 2
    assert "small" in one_line()
    assert not run_folder.exists()
    run_folder.mkdir()
    (run_folder / "notes.txt").write_text("mine")
    assert train(waves_file) == 2
    assert "not empty" in one_line()


def test_forecast_errors_are_one_line(one_line, call, trained, waves_file, tmp_path):
    model, out = trained / "graph" / "model.safetensors", tmp_path / "f.nc"

    def forecast(model, *options):
        return call("forecast", model, "--from", waves_file, "--out", out, *options)

    assert forecast(tmp_path / "none.safetensors") == 2
    assert "cannot read" in one_line()
    assert forecast(waves_file) == 2
    assert "is not a model file" in one_line()
    other = tmp_path / "other.safetensors"
    save_model(other, Forecaster.load(model).model, "molecules.predictor", ExperimentConfig(), {})
    assert forecast(other) == 2
    assert "holds a molecules.predictor; expected a weather.forecaster" in one_line()
    assert forecast(model, "--time", "tomorrow") == 2
    assert "cannot read the time" in one_line()
    assert forecast(model, "--time", "1999-01-01T00") == 2
    assert "no analysis at 1999-01-01T00:00" in one_line()
    assert forecast(model, "--hours", 7) == 2
    assert "a forecast of 7 h with an output every 6 h" in one_line()
    assert forecast(model, "--leads", "6h", "7h") == 2
    assert "the nearest they reach: 6 h and 12 h" in one_line()
    assert forecast(model, "--leads", "6h", "--every", "6h") == 2
    assert "lead times are given twice" in one_line()
    assert call("forecast", model, "--from", waves_file, "--out", tmp_path / "f.grib") == 2
    assert "ends in .nc or .zarr" in one_line()
    assert not out.exists()


def test_estimates_need_no_data_and_write_nothing(
    call, trained, waves_file, tiny_config, tmp_path, capsys
):
    model = trained / "graph" / "model.safetensors"
    assert call("forecast", model, "--hours", 48, "--estimate") == 0
    text = capsys.readouterr().out
    assert "memory" in text
    assert "20 KiB before compression" in text  # 8 lead times, 5 fields of 8 x 16 cells
    config = tiny_config["transformer"]
    assert call("train", waves_file, "--config", config, "--estimate") == 0
    assert "activations" in capsys.readouterr().out
    big = ["--training.batch_size", 10**9]
    assert call("train", waves_file, "--config", config, "--estimate", *big) == 0
    assert "does not fit" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_what_only_an_estimate_can_do_without(one_line, call, trained, waves_file, tmp_path):
    model = trained / "graph" / "model.safetensors"
    assert call("forecast", model, "--from", waves_file) == 2
    assert "--out FILE" in one_line()
    assert call("train", waves_file) == 2
    assert "--run FOLDER" in one_line()
    assert call("forecast", waves_file, "--estimate") == 2
    assert "is not a model file" in one_line()


def test_options_of_an_ensemble_need_one(one_line, call, trained, waves_file, tmp_path):
    model = trained / "transformer" / "model.safetensors"
    options = ["--from", waves_file, "--hours", 12, "--out", tmp_path / "f.nc"]
    assert call("forecast", model, *options, "--perturb", "bred", "--seed", 3) == 2
    assert "--perturb --seed without an ensemble; give --members too" in one_line()
    assert call("forecast", model, *options, "--members", 2, "--seed", 3) == 0
    assert open_forecast(tmp_path / "f.nc").sizes["member"] == 2
