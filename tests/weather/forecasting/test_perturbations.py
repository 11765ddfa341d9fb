"""Members of an ensemble: pairs around the analysis, reproducible, and models that take turns."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sciml.errors import InputError
from weather.files.forecasts import open_forecast
from weather.forecasting.execution import initial
from weather.forecasting.experts import Experts
from weather.forecasting.forecast_file import write_forecast
from weather.forecasting.forecaster import Forecaster
from weather.forecasting.job import Job
from weather.forecasting.perturbations import EnsembleConfig, Perturbations
from weather.forecasting.planner import plan
from weather.models.model import WeatherModel

HOUR = 3600
TIMES = np.array(["2001-01-04T00", "2001-01-05T00"], "datetime64[ns]")


def known(forecaster, analyses, times):
    state = forecaster.initial(analyses, times)
    return initial(state, forecaster.model.step, forecaster.model.history)


@pytest.mark.parametrize("method", ["noise", "bred"])
def test_pairs_lie_around_the_analysis(method, forecaster, analyses):
    made = Perturbations(forecaster, EnsembleConfig(members=4, method=method, cycles=2), analyses)
    base = known(forecaster, analyses, [TIMES[0]] * 4)
    states = made.apply(base, [TIMES[0]] * 4, range(4))
    for node, state in states.items():
        for name in ("surface", "upper"):
            moved, still = getattr(state, name), getattr(base[node], name)
            torch.testing.assert_close((moved[::2] + moved[1::2]) / 2, still[::2])
            assert not torch.allclose(moved[0], moved[2])


@pytest.mark.parametrize("method", ["noise", "bred"])
def test_the_amplitude_is_in_units_of_the_usual_change(method, forecaster, analyses):
    config = EnsembleConfig(members=2, method=method, amplitude=0.25, cycles=2)
    made = Perturbations(forecaster, config, analyses)
    base = known(forecaster, analyses, TIMES[:1])
    now = max(base, key=lambda node: node.offset)
    moved = made.apply(base, TIMES[:1], [0])[now]
    usual, area = forecaster.model.statistics, torch.tensor(forecaster.model.grid.area_weights())
    surface = ((moved.surface - base[now].surface) / usual.surface("change")).flatten(0, 2)
    upper = ((moved.upper - base[now].upper) / usual.upper("change")).flatten(0, 3)
    mean = (torch.cat([surface, upper]).square() * area[:, None]).mean()
    assert float(mean.sqrt()) == pytest.approx(0.25, rel=1e-3)


def test_a_member_does_not_depend_on_the_others(forecaster, analyses):
    config = EnsembleConfig(members=6, seed=3)
    together = Perturbations(forecaster, config, analyses)
    alone = Perturbations(forecaster, config, analyses)
    times, members = [TIMES[0], TIMES[0], TIMES[1]], [0, 3, 5]
    base = known(forecaster, analyses, times)
    states = together.apply(base, times, members)
    last = alone.apply(known(forecaster, analyses, [TIMES[1]]), [TIMES[1]], [5])
    for node, state in states.items():
        assert torch.equal(state.upper[2], last[node].upper[0])
    other = Perturbations(forecaster, EnsembleConfig(members=6, seed=4), analyses)
    assert not torch.equal(other.apply(base, times, members)[node].upper, state.upper)


class Growing(WeatherModel):
    """Differences of `msl` double in each step, all others halve."""

    def forward(self, state, step=None, boundary=None):
        last = state.at(slice(-1, None))
        row = self.variables.surface.index("msl")
        factors = torch.full((len(self.variables.surface), 1, 1), 0.5)
        factors[row] = 2.0
        return replace(
            last, surface=last.surface * factors, upper=last.upper * 0.5, time=last.time + self.step
        )


def test_breeding_finds_what_grows_fastest(forecaster, analyses):
    config = forecaster.config
    model = Growing(config.model, config.variables, config.grid, forecaster.model.step)
    model.statistics.load_state_dict(forecaster.model.statistics.state_dict())
    growing = Forecaster(model, config, {})
    made = Perturbations(growing, EnsembleConfig(members=2, method="bred", cycles=8), analyses)
    base = known(growing, analyses, TIMES[:1])
    now = max(base, key=lambda node: node.offset)
    moved = made.apply(base, TIMES[:1], [0])[now]
    upper = (moved.upper - base[now].upper) / model.statistics.upper("change")
    surface = (moved.surface - base[now].surface) / model.statistics.surface("change")
    assert upper.abs().max() < 1e-3 * surface.abs().max()


def test_an_ensemble_in_a_file(forecaster, analyses, tmp_path):
    ensemble = EnsembleConfig(members=4, amplitude=0.5)
    made = plan([6 * HOUR], [6 * HOUR, 12 * HOUR])
    write_forecast(forecaster, analyses, TIMES, made, tmp_path / "f.nc", ensemble=ensemble)
    forecast = open_forecast(tmp_path / "f.nc")
    assert forecast["member"].values.tolist() == [1, 2, 3, 4]
    assert forecast["msl"].sizes["time"] == 2
    assert (forecast["msl"].std("member") > 0).all()
    assert '"members":4' in forecast.attrs["ensemble"]


def test_models_of_the_same_time_step_take_turns(make_forecaster, analyses, tmp_path):
    one, two = make_forecaster(), make_forecaster()
    with torch.no_grad():
        for parameter in two.model.parameters():
            parameter.mul_(1.1)
    made = plan([6 * HOUR], [6 * HOUR, 12 * HOUR])
    alike = EnsembleConfig(members=4, method="none")
    write_forecast([one, two], analyses, TIMES, made, tmp_path / "all.nc", ensemble=alike)
    forecast = open_forecast(tmp_path / "all.nc")
    for number, model in enumerate((one, two)):
        write_forecast(model, analyses, TIMES, made, tmp_path / f"{number}.nc")
        alone = open_forecast(tmp_path / f"{number}.nc")
        for member in (number, number + 2):
            part = forecast.isel(member=member)
            np.testing.assert_allclose(part["z"], alone["z"].transpose(*part["z"].dims), rtol=1e-6)


@pytest.mark.parametrize(("members", "turns"), [(8, [0, 0, 1, 1, 0, 0, 1, 1]), (2, [0, 1])])
def test_a_pair_is_of_one_model(members, turns, forecaster, analyses):
    config = EnsembleConfig(members=members, method="noise")
    experts = Experts.of(forecaster)
    job = Job(
        experts,
        analyses,
        np.array(TIMES[:1]),
        plan([6 * HOUR], [6 * HOUR]),
        "cf",
        perturbations=Perturbations(forecaster, config, analyses),
        others=(experts,),
    )
    found = {member: turn for turn, batch in enumerate(job.batches()) for _, member in batch}
    assert [found[member] for member in range(members)] == turns


def test_only_what_is_asked_for_is_kept(forecaster, analyses):
    made = Perturbations(forecaster, EnsembleConfig(members=20), analyses)
    base = known(forecaster, analyses, [TIMES[0]])
    first = [made.apply(base, [TIMES[0]], [member]) for member in range(20)]
    assert len(made._made) == 1
    for member in (3, 0):
        again = made.apply(base, [TIMES[0]], [member])
        for node, state in again.items():
            assert torch.equal(state.upper, first[member][node].upper)


def test_what_cannot_be_is_said_in_a_line(make_forecaster, forecaster, analyses, tmp_path):
    two = EnsembleConfig(members=2)
    ensemble = analyses.expand_dims(member=[0, 1])
    with pytest.raises(InputError, match="an ensemble of 2 members already"):
        Perturbations(forecaster, two, ensemble)
    first = analyses["time"].values[2]
    bred = Perturbations(forecaster, EnsembleConfig(members=2, method="bred"), analyses)
    with pytest.raises(InputError, match="no analysis at"):
        bred.apply(known(forecaster, analyses, [first]), [first], [0])
    models = [make_forecaster(), make_forecaster(hours=12), make_forecaster()]
    made = plan([6 * HOUR], [6 * HOUR])
    with pytest.raises(InputError, match="members need the same time steps"):
        write_forecast(models, analyses, TIMES, made, tmp_path / "x.nc", ensemble=two)
