"""Gradients against finite differences, closed forms and symmetries."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sciml.errors import InputError
from weather.explanation.gradient import Watched, gradient
from weather.explanation.sensitivity import UNIT_AREA, explain
from weather.explanation.summary import effects, lines
from weather.explanation.target import Area, Target
from weather.explanation.wording import away
from weather.forecasting.boundary import Boundary, one_step
from weather.forecasting.planner import plan
from weather.grid import LatLonGrid
from weather.maps.sensitivity import draw_sensitivity
from weather.sphere import cell_areas
from weather.state import State
from weather.variables import Variables

STEP = 21600
TIME = np.datetime64("2001-01-05T00", "ns")
GRID = LatLonGrid(lat=tuple(np.linspace(78.75, -78.75, 8)), lon=tuple(22.5 * np.arange(16)))
VARIABLES = Variables(surface=("msl",), upper=("t",), levels=(500, 850))


def random_state(history=1):
    torch.manual_seed(1)
    return State(
        torch.randn(1, history, 1, 8, 16).double(),
        torch.randn(1, history, 1, 2, 8, 16).double(),
        STEP * torch.arange(history)[None],
        VARIABLES,
        GRID,
    )


def advance(state, fields):
    """A step that makes each field (1, time, ...) by a function."""
    last = state.at(slice(-1, None))
    surface, upper = fields(state.surface), fields(state.upper)
    return replace(last, surface=surface, upper=upper, time=last.time + STEP)


def of_steps(fields, steps, history=1):
    """Gradient of t850 in one cell after some steps of a linear model."""
    target = Target("t850", Area.disc(GRID, 33.75, 90.0, 100))
    made = plan([STEP], [steps * STEP])
    steppers = {STEP: lambda state: advance(state, fields)}
    return gradient(steppers, made, random_state(history), target)[0]


def cell(row, column, value=1.0):
    field = torch.zeros(8, 16).double()
    field[row, column] = value
    return field


def test_persistence_depends_on_the_place_itself():
    found = of_steps(lambda field: field[:, -1:], steps=3)
    torch.testing.assert_close(found.upper[0, 0, 1], cell(2, 4))
    assert not found.surface.any()
    assert not found.upper[0, 0, 0].any()


def test_advection_depends_on_what_lies_upstream_by_the_shift():
    found = of_steps(lambda field: 0.9 * field[:, -1:].roll(2, -1), steps=3)
    torch.testing.assert_close(found.upper[0, 0, 1], cell(2, (4 - 6) % 16, 0.9**3))


def test_a_trend_carried_on_depends_on_both_states():
    found = of_steps(lambda field: 2 * field[:, -1:] - field[:, -2:-1], steps=3, history=2)
    torch.testing.assert_close(found.upper[0, 0, 1], cell(2, 4, -3.0))
    torch.testing.assert_close(found.upper[1, 0, 1], cell(2, 4, 4.0))


def differences(forecaster, dataset, leads, given=None):
    """Change of the forecast by a small random perturbation, and <gradient, perturbation>."""
    model, target = forecaster.model, Target("t850", Area.disc(forecaster.config.grid, 20, 90, 3e3))
    target = Target.of_model(model, target.channel, target.area)
    made = plan(model.steps, [leads])
    state = forecaster.initial(dataset, [TIME], step=made.steps[-1])
    state = replace(state, surface=state.surface.double(), upper=state.upper.double())
    steppers = {s: one_step(model, s, given or (lambda valid: valid)) for s in made.steps}
    found, _ = gradient(steppers, made, state, target)
    torch.manual_seed(2)
    by = [
        torch.randn(part.shape).double() * std
        for part, std in (
            (found.surface, model.statistics.surface("std")),
            (found.upper, model.statistics.upper("std")),
        )
    ]

    def moved(size):
        there = replace(
            state, surface=state.surface + size * by[0], upper=state.upper + size * by[1]
        )
        return gradient(steppers, made, there, target)[0].value

    size = 1e-4
    change = (moved(size) - moved(-size)) / (2 * size)
    return change, float((found.surface * by[0]).sum() + (found.upper * by[1]).sum())


def test_a_small_change_of_the_state_changes_the_forecast_by_its_product_with_the_gradient(
    build, waves
):
    for options, leads in (
        ({"history": 2}, 3 * STEP),
        ({"history": 1, "hours": (6.0, 12.0)}, 5 * STEP),
    ):
        change, predicted = differences(*build(waves, **options), leads)
        assert change == pytest.approx(predicted, rel=1e-6)


def test_a_region_with_holes_and_a_frame(build, region, holed):
    forecaster, dataset = build(holed, width=2)
    model = forecaster.model.float()
    boundary = Boundary.of(model, [forecaster.file])
    place, corner = Area.disc(model.grid, 30, 90, 2500), Area.disc(model.grid, 75, 0, 1)
    found = explain(forecaster, dataset, TIME, 24, "t850", place, boundary)
    total = effects(found)
    assert total.total > 0
    assert total.boundary > 0
    assert np.isnan(found.fields["msl"]).any()
    masked = model.masks.named()["msl"].numpy()
    assert np.array_equal(np.isnan(found.fields["msl"].values[0]), masked)
    assert np.isfinite(found.fields["z"]).all()
    assert "boundary data hold" in lines(found)[-1]
    draw_sensitivity(found).canvas.draw()
    with pytest.raises(InputError, match=r"does not forecast t850 in .*choose another place"):
        explain(forecaster, dataset, TIME, 24, "t850", corner, boundary)
    with pytest.raises(InputError, match="give them with --boundary"):
        explain(forecaster, dataset, TIME, 24, "t850", place)


def test_boundary_data_have_gradients_too(build, holed):
    """A change of the frame at all later times changes the forecast by its product."""
    forecaster, dataset = build(holed, width=2)
    model, boundary = forecaster.model, Boundary.of(forecaster.model, [forecaster.file])
    target = Target.of_model(model, "z500", Area.disc(model.grid, 20, 90, 3000))
    made = plan([STEP], [3 * STEP])
    state = forecaster.initial(dataset, [TIME])
    state = replace(state, surface=state.surface.double(), upper=state.upper.double())
    following = boundary.following(state.time[:, -1])

    def forecast(change):
        def later(valid):
            given = following(valid)
            return replace(
                given, surface=given.surface.double(), upper=given.upper.double() + change
            )

        watched = Watched(later)
        return gradient({STEP: one_step(model, STEP, watched)}, made, state, target, watched)

    own, given = forecast(0.0)
    assert given.upper.shape == (1, *own.upper.shape[1:])
    inside = ~model.frame.cells
    assert not given.upper[..., inside].any()
    by = torch.randn(given.upper.shape[1:]).double()
    size = 1e-3  # of z; the change over a step has a spread of some hundred
    change = (forecast(size * by)[0].value - forecast(-size * by)[0].value) / (2 * size)
    assert change == pytest.approx(float((given.upper[0] * by).sum()), rel=1e-4)


def test_turning_the_globe_turns_the_map(build, waves):
    """By whole windows of a model that knows no longitude."""
    forecaster, dataset = build(waves, symmetric=True)
    forecaster.model.float()
    around = 8  # columns: a whole window of patches
    turned = dataset.roll(lon=around, roll_coords=False)
    grid = forecaster.model.grid
    one = explain(forecaster, dataset, TIME, 12, "msl", Area.disc(grid, 30, 90, 2000))
    other = explain(
        forecaster, turned, TIME, 12, "msl", Area.disc(grid, 30, 90 + 22.5 * around, 2000)
    )
    for name in ("msl", "z", "t"):
        expected = np.roll(one.fields[name].values, around, -1)
        size = np.abs(expected).max()
        np.testing.assert_allclose(other.fields[name].values, expected, atol=1e-3 * size)  # float32


def test_sensitivities_are_per_standard_deviation_and_area(build, waves):
    forecaster, dataset = build(waves)
    model = forecaster.model.float()
    target = Target("t850", Area.disc(model.grid, 30, 90, 2000))
    found = explain(forecaster, dataset, TIME, 12, "t850", target.area)
    state = forecaster.initial(dataset, [TIME])
    steppers = {STEP: one_step(model, STEP, lambda valid: valid)}
    raw, _ = gradient(steppers, plan([STEP], [2 * STEP]), state, target)
    area = cell_areas(model.grid)[:, None] / UNIT_AREA
    std = model.statistics.surface("std").numpy()
    expected = raw.surface[:, 0].numpy() * std[0] / area
    np.testing.assert_allclose(
        found.fields["msl"].values, expected, atol=1e-6 * np.abs(expected).max()
    )
    shares = effects(found)
    assert shares.by_channel.sum() == pytest.approx(1)
    assert shares.within(21_000) == pytest.approx(1)
    assert all(weight.requires_grad for weight in model.parameters())


def test_a_place_or_field_that_is_not_there():
    europe = LatLonGrid(lat=(60.0, 50.0, 40.0), lon=(-10.0, 0.0, 10.0, 20.0))
    for lat, lon in ((70, 0), (50, 30), (50, -20)):
        with pytest.raises(InputError, match="lies outside the model's grid"):
            Area.disc(europe, lat, lon, 500)
    assert Area.disc(europe, 51, 361, 10).weights[1, 1] == 1
    with pytest.raises(InputError, match="no cell of the model's grid"):
        Area.box(europe, 30, 40, 40, 60)
    across = Area.box(GRID, 170, 200, -20, 40)
    assert (across.weights.sum(axis=0) > 0).nonzero()[0].tolist() == [8]
    assert across.weights.sum() == pytest.approx(1)


def test_directions_are_those_of_the_compass_and_at_a_pole_there_is_one():
    for to_lat, to_lon, expected in (
        (1, 0, "north"), (0, 1, "east"), (-1, -1, "south-west"), (1, -1, "north-west"),
    ):  # fmt: skip
        assert away(0.0, 0.0, to_lat, to_lon).endswith(f" km {expected}")
    for lon in range(-180, 180, 45):
        assert away(90.0, 180.0, 89.9, lon) == "11 km south"
        assert away(-90.0, 30.0, -89.9, lon) == "11 km north"
