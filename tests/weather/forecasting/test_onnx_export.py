"""Exported models: the same forecasts by onnxruntime, compact files, and what stops them."""

import dataclasses
import json
import sys

import numpy as np
import pytest
import torch

from sciml.errors import InputError
from weather.files.reanalysis import open_reanalysis, static_fields
from weather.forecasting.forecaster import Forecaster
from weather.forecasting.forecaster_config import ForecasterConfig
from weather.forecasting.onnx_export import export_onnx
from weather.forecasting.onnx_model import OnnxModel
from weather.forecasting.onnx_parity import compare, plausible
from weather.grid import LatLonGrid
from weather.models.diffusion import DiffusionConfig
from weather.models.graph import GraphConfig
from weather.models.model import ModelConfig
from weather.models.transformer import TransformerConfig
from weather.training.data import all_variables, open_fields, samples
from weather.training.measure import measure

EARTH = TransformerConfig(
    dim=48, depths=(2,), heads=(24,), window=(2, 2, 8), patch=(1, 1, 1), bias="earth"
)
OTHERS = {
    "planar": TransformerConfig(dim=24, depths=(2,), heads=(2,), window=(2, 4), halo=1),
    "graph": GraphConfig(dim=24, steps=2, refinements=2),
}


def trained(dataset, model, variables):
    """A forecaster with statistics and static fields of the data, and weights of order one."""
    fields = open_fields(dataset, variables, memory=1)
    config = ForecasterConfig(
        model=model, variables=variables, grid=LatLonGrid.from_dataset(dataset), step_hours=6
    )
    torch.manual_seed(0)
    built = config.build()
    built.statistics.set(measure(samples(fields, (fields.times[0], fields.times[-1]), 21600, 2)))
    built.set_static(static_fields(dataset, variables))
    with torch.no_grad():
        for weight in built.parameters():
            weight += 0.05 * torch.randn_like(weight)
    return Forecaster(built, config, {"period": "2001"})


@pytest.fixture(scope="module")
def earth(waves_file, tmp_path_factory):
    """A model of three dimensions and its file; longitude enters by the fields alone."""
    dataset = open_reanalysis(waves_file)
    variables = all_variables(dataset, ("year",)).model_copy(update={"static": ()})
    model = ModelConfig(history=2, position=False, backbone=EARTH)
    forecaster = trained(dataset, model, variables)
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    export_onnx(forecaster, path)
    return forecaster, path


def assert_equal_forecasts(forecaster, path):
    exported = Forecaster.load(path, "cpu").model
    differences = compare(forecaster.model, exported, tolerance=1e-5)
    assert [d.channel for d in differences] == 2 * list(forecaster.config.variables.channels)
    assert {d.step for d in differences} == {1, 4}
    for difference in differences:
        assert difference.passed, difference
    return differences


def test_onnxruntime_forecasts_what_torch_does(earth):
    differences = assert_equal_forecasts(*earth)
    assert max(d.absolute for d in differences) > 0  # two programs round differently


@pytest.mark.slow
@pytest.mark.parametrize("backbone", OTHERS)
def test_static_fields_position_and_forcing_lie_inside(backbone, waves_file, tmp_path):
    dataset = open_reanalysis(waves_file)
    variables = all_variables(dataset, ("year", "local_time", "insolation"))
    model = ModelConfig(cutoff=0.67, diffusion=DiffusionConfig(), backbone=OTHERS[backbone])
    forecaster = trained(dataset, model, variables)
    export_onnx(forecaster, tmp_path / "model.onnx")
    assert_equal_forecasts(forecaster, tmp_path / "model.onnx")


@pytest.mark.slow
@pytest.mark.parametrize("part", ["surface", "upper"])
def test_a_model_of_surface_or_upper_air_alone(part, waves_file, tmp_path):
    dataset = open_reanalysis(waves_file)
    every = all_variables(dataset, ())
    lacking = {"surface": ()} if part == "upper" else {"upper": (), "levels": ()}
    backbone = TransformerConfig(dim=8, depths=(1,), heads=(1,), window=(2, 4))
    forecaster = trained(dataset, ModelConfig(backbone=backbone), every.model_copy(update=lacking))
    export_onnx(forecaster, tmp_path / "model.onnx")
    assert_equal_forecasts(forecaster, tmp_path / "model.onnx")


