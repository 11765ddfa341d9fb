"""The graph network on the Earth: grid to icosahedral multi-mesh and back (GraphCast)."""

import math

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from sciml.graph import Edges, GraphNetwork, GraphNetworkConfig
from sciml.layers import MLP, activation_layer, width_before
from weather.grid import LatLonGrid
from weather.models.channels import NamedInputs, NamedOutputs, side_by_side
from weather.models.fields import Inputs, Widths
from weather.models.halo import with_halo
from weather.models.mesh import (
    Index,
    Mesh,
    Points,
    edge_features,
    grid_points,
    grid_to_mesh,
    mesh_to_grid,
    multi_mesh,
    node_features,
    restrict,
)


class GraphConfig(GraphNetworkConfig):
    """A `GraphNetwork` on a multi-mesh.

    Attributes:
        refinements: of the icosahedron, 10 * 4^refinements + 2 nodes. Without any, cells in
            the middle of its triangles would speak to no node.
        halo: null embeds each cell by an MLP and reads it out by one (GraphCast); a number
            embeds it and that many cells around it by a linear map, and reads it out by one.
            Gradients in space then reach the grid's own nodes, and most of a short step
            need not pass through the mesh.
    """

    refinements: int = Field(3, ge=1, le=7)
    halo: int | None = Field(None, ge=0)


class GridGraph(nn.Module):
    """Fields to grid nodes, a `GraphNetwork` by way of the mesh, grid nodes to fields.

    Levels and history are folded into channels. A regional grid uses the mesh nodes
    around it.

    Args:
        config: see `GraphConfig`.
        widths: channels of each variable.
        grid: latitudes and longitudes.
        condition: length of a vector that the changes depend on; None for none.
    """

    def __init__(
        self, config: GraphConfig, widths: Widths, grid: LatLonGrid, condition: int | None = None
    ) -> None:
        super().__init__()
        self.shape, self.levels = grid.shape, widths.levels
        self.halo, self.periodic = config.halo or 0, grid.periodic
        points = grid_points(grid)
        mesh = multi_mesh(config.refinements)
        mesh = mesh if grid.periodic else restrict(mesh, points)
        self._register("process", mesh.edges, mesh.nodes, mesh.nodes, mesh)
        self._register("encode", grid_to_mesh(points, mesh), points, mesh.nodes, mesh)
        self._register("decode", mesh_to_grid(points, mesh), mesh.nodes, points, mesh)
        self.register_buffer("mesh_nodes", _float(node_features(mesh.nodes)), persistent=False)
        hidden = config.hidden or config.dim
        linear = config.halo is not None
        width = config.dim if linear else width_before(config.activation, hidden)
        kernel = [1 + 2 * self.halo] * 2 if linear else []
        fan_in = math.prod(kernel) * sum(widths.inputs.values())
        self.surface = NamedInputs(width, widths.surface, fan_in, kernel)
        self.extra = NamedInputs(width, widths.extra, fan_in, kernel)
        self.upper = NamedInputs(width, widths.upper_with_levels, fan_in, kernel)
        self.extra_upper = NamedInputs(width, widths.extra_upper_with_levels, fan_in, kernel)
        self.bias = nn.Parameter(torch.zeros(width))
        activation = activation_layer(config.activation)
        self.embed: nn.Module = nn.Identity()
        self.read: nn.Module = nn.Identity()
        if not linear:
            norm = nn.LayerNorm(config.dim)
            self.embed = nn.Sequential(activation, nn.Linear(hidden, config.dim), norm)
            self.read = nn.Sequential(nn.Linear(config.dim, width), activation)
        self.embed_mesh = MLP(3, hidden, config.dim, config.activation, norm=True)
        self.network = GraphNetwork(config, process=4, encode=4, decode=4, condition=condition)
        outputs = dict.fromkeys(widths.surface, 1)
        features = config.dim if linear else hidden
        self.head = NamedOutputs(features, outputs | dict.fromkeys(widths.upper, widths.levels))
        self.outputs = (len(widths.surface), len(widths.upper))

    def forward(self, inputs: Inputs, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Normalized inputs, and (batch, condition), to normalized changes.

        Returns:
            Surface (batch, variable, lat, lon) and upper air
            (batch, variable, level, lat, lon).
        """
        fields = torch.cat([inputs.surface, inputs.extra, inputs.upper.flatten(1, 2)], dim=1)
        nodes = self.embed(self._features(fields))  # (node, batch, dim)
        latent = self.embed_mesh(self.mesh_nodes).unsqueeze(1).expand(-1, nodes.shape[1], -1)
        edges = [self._edges(name) for name in ("process", "encode", "decode")]
        nodes = self.network(nodes, *edges, latent, condition)
        values = self.head(self.read(nodes)).permute(1, 2, 0).unflatten(2, self.shape)
        surface, upper = self.outputs
        return values[:, :surface], values[:, surface:].unflatten(1, (upper, self.levels))

    def _register(
        self, name: str, edges: Index, senders: Points, receivers: Points, mesh: Mesh
    ) -> None:
        """Keep edges as buffers that follow from the configuration and are not saved."""
        edges = edges[np.argsort(edges[:, 1], kind="stable")]
        features = edge_features(senders[edges[:, 0]], receivers[edges[:, 1]], mesh.longest)
        self.register_buffer(f"{name}_index", torch.from_numpy(edges.T.copy()), persistent=False)
        self.register_buffer(f"{name}_features", _float(features), persistent=False)

    def _features(self, fields: Tensor) -> Tensor:
        """(batch, channel, lat, lon) to the first features (node, batch, feature)."""
        weight = side_by_side(self.surface, self.extra, self.upper, self.extra_upper)
        if not self.halo:
            nodes = fields.flatten(2).permute(2, 0, 1).contiguous()
            return F.linear(nodes, weight.flatten(1), self.bias)
        fields = with_halo(fields, self.halo, self.periodic)
        return F.conv2d(fields, weight, self.bias).flatten(2).permute(2, 0, 1)

    def _edges(self, name: str) -> Edges:
        senders, receivers = getattr(self, f"{name}_index")
        return Edges(senders, receivers, getattr(self, f"{name}_features"))


def _float(values: Points) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))
