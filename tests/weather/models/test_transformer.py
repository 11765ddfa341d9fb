"""Laws of the transformer on the Earth: the globe closes, the poles do not meet."""

import numpy as np
import pytest
import torch

from sciml.config import load_config, named_config
from sciml.errors import InputError
from weather.grid import LatLonGrid
from weather.models.fields import Inputs, Widths
from weather.models.model import WeatherModel
from weather.models.transformer import GridTransformer, TransformerConfig
from weather.training.experiment import ExperimentConfig
from weather.variables import Variables

VARIABLES = Variables(
    surface=("msl", "t2m"), upper=("z", "t"), levels=(300, 500, 850), static=("lsm",)
)
WIDTHS = Widths.of(VARIABLES, history=1, position=True)
PLANAR = TransformerConfig(
    dim=8, depths=(2,), heads=(2,), window=(3, 4), patch=(None, 1, 2), halo=1, bias="earth"
)
LEVELS = TransformerConfig(
    dim=8, depths=(2,), heads=(2,), window=(2, 3, 4), patch=(2, 1, 2), bias="earth", norm="post"
)
U_SHAPE = TransformerConfig(
    dim=8, depths=(2, 2, 2, 2), heads=(2, 2, 2, 2), window=(2, 3, 4), merge=(1, 2, 2),
    patch=(2, 1, 1), bias="earth", norm="post",
)  # fmt: skip
LOCAL = PLANAR.model_copy(update={"local": 3, "activation": "bilinear"})
RELATIVE = PLANAR.model_copy(update={"bias": "relative"})
ALL = pytest.mark.parametrize(
    "config",
    [PLANAR, LEVELS, U_SHAPE, RELATIVE, LOCAL],
    ids=["planar", "levels", "u", "relative", "local"],
)


def build(config, shape=(7, 16), periodic=True):
    torch.manual_seed(0)
    model = GridTransformer(config, WIDTHS, shape, periodic).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():  # biases too: nothing may hide behind zeros
            parameter.copy_(0.3 * torch.randn_like(parameter))
    return model


def fields(batch=2, shape=(7, 16)):
    draw = torch.Generator().manual_seed(1)
    new = lambda *size: torch.randn(batch, *size, *shape, generator=draw, dtype=torch.float64)  # noqa: E731
    return Inputs(surface=new(2), upper=new(2, 3), extra=new(5))


def rolled(inputs, by):
    return Inputs(*(x.roll(by, -1) for x in (inputs.surface, inputs.upper, inputs.extra)))


@ALL
def test_rolling_the_input_by_a_window_in_longitude_rolls_the_output(config):
    model, by = build(config), 8  # a window of 4 tokens, of 2 cells each or merged once
    with torch.no_grad():
        expected, got = model(fields()), model(rolled(fields(), by))
    for before, after in zip(expected, got, strict=True):
        torch.testing.assert_close(after, before.roll(by, -1), rtol=0, atol=1e-10)


@ALL
def test_the_first_and_last_longitudes_are_neighbours(config):
    assert _reach(config, (slice(None), 0))[:, -1].any()


@ALL
def test_no_token_attends_across_the_poles(config):
    deep = config.model_copy(update={"halo": 0})
    shape = (24, 32)  # more rows than information travels in these few blocks
    assert not _reach(deep, (0, slice(None)), shape)[-1].any()


def _reach(config, source, shape=(7, 16)):
    """(lat, lon) whether an output cell depends on the source's cells."""
    inputs = fields(1, shape)
    model = build(config, shape)
    upper = inputs.upper.clone()
    upper[:, :, :, *source] += 1
    with torch.no_grad():
        change = [
            (a - b).abs().flatten(0, -3).amax(0)
            for a, b in zip(
                model(inputs), model(Inputs(inputs.surface, upper, inputs.extra)), strict=True
            )
        ]
    return torch.stack(change).amax(0) > 0


@ALL
def test_a_region_is_not_a_globe(config):
    inputs = fields(1)
    region, globe = build(config, periodic=False), build(config, periodic=True)
    assert region(inputs)[0].shape == globe(inputs)[0].shape == (1, 2, 7, 16)
    if config.bias == "relative":  # same parameters, so the difference is the border's
        with torch.no_grad():
            assert not torch.allclose(region(inputs)[0], globe(inputs)[0])


def test_what_lies_beyond_the_end_of_the_grid_changes_nothing():
    """Cells that only pad windows: a region of 7 x 14 cells in windows of 3 x 4 tokens."""
    inputs = fields(1, (7, 14))
    model = build(RELATIVE.model_copy(update={"halo": 0}), (7, 14), periodic=False)
    wider = RELATIVE.model_copy(update={"halo": 0, "shift": False})
    narrow = build(wider, (6, 8), periodic=False)
    whole = build(wider, (7, 14), periodic=False)
    cut = Inputs(*(x[..., :6, :8] for x in (inputs.surface, inputs.upper, inputs.extra)))
    with torch.no_grad():
        assert model(inputs)[1].shape == (1, 2, 3, 7, 14)
        # whole windows of tokens: what stands beside them is another window
        torch.testing.assert_close(
            narrow(cut)[0], whole(inputs)[0][..., :6, :8], rtol=0, atol=1e-12
        )


def test_the_surface_stands_before_the_lowest_level():
    """Windows of two planes, unshifted: the surface shares one with the levels next to it."""
    config = LEVELS.model_copy(update={"patch": (1, 1, 2), "shift": False})
    model, inputs = build(config), fields(1)
    change = {}
    for level, pressure in enumerate(VARIABLES.levels):
        upper = inputs.upper.clone()
        upper[:, :, level] += 1
        with torch.no_grad():
            difference = model(Inputs(inputs.surface, upper, inputs.extra))[0] - model(inputs)[0]
        change[pressure] = float(difference.abs().max())
    assert change[850] > 0
    assert change[300] == change[500] == 0


def test_preset_pangu_has_its_published_size():
    config = load_config(ExperimentConfig, named_config("weather", "pangu"))
    grid = LatLonGrid(lat=tuple(np.linspace(90, -90, 721)), lon=tuple(np.arange(1440) * 0.25))
    assert config.data.variables is not None
    with torch.device("meta"):
        model = WeatherModel(config.model, config.data.variables, grid, 86400)
    parameters = sum(p.numel() for p in model.parameters())
    assert round(parameters / 1e6, 1) == 64.2
    tables = [p for name, p in model.named_parameters() if name.endswith("bias.table")]
    assert {tuple(t.shape) for t in tables} == {(3312, 124, 6), (3312, 64, 12)}
    saved = model.state_dict()
    assert not [name for name in saved if "mask" in name or "index" in name]
    beside = sum(saved[name].numel() for name in saved) - parameters
    assert beside == 3 * 721 * 1440 + 3 * (4 + 5 * 13)  # static fields and statistics, no more


def test_longitudes_that_are_no_whole_number_of_patches():
    with pytest.raises(InputError, match="not a whole number of patches"):
        GridTransformer(PLANAR, WIDTHS, (7, 15), periodic=True)


def test_level_patches_need_levels():
    flat = Widths.of(Variables(surface=("msl",)), 1, True)
    with pytest.raises(InputError, match="no levels"):
        GridTransformer(LEVELS, flat, (7, 16), periodic=True)
