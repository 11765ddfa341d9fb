"""What every weather model must hold, whatever its backbone."""

import copy
import subprocess
import sys

import numpy as np
import pytest
import torch

from sciml.layers import Modulation
from weather.files.reanalysis import open_reanalysis, static_fields
from weather.forecasting.forecaster import Forecaster
from weather.forecasting.forecaster_config import ForecasterConfig
from weather.grid import LatLonGrid
from weather.models.graph import GraphConfig
from weather.models.model import ModelConfig
from weather.models.statistics import of_steps
from weather.models.transformer import TransformerConfig
from weather.state import State
from weather.training.data import all_variables, open_fields, samples
from weather.training.measure import measure
from weather.training.objectives import ForecastLoss, ForecastLossConfig

BACKBONES = {
    "planar transformer": TransformerConfig(dim=24, depths=(2,), heads=(2,), window=(2, 4), halo=1),
    "local bilinear transformer": TransformerConfig(
        dim=24, depths=(2,), heads=(2,), window=(2, 4), local=3, activation="bilinear", mlp_ratio=2
    ),
    "level transformer": TransformerConfig(
        dim=24, depths=(2,), heads=(2,), window=(2, 2, 4), patch=(1, 1, 1), bias="earth"
    ),
    "graph": GraphConfig(dim=24, steps=2, refinements=2),
    "bilinear graph": GraphConfig(
        dim=24, steps=2, refinements=2, edge_state=False, activation="bilinear", halo=1
    ),
}
SEVERAL = {f"{name}, several steps": backbone for name, backbone in BACKBONES.items()}
HOURS_6 = 21600


@pytest.fixture(params=[*BACKBONES, *SEVERAL], scope="module")
def made(request, waves_file):
    """A forecaster with statistics and all inputs, and its data.

    With one time step it sees two past states; with several it sees one, and some of
    what the step changes has been learned.
    """
    several = request.param in SEVERAL
    dataset = open_reanalysis(waves_file)
    variables = all_variables(dataset, ("year", "local_time", "insolation"))
    fields = open_fields(dataset, variables, memory=1)
    config = ForecasterConfig(
        model=ModelConfig(
            history=1 if several else 2, backbone=(BACKBONES | SEVERAL)[request.param]
        ),
        variables=variables,
        grid=LatLonGrid.from_dataset(dataset),
        step_hours=(6, 12) if several else 6,
    )
    torch.manual_seed(0)
    model = config.build()
    period = (fields.times[0], fields.times[-1])
    moments = [measure(samples(fields, period, step, 2)) for step in model.steps]
    model.statistics.set(of_steps(moments))
    model.set_static(static_fields(dataset, variables))
    for module in model.modules():
        if isinstance(module, Modulation):
            torch.nn.init.normal_(module.weight, std=0.1)
    return Forecaster(model, config, {}), samples(fields, period, HOURS_6, model.history + 1)


def as_double(state: State) -> State:
    return State(
        state.surface.double(), state.upper.double(), state.time, state.variables, state.grid
    )


def test_everything_is_computed_where_the_weights_are(made):
    """On a device without values, which like a GPU takes nothing from the processor."""
    forecaster, data = made
    batch = data.__getitems__([0, 10]).to("meta")
    model = copy.deepcopy(forecaster.model).to("meta")
    loss = ForecastLoss(ForecastLossConfig(), batch.variables, batch.grid).to("meta")
    assert model(batch.at(slice(-model.history, None))).upper.device.type == "meta"
    error, _ = loss.of_step(model, batch, HOURS_6)
    error.backward()
    assert all(p.grad is None or p.grad.device.type == "meta" for p in model.parameters())
    if torch.cuda.is_available():
        there = copy.deepcopy(forecaster.model).cuda()
        past = data.__getitems__([0, 10])
        told, again = forecaster.model(past), there(past.to("cuda")).to("cpu")
        torch.testing.assert_close(again.upper, told.upper, rtol=1e-3, atol=1e-2)


def test_no_gradient_flows_between_members_of_a_batch(made):
    forecaster, data = made
    batch = data.__getitems__([0, 10, 20])
    batch.surface.requires_grad_()
    batch.upper.requires_grad_()
    forecast = forecaster.model(batch)
    (forecast.surface[1].sum() + forecast.upper[1].sum()).backward()
    for gradient in (batch.surface.grad, batch.upper.grad):
        assert gradient[1].abs().max() > 0
        assert gradient[[0, 2]].abs().max() == 0


def test_alone_is_as_in_a_batch(made):
    forecaster, data = made
    model = copy.deepcopy(forecaster.model).double()
    with torch.no_grad():
        together = model(as_double(data.__getitems__([3, 30, 12])))
        alone = model(as_double(data.__getitems__([30])))
    spread = forecaster.model.statistics.surface("std").double()
    error = (together.surface[1] - alone.surface[0]) / spread
    assert error.abs().max() < 1e-10


def test_fresh_weights_stay_near_persistence(made):
    forecaster, data = made
    batch = data.__getitems__([0])
    change = forecaster.model(batch).surface - batch.surface[:, -1:]
    assert (change / forecaster.model.statistics.surface("change")).abs().max() < 3


def test_time_moves_on_by_a_step(made):
    forecaster, data = made
    batch = data.__getitems__([0, 5])
    assert (forecaster.model(batch).time[:, 0] - batch.time[:, -1] == HOURS_6).all()


def test_save_load_gives_equal_output_in_another_process(made, tmp_path):
    forecaster, data = made
    forecaster.save(tmp_path / "model.safetensors")
    batch = data.__getitems__([4, 7])
    torch.save((batch.surface, batch.upper, batch.time), tmp_path / "batch.pt")
    script = f"""
import sys, torch
from weather.forecasting.forecaster import Forecaster
from weather.state import State
forecaster = Forecaster.load({str(tmp_path / "model.safetensors")!r})
surface, upper, time = torch.load({str(tmp_path / "batch.pt")!r})
state = State(surface, upper, time, forecaster.config.variables, forecaster.config.grid)
steps = list(forecaster.rollout(state.at(slice({forecaster.model.history})), 3))
torch.save((steps[-1].surface, steps[-1].upper), {str(tmp_path / "out.pt")!r})
assert not [name for name in sys.modules if name.startswith("lightning")]
"""
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True, timeout=300)
    *_, last = forecaster.rollout(batch.at(slice(forecaster.model.history)), 3)
    surface, upper = torch.load(tmp_path / "out.pt")
    assert torch.equal(surface, last.surface)
    assert torch.equal(upper, last.upper)


@pytest.mark.parametrize(
    "made",
    [*BACKBONES, *(pytest.param(name, marks=pytest.mark.slow) for name in SEVERAL)],
    indirect=True,
)
def test_eight_samples_are_memorized(made):
    forecaster, data = made
    model = forecaster.model.train()
    draw = np.random.default_rng(0)
    batch = data.__getitems__(draw.permutation(len(data))[:8])
    noise = torch.Generator().manual_seed(0)  # nothing to generalize: truth is noise
    truth = torch.randn(batch.upper[:, -1].shape, generator=noise)
    batch.upper[:, -1] = batch.upper[:, -2] + truth * model.statistics.upper("change")
    loss = ForecastLoss(ForecastLossConfig(), batch.variables, batch.grid)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    first = None
    for step in range(800):
        for group in optimizer.param_groups:
            group["lr"] = 1e-2 * (1 - step / 800)
        error, _ = loss(model, batch)
        first = first or float(error.detach())
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        if float(error.detach()) < 0.05 * first:
            return
    pytest.fail(f"loss fell from {first:.3g} to {float(error.detach()):.3g} only")
