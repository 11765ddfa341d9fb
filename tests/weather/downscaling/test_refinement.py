"""Means, interpolation and conservation against laws and closed forms."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sciml.errors import InputError
from weather.downscaling.refinement import Refinement
from weather.grid import LatLonGrid
from weather.state import State
from weather.variables import Variables


@pytest.fixture
def refinement(grid):
    return Refinement(grid)


def state(grid, surface):
    """In float64, (batch, variable, lat, lon)."""
    return State(
        surface=surface.unsqueeze(1),
        upper=surface.new_zeros(len(surface), 1, 0, 0, *grid.shape),
        time=torch.zeros(len(surface), 1, dtype=torch.long),
        variables=Variables(surface=tuple("ab"[: surface.shape[1]])),
        grid=grid,
    )


def noise(grid, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return state(grid, torch.randn(3, 2, *grid.shape, generator=draw, dtype=torch.float64))


def test_a_conserved_field_has_the_coarse_fields_means(refinement):
    coarse = noise(refinement.coarse)
    for fine in (noise(refinement.fine, 1), refinement.interpolate(coarse)):
        kept = refinement.conserve(fine, coarse)
        torch.testing.assert_close(
            refinement.coarsen(kept).surface, coarse.surface, rtol=0, atol=1e-10
        )


def test_conserving_twice_changes_nothing_more(refinement):
    coarse = noise(refinement.coarse)
    once = refinement.start(coarse)
    twice = refinement.conserve(once, coarse)
    torch.testing.assert_close(twice.surface, once.surface, rtol=0, atol=1e-10)


def test_the_mean_over_the_area_is_kept(refinement):
    fine = noise(refinement.fine)
    means = []
    for field in (fine, refinement.coarsen(fine)):
        area = torch.from_numpy(field.grid.area_weights())[:, None]
        means.append((field.surface * area).mean(dim=(-2, -1)))
    torch.testing.assert_close(means[0], means[1], rtol=0, atol=1e-10)


@pytest.mark.parametrize("wet", [0.0, 1.5])
def test_rain_is_not_negative_and_keeps_its_means(wet, refinement):
    """Sparse rain too; exactly over all cells, nearly where coarse cells share fine ones."""
    truth = noise(refinement.fine)
    truth = replace(truth, surface=truth.surface - wet)
    rain = Variables(surface=("tp", "msl"))
    truth = replace(truth, surface=truth.surface.clamp(min=0), variables=rain)
    coarse = refinement.coarsen(truth)
    start = refinement.start(coarse)
    assert float(start.surface[:, :, 0].min()) < 0
    kept = refinement.without_negatives(start, coarse)
    assert float(kept.surface[:, :, 0].min()) >= 0
    again, wanted = refinement.coarsen(kept).surface[:, :, 0], coarse.surface[:, :, 0]
    torch.testing.assert_close(again, wanted, rtol=0, atol=2e-3 * float(wanted.max()))
    area = torch.from_numpy(refinement.coarse.area_weights())[:, None]
    torch.testing.assert_close((again * area).sum((-2, -1)), (wanted * area).sum((-2, -1)))
    assert kept.surface[:, :, 1].equal(start.surface[:, :, 1])
    whole = refinement.start(refinement.coarsen(replace(truth, surface=truth.surface + 10)))
    assert refinement.without_negatives(whole, coarse).surface.equal(whole.surface)


def test_a_constant_stays_one(refinement):
    fine, coarse = (
        state(grid, torch.full((1, 1, *grid.shape), 5e4, dtype=torch.float64))
        for grid in (refinement.fine, refinement.coarse)
    )
    for made, expected in (
        (refinement.coarsen(fine), coarse),
        (refinement.interpolate(coarse, "bilinear"), fine),
        (refinement.interpolate(coarse, "bicubic"), fine),
        (refinement.start(coarse), fine),
    ):
        torch.testing.assert_close(made.surface, expected.surface, rtol=1e-12, atol=0)


def test_the_correction_is_the_smallest_one(refinement):
    """Any other field with these means is further from the first, in area-weighted squares."""
    fine, coarse = noise(refinement.fine), noise(refinement.coarse, 1)
    correction = refinement.conserve(fine, coarse).surface - fine.surface
    other = noise(refinement.fine, 2)
    invisible = (
        other.surface
        - refinement.conserve(
            replace(other, surface=0 * other.surface), refinement.coarsen(other)
        ).surface
    )  # has means of zero
    area = torch.from_numpy(refinement.fine.area_weights())[:, None]
    inner = (correction * invisible * area).sum(dim=(-2, -1))
    torch.testing.assert_close(inner, torch.zeros_like(inner), rtol=0, atol=1e-9)


def test_whole_cells_of_a_region_are_blocks(grids):
    refinement = Refinement(grids["region"])
    fine, coarse = noise(refinement.fine), noise(refinement.coarse, 1)
    area = torch.from_numpy(refinement.fine.area_weights())[:, None].expand(refinement.fine.shape)
    blocks = (fine.surface * area).unflatten(-1, (-1, 2)).unflatten(-3, (-1, 2)).sum((-1, -3))
    weight = area.unflatten(-1, (-1, 2)).unflatten(-3, (-1, 2)).sum((-1, -3))
    torch.testing.assert_close(refinement.coarsen(fine).surface, blocks / weight)
    added = refinement.conserve(fine, coarse).surface - fine.surface
    inside = added.unflatten(-1, (-1, 2)).unflatten(-3, (-1, 2))
    assert (inside.std(dim=(-1, -3)) < 1e-10).all()


@pytest.mark.parametrize(("kind", "degree"), [("bilinear", 1), ("bicubic", 3)])
def test_splines_are_exact_for_polynomials_of_latitude(kind, degree, grids):
    refinement = Refinement(grids["region"])
    fine, coarse = (
        (torch.tensor(grid.lat, dtype=torch.float64)[:, None] / 50).expand(grid.shape) ** degree
        for grid in (refinement.fine, refinement.coarse)
    )
    made = refinement.interpolate(state(refinement.coarse, coarse[None, None]), kind)
    inner = made.surface[0, 0, 0, 1:-1]  # beyond the outermost cells nothing is known
    torch.testing.assert_close(inner, fine[1:-1], rtol=1e-10, atol=0)


@pytest.mark.parametrize("name", ["no poles", "poles", "gaussian"])
@pytest.mark.parametrize("kind", ["bilinear", "bicubic"])
def test_turning_the_globe_turns_what_is_made_of_it(name, kind, grids):
    refinement = Refinement(grids[name])
    coarse = noise(refinement.coarse)
    turned = replace(coarse, surface=coarse.surface.roll(3, -1))
    for function in (lambda s: refinement.interpolate(s, kind), refinement.start):
        expected = function(coarse).surface.roll(6, -1)
        torch.testing.assert_close(function(turned).surface, expected, rtol=0, atol=1e-10)


def test_bicubic_waves_are_close(grids):
    refinement = Refinement(grids["poles"])
    fine, coarse = (
        torch.cos(torch.deg2rad(torch.tensor(grid.lon, dtype=torch.float64))).expand(grid.shape)
        for grid in (refinement.fine, refinement.coarse)
    )
    made = refinement.interpolate(state(refinement.coarse, coarse[None, None]))
    assert float((made.surface[0, 0, 0] - fine).abs().max()) < 1e-3


def test_the_coarse_grids_of_archives():
    era5 = LatLonGrid(lat=np.linspace(90, -90, 73), lon=np.arange(144) * 2.5)
    assert era5.halved().lat == tuple(np.linspace(90, -90, 37))
    assert era5.halved().lon == tuple(np.arange(72) * 5.0)
    weatherbench = LatLonGrid(lat=np.linspace(87.1875, -87.1875, 32), lon=np.arange(64) * 5.625)
    assert weatherbench.halved().lat == pytest.approx(np.linspace(84.375, -84.375, 16))


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        (np.linspace(80, -80, 13), 24),
        (np.linspace(90, -90, 13), 25),
        (np.linspace(67.5, -67.5, 4), 8),
    ],
)
def test_numbers_that_have_no_half(rows, columns):
    grid = LatLonGrid(lat=rows, lon=np.arange(columns) * 360 / columns)
    with pytest.raises(InputError, match="no grid of half the resolution"):
        Refinement(grid)