def test_the_file_knows_what_the_model_file_does(earth, waves_file):
    forecaster, path = earth
    loaded = Forecaster.load(path, "cpu")
    assert loaded.config == forecaster.config
    assert loaded.metadata["period"] == "2001"
    assert {name: tuple(pair) for name, pair in loaded.normal().items()} == forecaster.normal()
    dataset = open_reanalysis(waves_file)
    start = [np.datetime64("2001-01-03T00"), np.datetime64("2001-01-05T12")]
    expected, came = (each.forecast(dataset, start, 3) for each in (forecaster, loaded))
    for name in ("msl", "z", "t"):
        np.testing.assert_allclose(came[name], expected[name], rtol=1e-5)
    with pytest.raises(InputError, match="copy that file"):
        loaded.save(path.with_suffix(".safetensors"))


def test_any_number_of_samples(earth):
    forecaster, path = earth
    state = plausible(forecaster.model, 5, seed=0)
    came = Forecaster.load(path, "cpu").model(state)
    with torch.no_grad():
        torch.testing.assert_close(came.surface, forecaster.model(state).surface, rtol=1e-5, atol=0)


def test_tables_of_biases_stay_compact(earth):
    import onnx

    forecaster, path = earth
    parameters = list(forecaster.model.named_parameters())
    size = 4 * sum(weight.numel() for _, weight in parameters)
    tables = sum(weight.numel() for name, weight in parameters if name.endswith("bias.table"))
    expanded = tables * 32**2 / (15 * 2**2 * 2**2)  # pairs of tokens / entries of a table
    assert 4 * expanded > 2 * size
    assert path.stat().st_size < 1.3 * size
    stored = [i for i in onnx.load(path).graph.initializer if i.data_type == onnx.TensorProto.INT64]
    assert [np.prod(i.dims) for i in stored if np.prod(i.dims) > 64] == [32**2]  # one index for all


def test_rolling_the_input_by_a_window_in_longitude_rolls_the_output(earth):
    forecaster, path = earth
    model = Forecaster.load(path, "cpu").model
    state = plausible(forecaster.model, 1, seed=0)
    rolled = dataclasses.replace(
        state, surface=state.surface.roll(8, -1), upper=state.upper.roll(8, -1)
    )
    before, after = model(state), model(rolled)
    assert not torch.equal(before.upper, after.upper)
    assert torch.equal(after.upper, before.upper.roll(8, -1))
    assert torch.equal(after.surface, before.surface.roll(8, -1))


def test_what_stops_an_export(earth, tmp_path, monkeypatch):
    forecaster, path = earth
    out = tmp_path / "model.onnx"
    with pytest.raises(InputError, match="opset 9; expected 18 to"):
        export_onnx(forecaster, out, opset=9)
    with pytest.raises(InputError, match="an ONNX file already"):
        export_onnx(Forecaster.load(path, "cpu"), out)
    with pytest.raises(InputError, match="steps by 6 h, not 24 h"):
        Forecaster.load(path, step_hours=24)
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r"pip install 'sciml-foundation\[onnx\]'"):
        export_onnx(forecaster, out)
    with pytest.raises(InputError, match=r"pip install 'sciml-foundation\[onnx\]'"):
        Forecaster.load(path)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_command_reports_parity(call, earth, tmp_path, capsys, monkeypatch):
    forecaster, _ = earth
    model, out = tmp_path / "model.safetensors", tmp_path / "out" / "model.onnx"
    forecaster.save(model)
    assert call("export", model, "--out", out) == 0
    table = capsys.readouterr().out
    assert "z500" in table
    assert "after 4 steps" in table
    report = json.loads((out.parent / "model.parity.json").read_text())
    assert report["passed"]
    assert len(report["differences"]) == 2 * len(forecaster.config.variables.channels)

    def wrong(self, state):
        return forecaster.model(state.at(slice(0, 1)).then(state.at(slice(0, 1))))

    monkeypatch.setattr(OnnxModel, "__call__", wrong)
    assert call("export", model, "--out", tmp_path / "wrong.onnx") == 2
    assert "nothing was written; try another --opset" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.onnx"))
    assert not list(tmp_path.glob("*.json"))
