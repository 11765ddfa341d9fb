"""Fields that have no value in some cells: laws of the maps, and a whole downscaling."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

from sciml.errors import InputError
from weather.downscaling.downscaler import Downscaler, refine
from weather.downscaling.objective import DownscalingLoss, DownscalingLossConfig
from weather.downscaling.refinement import Refinement
from weather.grid import LatLonGrid
from weather.models.masks import Masks
from weather.state import State
from weather.training.regrid import Regridder
from weather.variables import Variables

NAMES = Variables(surface=("msl", "sst"), upper=("t",), levels=(500, 850))


def masks_on(grid):
    """A continent with rough coasts and islands, and the ground under 850 hPa."""
    draw = torch.Generator().manual_seed(0)
    lat, lon = torch.tensor(grid.lat)[:, None], torch.tensor(grid.lon)
    wave = torch.cos(torch.deg2rad(9 * lat)) + torch.sin(torch.deg2rad(7 * lon))
    rough = wave + torch.randn(grid.shape, generator=draw)
    masks = Masks(NAMES, grid, ("sst", "t"))
    masks.set({"sst": rough > 0.6, "t": torch.stack([rough > 1e3, rough > 1.2])})
    return masks


@pytest.fixture
def refinement(grid):
    return Refinement(grid, masks_on(grid))


def noise(grid, seed=0):
    """In float64."""
    draw = torch.Generator().manual_seed(seed)
    surface = torch.randn(3, 1, 2, *grid.shape, generator=draw, dtype=torch.float64)
    upper = torch.randn(3, 1, 1, 2, *grid.shape, generator=draw, dtype=torch.float64)
    return State(surface, upper, torch.zeros(3, 1, dtype=torch.long), NAMES, grid)


def spoiled(state, masks):
    """Other numbers in masked cells."""
    return replace(
        state,
        surface=torch.where(masks.surface(), 1e6, state.surface),
        upper=torch.where(masks.upper(), torch.nan, state.upper),
    )


def assert_same(a, b, atol=0.0):
    for kind in ("surface", "upper"):
        torch.testing.assert_close(
            getattr(a, kind), getattr(b, kind), rtol=0, atol=atol, equal_nan=True
        )


def test_coarse_values_are_means_of_what_is_there(refinement):
    """As regridding with holes has it, also which cells are lost."""
    fine = noise(refinement.fine)
    regrid = Regridder(refinement.fine, refinement.coarse)
    blank = refinement.masks.blank(fine)
    expected = replace(
        refinement.coarsen(fine),
        surface=torch.from_numpy(regrid(blank.surface.numpy())),
        upper=torch.from_numpy(regrid(blank.upper.numpy())),
    )
    assert_same(refinement.coarsen(fine), expected, atol=1e-10)
    assert 0 < int(refinement.coarse_masks.surface().sum()) < refinement.coarse.shape[0] ** 2 * 2


def test_what_masked_cells_hold_changes_nothing(refinement):
    fine, coarse = noise(refinement.fine), noise(refinement.coarse, 1)
    other, others = spoiled(fine, refinement.masks), spoiled(coarse, refinement.coarse_masks)
    assert_same(refinement.coarsen(other), refinement.coarsen(fine))
    for kind in ("bilinear", "bicubic"):
        assert_same(refinement.interpolate(others, kind), refinement.interpolate(coarse, kind))
    assert_same(refinement.start(others), refinement.start(coarse))
    blank = refinement.masks.blank
    made, expected = refinement.conserve(other, others), refinement.conserve(fine, coarse)
    assert_same(blank(made), blank(expected))


def test_means_are_kept(refinement):
    coarse = refinement.coarsen(noise(refinement.fine))
    for fine in (noise(refinement.fine, 1), refinement.interpolate(coarse)):
        kept = refinement.conserve(fine, coarse)
        assert_same(refinement.coarsen(kept), coarse, atol=1e-10)
        assert_same(refinement.conserve(kept, coarse), kept, atol=1e-10)


def test_values_are_where_there_is_no_mask(refinement):
    start = refinement.start(noise(refinement.coarse))
    assert torch.equal(start.surface.isnan()[0, 0], refinement.masks.surface())
    assert torch.equal(start.upper.isnan()[0, 0], refinement.masks.upper())


def test_a_constant_stays_one(refinement):
    """Whatever is on land."""
    fine, coarse = (
        replace(noise(grid), surface=torch.full((3, 1, 2, *grid.shape), 285.0).double())
        for grid in (refinement.fine, refinement.coarse)
    )
    for made, expected in (
        (refinement.coarsen(fine), refinement.coarse_masks.blank(coarse)),
        (refinement.interpolate(coarse), refinement.masks.blank(fine)),
        (refinement.start(coarse), refinement.masks.blank(fine)),
    ):
        torch.testing.assert_close(made.surface, expected.surface, equal_nan=True)


def test_the_correction_is_the_smallest_one(refinement):
    """It is orthogonal, weighted by area, to all that has means of zero."""
    fine, coarse = noise(refinement.fine), refinement.coarsen(noise(refinement.fine, 1))
    correction = refinement.conserve(fine, coarse).surface - fine.surface
    other = noise(refinement.fine, 2)
    invisible = refinement.conserve(other, replace(coarse, surface=0 * coarse.surface))
    area = torch.from_numpy(refinement.fine.area_weights())[:, None]
    product = torch.where(refinement.masks.surface(), 0.0, correction * invisible.surface * area)
    torch.testing.assert_close(
        product.sum((-2, -1)), torch.zeros(3, 1, 2).double(), rtol=0, atol=1e-9
    )


def test_fields_without_a_mask_are_as_if_no_other_had_one(refinement):
    plain = Refinement(refinement.fine)
    fine, coarse = noise(refinement.fine), noise(refinement.coarse, 1)
    for ours, theirs in (
        (refinement.coarsen(fine), plain.coarsen(fine)),
        (refinement.start(coarse), plain.start(coarse)),
        (refinement.conserve(fine, coarse), plain.conserve(fine, coarse)),
    ):
        assert torch.equal(ours.surface[:, :, 0], theirs.surface[:, :, 0])
    without = Refinement(refinement.fine, Masks(NAMES, refinement.fine, ()))
    assert_same(without.start(coarse), plain.start(coarse))


def test_the_gradient_is_that_of_the_means_kept():
    grid = LatLonGrid(lat=np.linspace(78.75, -78.75, 8), lon=np.arange(8) * 45.0)
    refinement = Refinement(grid, masks_on(grid))
    coarse, fine = refinement.coarsen(noise(grid)), noise(grid, 1)

    def kept(surface):
        made = refinement.conserve(replace(fine, surface=surface), coarse).surface
        return torch.where(refinement.masks.surface(), 0.0, made)

    surface = fine.surface[:1].clone().requires_grad_()
    fine, coarse = (
        replace(s, surface=s.surface[:1], upper=s.upper[:1], time=s.time[:1])
        for s in (fine, coarse)
    )
    assert torch.autograd.gradcheck(kept, surface, fast_mode=True)


def test_islands_that_no_coarse_cell_keeps(grids):
    grid = grids["region"]
    masks = masks_on(grid)
    cells = torch.ones(grid.shape, dtype=torch.bool)
    cells[3, 5] = False
    masks.set(masks.named() | {"sst": cells})
    with pytest.raises(InputError, match="sst has values in so few cells"):
        Refinement(grid, masks)


@pytest.fixture(scope="module")
def run(call, holed, tiny_config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("masked")
    holed.to_netcdf(folder / "fine.nc")
    options = ["--config", tiny_config["graph"], "--objective.kind", "downscaling"]
    assert call("train", folder / "fine.nc", *options, "--run", folder / "run") == 0
    return folder / "run"


@pytest.fixture
def coarse(holed):
    """Three times of `holed` on the grid of half the resolution."""
    grid = LatLonGrid(lat=holed.latitude.values.tolist(), lon=holed.longitude.values.tolist())
    half, part = grid.halved(), holed.isel(time=slice(0, 3)).drop_vars("z_surface")
    means = Regridder(grid, half)
    fields = {n: (field.dims, means(field.values), field.attrs) for n, field in part.items()}
    places = {"latitude": list(half.lat), "longitude": list(half.lon)}
    made = xr.Dataset(fields, {"time": part.time, "level": part.level, **places})
    for name in places:
        made[name].attrs = part[name].attrs
    return made


def test_from_file_to_file(call, one_line, run, holed, coarse, tmp_path):
    model = run / "model.safetensors"
    for name, land in (("nan", coarse), ("filled", coarse.fillna(1e5))):
        land.to_netcdf(tmp_path / f"{name}.nc")
        assert call("downscale", model, tmp_path / f"{name}.nc", "--out",
                    tmp_path / f"{name}_fine.nc") == 0  # fmt: skip
    with (
        xr.open_dataset(tmp_path / "nan_fine.nc") as fine,
        xr.open_dataset(tmp_path / "filled_fine.nc") as other,
    ):
        assert int(fine.msl.isnull().sum()) == 3 * 6
        for name in ("msl", "t", "z"):
            np.testing.assert_array_equal(fine[name].isnull(), holed[name][:3].isnull())
            np.testing.assert_array_equal(fine[name], other[name])
        grid = LatLonGrid(lat=fine.latitude.values.tolist(), lon=fine.longitude.values.tolist())
        again = Regridder(grid, grid.halved())(fine.msl.values)
        np.testing.assert_allclose(again, coarse.msl, rtol=1e-6)
    coarse.msl[1, 4, 3] = np.nan
    coarse.to_netcdf(tmp_path / "hole.nc")
    assert call("downscale", model, tmp_path / "hole.nc", "--out", tmp_path / "x.nc") == 2
    assert "msl" in one_line()
    assert not (tmp_path / "x.nc").exists()


def test_only_cells_with_a_value_count(run):
    downscaler = Downscaler.load(run / "model.safetensors", "cpu")
    model, refinement = downscaler.model, downscaler.refinement
    assert all(np.isfinite(s["rmse"]) for s in downscaler.metadata["scores"].values())
    loss = DownscalingLoss(DownscalingLossConfig(), refinement, model)
    draw = torch.Generator().manual_seed(0)
    names, grid = downscaler.config.variables, downscaler.config.grid
    shapes = ((1, 1, 1, *grid.shape), (1, 1, 2, 2, *grid.shape))
    parts = [torch.randn(shape, generator=draw) for shape in shapes]
    batch = State(*parts, torch.zeros(1, 1, dtype=torch.long), names, grid)
    value, _ = loss(model, batch)
    value.backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
    other = spoiled(batch, model.masks)
    assert torch.equal(loss(model, other)[0], value)
    fine = refine(model, refinement, refinement.coarsen(batch))
    at = model.masks.surface()
    assert fine.surface[0, 0][at].isnan().all()
    assert not fine.surface[0, 0][~at].isnan().any()
