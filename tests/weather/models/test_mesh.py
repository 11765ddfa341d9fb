"""The multi-mesh has the published size; its edges stand where they should."""

import numpy as np
import pytest

from weather.grid import LatLonGrid
from weather.models.mesh import (
    RADIUS,
    edge_features,
    grid_points,
    grid_to_mesh,
    mesh_to_grid,
    multi_mesh,
    node_features,
    restrict,
)

NODES = (12, 42, 162, 642, 2562, 10242, 40962)
EDGES = (60, 300, 1260, 5100, 20460, 81900, 327660)


def globe(lat, lon):
    return LatLonGrid(lat=tuple(lat), lon=tuple(lon))


GRIDS = {
    "with poles": globe(np.linspace(90, -90, 37), np.arange(72) * 5.0),
    "without poles": globe(np.arange(87.1875, -90, -5.625), np.arange(64) * 5.625),
    "from -180": globe(np.linspace(90, -90, 37), np.arange(72) * 5.0 - 180),
    "region": globe(np.linspace(60, 30, 21), np.arange(24) * 1.5 - 20),
}


@pytest.mark.parametrize("refinements", range(7))
def test_published_numbers_of_nodes_and_edges(refinements):
    mesh = multi_mesh(refinements)
    assert len(mesh.nodes) == NODES[refinements]
    assert len(mesh.edges) == EDGES[refinements]
    assert len(mesh.faces) == 20 * 4**refinements


def test_nodes_lie_on_the_sphere_and_coarse_ones_come_first():
    fine, coarse = multi_mesh(4), multi_mesh(2)
    np.testing.assert_allclose(np.linalg.norm(fine.nodes, axis=1), 1, atol=1e-14)
    np.testing.assert_array_equal(fine.nodes[: len(coarse.nodes)], coarse.nodes)


def test_every_edge_goes_both_ways_once():
    edges = multi_mesh(3).edges
    pairs = {tuple(edge) for edge in edges.tolist()}
    assert len(pairs) == len(edges)
    assert pairs == {(b, a) for a, b in pairs}


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS.keys())
def test_grid_to_mesh_is_every_pair_within_the_radius(grid):
    points, mesh = grid_points(grid), multi_mesh(3)
    edges = grid_to_mesh(points, mesh)
    distance = np.linalg.norm(points[:, None] - mesh.nodes[None], axis=-1)
    expected = np.argwhere(distance <= RADIUS * mesh.longest)
    assert {tuple(e) for e in edges.tolist()} == {tuple(e) for e in expected.tolist()}
    assert set(edges[:, 0]) == set(range(len(points)))  # every cell is heard


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS.keys())
def test_every_cell_lies_inside_its_triangle(grid):
    points, mesh = grid_points(grid), multi_mesh(3)
    edges = mesh_to_grid(points, mesh)
    assert (np.bincount(edges[:, 1]) == 3).all()
    corners = mesh.nodes[edges[:, 0].reshape(-1, 3)]  # (cell, corner, 3)
    weights = np.linalg.solve(corners.transpose(0, 2, 1), points[..., None])[..., 0]
    assert weights.min() > -1e-12


def test_longitude_convention_does_not_matter():
    # off the mesh's plane of symmetry, where a cell may lie on the side of two triangles
    lat, lon = np.linspace(90, -90, 37), np.arange(72) * 5.0 + 1.3
    east, west = globe(lat, lon), globe(lat, lon - 180)
    mesh = multi_mesh(3)
    roll = np.arange(37 * 72).reshape(37, 72)
    roll = np.roll(roll, 36, axis=1).reshape(-1)  # cell of `west` -> cell of `east`
    for connect, cell in ((grid_to_mesh, 0), (mesh_to_grid, 1)):
        first, second = connect(grid_points(east), mesh), connect(grid_points(west), mesh)
        second[:, cell] = roll[second[:, cell]]
        keep = np.abs(grid_points(east)[:, 2]) < 0.999  # at a pole all longitudes are one point
        pairs = [{tuple(e) for e in edges.tolist() if keep[e[cell]]} for edges in (first, second)]
        assert pairs[0] == pairs[1]


def test_edge_features_do_not_know_their_longitude():
    rng = np.random.default_rng(0)
    ends = rng.normal(size=(2, 50, 3))
    ends /= np.linalg.norm(ends, axis=-1, keepdims=True)
    angle = 1.234
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    before = edge_features(ends[0], ends[1], 0.1)
    after = edge_features(ends[0] @ turn.T, ends[1] @ turn.T, 0.1)
    np.testing.assert_allclose(after, before, atol=1e-12)
    np.testing.assert_allclose(
        before[:, 0], np.linalg.norm(before[:, 1:], axis=1), rtol=1e-12
    )  # length of the direction


def test_a_neighbour_to_the_east_lies_east():
    ends = grid_points(globe([10.0, 0.0], [0.0, 10.0])).reshape(2, 2, 3)
    _, up, east, north = edge_features(ends[1, 1][None], ends[1, 0][None], 1.0)[0]
    assert east == pytest.approx(np.sin(np.radians(10)))
    assert north == pytest.approx(0, abs=1e-15)
    assert up < 0
    *_, north = edge_features(ends[0, 0][None], ends[1, 0][None], 1.0)[0]
    assert north == pytest.approx(np.sin(np.radians(10)))


def test_node_features():
    features = node_features(grid_points(globe([60.0, 0.0], [0.0, 90.0])))
    np.testing.assert_allclose(features[:2], [[0.5, 0, 1], [0.5, 1, 0]], atol=1e-15)


def test_a_region_uses_the_mesh_around_it():
    points, mesh = grid_points(GRIDS["region"]), multi_mesh(4)
    part = restrict(mesh, points)
    assert len(part.nodes) < 0.1 * len(mesh.nodes)
    used = set(grid_to_mesh(points, part)[:, 1]) | set(mesh_to_grid(points, part)[:, 0])
    assert used == set(range(len(part.nodes)))
    assert part.edges.max() < len(part.nodes)


@pytest.mark.slow
def test_published_numbers_of_grid_edges():
    grid = globe(np.linspace(90, -90, 721), np.arange(1440) * 0.25)
    points, mesh = grid_points(grid), multi_mesh(6)
    assert len(mesh_to_grid(points, mesh)) == 3114720
    # published: 1,618,746, with 0.59999 of the longest edge and in single precision
    assert len(grid_to_mesh(points, mesh)) == pytest.approx(1618746, rel=1e-4)
