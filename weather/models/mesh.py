"""The icosahedral multi-mesh and its edges to and from a latitude-longitude grid.

Lam et al. 2023, GraphCast, supplement section 3: an icosahedron refined k times, with the
edges of all refinements on the nodes of the finest. Positions are unit vectors, in
float64.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, cKDTree

from weather.grid import LatLonGrid

Points = NDArray[np.float64]
Index = NDArray[np.int64]

RADIUS = 0.6  # of the longest finest edge: grid cells within it speak to a mesh node


@dataclass(frozen=True)
class Mesh:
    """Nodes on the unit sphere and the edges of all refinements, both ways.

    Attributes:
        nodes: (node, 3) unit vectors.
        edges: (edge, 2) sender and receiver.
        faces: (face, 3) of the finest refinement.
        longest: chord length of the longest edge of the finest refinement.
    """

    nodes: Points
    edges: Index
    faces: Index
    longest: float


def multi_mesh(refinements: int) -> Mesh:
    """The mesh M0..M`refinements`: 10 * 4^k + 2 nodes, 20 * (4^(k+1) - 1) edges."""
    nodes, faces = _icosahedron()
    edges = [_edges(faces)]
    for _ in range(refinements):
        nodes, faces = _refine(nodes, faces)
        edges.append(_edges(faces))
    longest = float(np.linalg.norm(nodes[edges[-1][:, 0]] - nodes[edges[-1][:, 1]], axis=1).max())
    return Mesh(nodes, np.concatenate(edges), faces, longest)


def grid_points(grid: LatLonGrid) -> Points:
    """(lat * lon, 3) unit vectors of the cells, latitude by latitude."""
    lat, lon = np.radians(grid.lat)[:, None], np.radians(grid.lon)[None, :]
    points = np.stack(
        [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat) + 0 * lon], axis=-1
    )
    return points.reshape(-1, 3)


def grid_to_mesh(points: Points, mesh: Mesh) -> Index:
    """(edge, 2) cell and mesh node, for cells within `RADIUS` of a node.

    Every cell has a node: no point of a triangle is further from its nearest corner than
    1 / sqrt(3) of the longest side.
    """
    near = cKDTree(mesh.nodes).query_ball_point(points, RADIUS * mesh.longest)
    counts = np.array([len(nodes) for nodes in near])
    cells = np.repeat(np.arange(len(points)), counts)
    return np.stack([cells, np.fromiter(itertools.chain.from_iterable(near), np.int64)], axis=1)


def mesh_to_grid(points: Points, mesh: Mesh) -> Index:
    """(edge, 2) mesh node and cell: the corners of the triangle that contains the cell."""
    faces = mesh.faces[_containing_face(points, mesh)]
    cells = np.repeat(np.arange(len(points)), 3)
    return np.stack([faces.reshape(-1), cells], axis=1)


def restrict(mesh: Mesh, points: Points) -> Mesh:
    """The part of the mesh that speaks with the cells of a region, and its faces."""
    used = np.union1d(grid_to_mesh(points, mesh)[:, 1], mesh_to_grid(points, mesh)[:, 0])
    number = np.full(len(mesh.nodes), -1)
    number[used] = np.arange(len(used))
    edges, faces = number[mesh.edges], number[mesh.faces]
    return Mesh(
        mesh.nodes[used],
        edges[(edges >= 0).all(axis=1)],
        faces[(faces >= 0).all(axis=1)],
        mesh.longest,
    )


def edge_features(senders: Points, receivers: Points, longest: float) -> Points:
    """Length and direction of edges, as seen from the receiver.

    The globe is turned so that the receiver lies at latitude and longitude zero.

    Args:
        senders, receivers: (edge, 3) unit vectors of the ends.
        longest: length that counts as one.

    Returns:
        (edge, 4) chord length and relative position (up, east, north).
    """
    up = receivers
    east = np.stack([-up[:, 1], up[:, 0], np.zeros(len(up))], axis=1)
    length = np.linalg.norm(east, axis=1, keepdims=True)
    at_pole = length < 1e-12
    east = np.where(at_pole, [0.0, 1.0, 0.0], east / np.where(at_pole, 1, length))
    north = np.cross(up, east)
    difference = senders - receivers
    frame = np.stack([up, east, north], axis=1)  # (edge, direction, 3)
    relative = np.einsum("edx,ex->ed", frame, difference)
    distance = np.linalg.norm(difference, axis=1, keepdims=True)
    return np.concatenate([distance, relative], axis=1) / longest


def node_features(nodes: Points) -> Points:
    """(node, 3): cosine of latitude, sine and cosine of longitude."""
    radius = np.hypot(nodes[:, 0], nodes[:, 1])
    lon = np.arctan2(nodes[:, 1], nodes[:, 0])
    return np.stack([radius, np.sin(lon), np.cos(lon)], axis=1)


def _icosahedron() -> tuple[Points, Index]:
    """Twelve nodes and twenty faces, turned so that a face is level at each pole.

    Without the turn nodes and edges would fall on the symmetry planes of the grid.
    """
    phi = (1 + 5**0.5) / 2
    corners = [(a, b * phi, 0.0) for a in (1, -1) for b in (1, -1)]
    nodes = np.array([np.roll(corner, k) for corner in corners for k in range(3)])
    nodes /= np.linalg.norm(nodes, axis=1, keepdims=True)
    angle = (np.pi - 2 * np.arcsin(phi / 3**0.5)) / 2
    turn = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    nodes = nodes @ turn
    return nodes, ConvexHull(nodes).simplices.astype(np.int64)


def _refine(nodes: Points, faces: Index) -> tuple[Points, Index]:
    """Each triangle into four, with the middles of its edges on the sphere; old nodes first."""
    sides = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    unique, inverse = np.unique(sides, axis=0, return_inverse=True)
    middles = nodes[unique].sum(axis=1)
    middles /= np.linalg.norm(middles, axis=1, keepdims=True)
    a, b, c = faces.T
    ab, bc, ca = (inverse.reshape(-1, 3) + len(nodes)).T
    children = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    return np.concatenate([nodes, middles]), np.concatenate([np.stack(c, 1) for c in children])


def _edges(faces: Index) -> Index:
    """(edge, 2) sides of the faces, each in both directions, once."""
    sides = faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    return np.unique(np.concatenate([sides, sides[:, ::-1]]), axis=0)


def _containing_face(points: Points, mesh: Mesh, candidates: int = 12) -> Index:
    """(point,) face that the line from the centre through a point meets.

    Among the faces with the nearest centres, the one whose three sides the point is
    most inside of.
    """
    corners = mesh.nodes[mesh.faces]  # (face, corner, 3)
    centres = corners.mean(axis=1)
    candidates = min(candidates, len(centres))
    _, near = cKDTree(centres / np.linalg.norm(centres, axis=1, keepdims=True)).query(
        points, candidates
    )
    sides = np.cross(corners, np.roll(corners, -1, axis=1))
    sides *= np.sign(np.einsum("fcx,fx->fc", sides, centres))[..., None]
    inside = np.einsum("pkcx,px->pkc", sides[near], points).min(axis=-1)
    return near[np.arange(len(points)), inside.argmax(axis=1)]
