"""The graph network on grids of all kinds."""

import numpy as np
import pytest
import torch

from sciml.config import load_config, named_config
from weather.grid import LatLonGrid
from weather.models.fields import Inputs, Widths
from weather.models.graph import GraphConfig, GridGraph
from weather.training.experiment import ExperimentConfig
from weather.variables import Variables

VARIABLES = Variables(surface=("msl",), upper=("z",), levels=(500, 850))
WIDTHS = Widths.of(VARIABLES, history=1, position=False)
CONFIG = GraphConfig(dim=8, steps=2, refinements=2)


def build(lat, lon, config=CONFIG):
    torch.manual_seed(0)
    grid = LatLonGrid(lat=tuple(lat), lon=tuple(lon))
    return GridGraph(config, WIDTHS, grid).double().eval()


def fields(shape):
    draw = torch.Generator().manual_seed(1)
    new = lambda *size: torch.randn(2, *size, *shape, generator=draw, dtype=torch.float64)  # noqa: E731
    return Inputs(surface=new(1), upper=new(1, 2), extra=new(0))


GRIDS = {
    "with poles": (np.linspace(90, -90, 13), np.arange(24) * 15.0),
    "without poles": (np.arange(82.5, -90, -15.0), np.arange(24) * 15.0),
    "from -180": (np.linspace(90, -90, 13), np.arange(24) * 15.0 - 180),
    "region": (np.linspace(60, 30, 9), np.arange(10) * 4.0 - 20),
}


@pytest.mark.parametrize("halo", [None, 2])
@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS.keys())
def test_fields_keep_their_shape(grid, halo):
    model = build(*grid, CONFIG.model_copy(update={"halo": halo}))
    shape = model.shape
    surface, upper = model(fields(shape))
    assert surface.shape == (2, 1, *shape)
    assert upper.shape == (2, 1, 2, *shape)
    assert torch.isfinite(upper).all()


def test_longitude_convention_does_not_matter():
    lat, lon = np.linspace(80, -80, 9), np.arange(24) * 15.0 + 3.7  # off the mesh's symmetry
    east, west = build(lat, lon), build(lat, lon - 180)
    inputs = fields((9, 24))
    turned = Inputs(*(x.roll(12, -1) for x in (inputs.surface, inputs.upper, inputs.extra)))
    with torch.no_grad():
        for before, after in zip(east(inputs), west(turned), strict=True):
            torch.testing.assert_close(after, before.roll(12, -1), rtol=0, atol=1e-6)  # edge
            # features are kept in single precision


def test_a_halo_brings_neighbours_to_a_cell_around_the_globe():
    """What a node sees of the fields is the cell and those around it, and enters linearly."""
    config = GraphConfig(dim=8, steps=1, refinements=1, halo=1)
    model = build(*GRIDS["without poles"], config)
    x = torch.randn(1, 3, *model.shape, dtype=torch.float64, requires_grad=True)
    nodes = model._features(x).unflatten(0, model.shape)
    (gradient,) = torch.autograd.grad(nodes[5, 0].sum(), x)
    rows, columns = gradient.abs().sum((0, 1)).nonzero().T
    assert sorted(set(rows.tolist())) == [4, 5, 6]
    assert sorted(set(columns.tolist())) == [0, 1, 23]
    torch.testing.assert_close(model._features(3 * x), 3 * model._features(x))


def test_no_edge_is_saved():
    assert not [n for n in build(*GRIDS["region"]).state_dict() if "index" in n or "features" in n]


@pytest.mark.slow
def test_graphcast_has_its_published_size():
    """36.7 M with 5 surface and 6 upper variables on 37 levels and two states.

    Ours has 35.6 M: GraphCast's decoder also updates mesh nodes that nothing reads.
    """
    config = load_config(ExperimentConfig, named_config("weather", "graphcast"))
    upper = ("z", "q", "t", "u", "v", "w")
    variables = Variables(
        surface=("t2m", "msl", "u10", "v10", "tp"),
        upper=upper,
        levels=tuple(range(1, 38)),
        forcing=config.data.forcing,
        static=("z_surface", "lsm"),
    )
    small = config.model.backbone.model_copy(update={"refinements": 1})  # changes no parameter
    grid = LatLonGrid(lat=tuple(np.linspace(90, -90, 19)), lon=tuple(np.arange(36) * 10.0))
    model = GridGraph(small, Widths.of(variables, config.model.history, True), grid)
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(36.7e6, rel=0.04)
