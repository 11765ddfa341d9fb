"""Members by a model's own noise: the same however they are forecast, and told in the file."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sciml.errors import InputError
from sciml.layers import Modulation
from weather.files.forecasts import open_forecast
from weather.forecasting import job
from weather.forecasting.forecast_file import write_forecast
from weather.forecasting.forecaster import Forecaster
from weather.forecasting.noise import MemberNoise
from weather.forecasting.onnx_export import export_onnx
from weather.forecasting.perturbations import EnsembleConfig
from weather.forecasting.planner import plan
from weather.models.noise import NoiseConfig

HOUR = 3600
TIMES = np.array(["2001-01-04T00", "2001-01-05T00"], "datetime64[ns]")
PLAN = plan([6 * HOUR], [6 * HOUR, 12 * HOUR, 18 * HOUR])


@pytest.fixture(scope="module")
def make_noisy(forecaster):
    """Makes forecasters that depend on noise."""

    def make(std: float = 0.3) -> Forecaster:
        wanted = forecaster.config.model.model_copy(update={"noise": NoiseConfig(dim=4)})
        config = forecaster.config.model_copy(update={"model": wanted})
        torch.manual_seed(0)
        model = config.build()
        model.statistics.load_state_dict(forecaster.model.statistics.state_dict())
        for module in model.modules():
            if isinstance(module, Modulation):
                torch.nn.init.normal_(module.weight, std=std)
        return Forecaster(model, config, forecaster.metadata)

    return make


@pytest.fixture(scope="module")
def forecast(make_noisy, analyses, tmp_path_factory):
    """Writes forecasts of an ensemble, and reads them."""

    def forecast(members=3, times=TIMES, models=None, **options):
        path = tmp_path_factory.mktemp("forecast") / "f.nc"
        ensemble = EnsembleConfig(members=members, **options)
        write_forecast(models or make_noisy(), analyses, times, PLAN, path, ensemble=ensemble)
        return open_forecast(path).load()

    return forecast


def same(one, two):
    np.testing.assert_allclose(one.z, two.z.transpose(*one.z.dims), rtol=1e-6)


def test_noise_is_standard_normal_and_independent():
    noise = MemberNoise(0, torch.arange(200) * 86400, [0, 1] * 100)
    first = noise.draw(noise.initial, 21600, 32)
    later = noise.draw(noise.initial + 21600, 21600, 32)
    longer = noise.draw(noise.initial, 43200, 32)
    other = replace(noise, seed=1).draw(noise.initial, 21600, 32)
    swapped = replace(noise, members=[1, 0] * 100).draw(noise.initial, 21600, 32)
    assert abs(float(first.mean())) < 0.05
    assert float(first.std()) == pytest.approx(1, abs=0.05)
    for another in (later, longer, other, swapped, first.roll(1, 0)):
        assert abs(float((first * another).mean())) < 0.05


def test_members_differ_and_the_file_says_why(forecast):
    made = forecast(seed=3)
    assert (made["z"].std("member") > 0).all()
    assert made.attrs["ensemble"] == '{"members":3,"method":"none","seed":3}'
    assert made.attrs["model_noise"] == "4 normal numbers for each member and step, seed 3"


def test_without_condition_weights_members_are_alike(forecast, make_noisy):
    made = forecast(models=make_noisy(std=0.0))
    assert float(made["z"].std("member").max()) < 1e-2


def test_a_member_does_not_depend_on_what_is_forecast_beside_it(forecast, monkeypatch):
    together = forecast(members=3)
    same(forecast(members=2), together.isel(member=slice(2)))
    same(forecast(times=TIMES[1:]), together.isel(time=slice(1, 2)))
    monkeypatch.setattr(job, "_MOST", 2)
    same(forecast(members=3), together)
    assert not np.allclose(forecast(seed=1).z, together.z, rtol=1e-6)


def test_a_killed_forecast_goes_on_with_the_same_noise(make_noisy, analyses, tmp_path, forecast):
    def stop(done, of):
        if done == 2:
            raise KeyboardInterrupt

    ensemble, said = EnsembleConfig(members=3), []
    arguments = (make_noisy(), analyses, TIMES, PLAN, tmp_path / "f.nc")
    with pytest.raises(KeyboardInterrupt):
        write_forecast(*arguments, ensemble=ensemble, on_step=stop)
    write_forecast(*arguments, ensemble=ensemble, say=said.append)
    assert any("continuing at step 3" in line for line in said)
    same(open_forecast(tmp_path / "f.nc"), forecast())


def test_noise_and_perturbed_states_together(forecast):
    own, both = forecast(members=2), forecast(members=2, method="noise", amplitude=0.5)
    assert '"amplitude":0.5' in both.attrs["ensemble"]
    first = {"lead_time": 0}
    assert (both.z.isel(first).std("member") > own.z.isel(first).std("member")).mean() > 0.7


def test_one_forecast_is_in_the_middle(make_noisy, analyses, tmp_path):
    """Zeros for noise: as in memory, and never by chance."""
    model = make_noisy()
    write_forecast(model, analyses, TIMES, PLAN, tmp_path / "f.nc")
    written = open_forecast(tmp_path / "f.nc")
    in_memory = model.forecast(analyses, TIMES, 3)
    same(written, in_memory.rename(latitude="lat", longitude="lon"))
    assert not {"ensemble", "model_noise"} & written.attrs.keys()


def test_members_of_analyses_have_their_own_noise(make_noisy, analyses, tmp_path):
    many = analyses.expand_dims(member=[0, 1]).transpose("time", "member", ...)
    write_forecast(make_noisy(), many, TIMES, PLAN, tmp_path / "f.nc")
    written = open_forecast(tmp_path / "f.nc")
    assert (written.z.std("member") > 0).all()
    assert "seed 0" in written.attrs["model_noise"]


def test_models_with_and_without_noise_take_turns(forecast, forecaster, make_noisy):
    """Not all make members of their own, so all states are perturbed."""
    made = forecast(members=4, models=[make_noisy(), forecaster])
    assert '"method":"noise"' in made.attrs["ensemble"]
    assert (made.z.std("member") > 0).all()


def test_what_cannot_be_is_said_in_a_line(forecast, make_noisy, tmp_path):
    with pytest.raises(InputError, match="differ by its own noise: give --perturb noise"):
        forecast(amplitude=0.5)
    with pytest.raises(InputError, match="cycles of perturbations, but members start alike: give"):
        forecast(method="none", cycles=3)
    pytest.importorskip("onnxscript")
    with pytest.raises(InputError, match="boundary data or noise"):
        export_onnx(make_noisy(), tmp_path / "model.onnx")
