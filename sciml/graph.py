"""The second backbone: message passing on a graph, encode, process, decode.

On grid -> icosahedral mesh -> grid it is GraphCast's; on the bonds of molecules, with
nothing to encode or decode, it is chemprop's class. It knows neither: the domain gives
nodes, edges and their features.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Literal, TypeVar, cast

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from sciml.config import Config
from sciml.layers import MLP, Activation, Modulation, activation_layer, width_before

T = TypeVar("T")


@dataclass(frozen=True)
class Edges:
    """Directed edges from senders to receivers.

    Attributes:
        senders, receivers: (edge,) int64 node numbers; sums are fastest with
            receivers in ascending order.
        features: (edge, ..., feature); broadcasts over the trailing axes of the nodes.
        kinds: (edge,) int64; where many edges are alike, `features` are those of each kind
            and `kinds` says which an edge is of. None where each edge has its own.
    """

    senders: Tensor
    receivers: Tensor
    features: Tensor
    kinds: Tensor | None = None

    def to(self, device: torch.device | str) -> "Edges":
        """The same edges on another device."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(self, **{k: v.to(device) for k, v in values.items() if v is not None})

    def of_each(self, features: Tensor) -> Tensor:
        """What follows from `features`, for every edge."""
        return features if self.kinds is None else features.index_select(0, self.kinds)

    def meet(self, features: Tensor, senders: Tensor, receivers: Tensor) -> Tensor:
        """(edge, ..., dim), the sum of what follows from each edge, its sender and its receiver.

        Without gradients one pass over memory, of edges of kinds between single nodes: gathered
        one after the other, the three take a third of a molecule's time.

        Args:
            features: (edge, ..., dim), or (kind, dim) where there are kinds.
            senders, receivers: (node, ..., dim).
        """
        if self.kinds is None or senders.ndim > 2 or torch.is_grad_enabled():
            by_ends = senders.index_select(0, self.senders) + receivers.index_select(
                0, self.receivers
            )
            return self.of_each(features) + by_ends
        table = torch.cat([features, senders, receivers])
        first = len(features)
        rows = [self.kinds, self.senders + first, self.receivers + first + len(senders)]
        return F.embedding_bag(torch.stack(rows, dim=1), table, mode="sum")


class GraphNetworkConfig(Config):
    """Configuration of a `GraphNetwork`.

    Attributes:
        dim: channels of nodes and edges.
        steps: message-passing steps of the processor, each with its own weights.
        hidden: hidden channels of every MLP; default `dim`.
        activation: of every MLP and message; `bilinear` makes hidden channels products.
        edge_state: edges carry a state that every step updates (GraphCast). Without,
            activations are summed before the second linear map, which then acts on
            nodes: about half the work.
        aggregate: how a node combines its messages.
        dropout: rate, on the update of nodes.
        checkpoint: recompute activations in the backward pass to save memory.
    """

    kind: Literal["graph_network"] = "graph_network"
    dim: int = Field(128, gt=0)
    steps: int = Field(4, ge=1)
    hidden: int | None = None
    activation: Activation = "silu"
    edge_state: bool = True
    aggregate: Literal["sum", "mean"] = "sum"
    dropout: float = Field(0.0, ge=0, lt=1)
    checkpoint: bool = False


class GraphNetwork(nn.Module):
    """Message passing that keeps the shape of its nodes (Battaglia et al. 2018; GraphCast).

    Args:
        config: see `GraphNetworkConfig`.
        process: features of the processor's edges.
        encode, decode: features of the edges from the nodes to the latent nodes and
            back; None where the processor works on the nodes themselves.
        condition: length of a vector that every step depends on; None for none.
    """

    def __init__(
        self,
        config: GraphNetworkConfig,
        process: int,
        encode: int | None = None,
        decode: int | None = None,
        condition: int | None = None,
    ) -> None:
        super().__init__()
        if (encode is None) != (decode is None):
            raise ValueError("encode and decode go together; give both or neither")
        hidden = config.hidden or config.dim
        self.checkpoint, self.edge_state = config.checkpoint, config.edge_state
        self.embed_process = MLP(process, hidden, config.dim, config.activation, norm=True)
        self.process = nn.ModuleList(Interaction(config, condition) for _ in range(config.steps))
        self.bipartite = encode is not None and decode is not None
        if encode is not None and decode is not None:
            self.embed_encode = MLP(encode, hidden, config.dim, config.activation, norm=True)
            self.embed_decode = MLP(decode, hidden, config.dim, config.activation, norm=True)
            self.encode = Interaction(config, condition)
            self.decode = Interaction(config, condition)
            self.update_nodes = MLP(config.dim, hidden, config.dim, config.activation, norm=True)

    def forward(
        self,
        nodes: Tensor,
        process: Edges,
        encode: Edges | None = None,
        decode: Edges | None = None,
        latent: Tensor | None = None,
        condition: Tensor | None = None,
    ) -> Tensor:
        """Pass messages.

        Args:
            nodes: (node, ..., dim).
            process: edges among the latent nodes, or among the nodes themselves.
            encode: edges from nodes (senders) to latent nodes (receivers).
            decode: edges from latent nodes (senders) to nodes (receivers).
            latent: (latent node, ..., dim), initial state of the latent nodes.
            condition: (..., condition), of a model that depends on one; its axes are the
                nodes' between the first and the last.

        Returns:
            (node, ..., dim).
        """
        if not self.bipartite:
            return self._process(nodes, process, condition)
        if encode is None or decode is None or latent is None:
            raise ValueError("this network encodes and decodes; give encode, decode and latent")
        latent = self._lightly(self._encode, nodes, latent, encode, condition)
        nodes = nodes + self._lightly(self.update_nodes, nodes)
        latent = self._process(latent, process, condition)
        return self._lightly(self._decode, latent, nodes, decode, condition)

    def _encode(
        self, nodes: Tensor, latent: Tensor, encode: Edges, condition: Tensor | None
    ) -> Tensor:
        edges = _embed(self.embed_encode, encode, nodes)
        latent, _ = self.encode(nodes, latent, edges, condition)
        return latent

    def _decode(
        self, latent: Tensor, nodes: Tensor, decode: Edges, condition: Tensor | None
    ) -> Tensor:
        edges = _embed(self.embed_decode, decode, nodes)
        nodes, _ = self.decode(latent, nodes, edges, condition)
        return nodes

    def _process(self, nodes: Tensor, process: Edges, condition: Tensor | None) -> Tensor:
        edges = _embed(self.embed_process, process, nodes)
        if self.edge_state:  # from the first step on each edge has a state of its own
            edges = replace(edges, features=edges.of_each(edges.features), kinds=None)
        for step in self.process:
            nodes, edges = self._lightly(step, nodes, nodes, edges, condition)
        return nodes

    def _lightly(self, part: Callable[..., T], *inputs: object) -> T:
        """What a part makes of its inputs, which alone a backward pass keeps if so configured."""
        if self.checkpoint and self.training:
            return cast("T", checkpoint(part, *inputs, use_reentrant=False))
        return part(*inputs)


class Interaction(nn.Module):
    """One step: edges from their ends, receivers from the sum of their edges, both residual.

    h_e = act(A e + B x_sender + C x_receiver)
    with an edge state:  m_e = LN(W h_e);  t_r = sum of m_e;  e' = e + m_e
    without:             t_r = LN(W sum of h_e)
    x_r' = x_r + MLP([x_r, t_r])

    The first is GraphCast's (supplement, section 3), the second of GIN's kind (Xu et al.
    2019). B and C act on the nodes before they are gathered: the same numbers for fewer
    operations, as there are fewer nodes than edges. A condition scales and shifts what each
    norm gives (Price et al. 2024, GenCast, conditions its norms on the noise level).
    """

    def __init__(self, config: GraphNetworkConfig, condition: int | None = None) -> None:
        super().__init__()
        dim, hidden = config.dim, config.hidden or config.dim
        self.edge_state, self.mean = config.edge_state, config.aggregate == "mean"
        width = width_before(config.activation, hidden)
        self.from_edge = nn.Linear(dim, width)
        self.from_sender = nn.Linear(dim, width, bias=False)
        self.from_receiver = nn.Linear(dim, width, bias=False)
        self.activation = activation_layer(config.activation)
        self.message = nn.Linear(hidden, dim, bias=self.edge_state)
        self.norm_message = nn.LayerNorm(dim)
        self.node = MLP(2 * dim, hidden, dim, config.activation, norm=True)
        self.dropout = nn.Dropout(config.dropout)
        self.modulation = None if condition is None else Modulation(condition, dim, 4)

    def forward(
        self, senders: Tensor, receivers: Tensor, edges: Edges, condition: Tensor | None = None
    ) -> tuple[Tensor, Edges]:
        """Update receivers and edges.

        Args:
            senders: (sender, ..., dim).
            receivers: (receiver, ..., dim); may be the senders themselves.
            edges: features (edge, ..., dim).
            condition: (..., condition), see `GraphNetwork.forward`.

        Returns:
            The receivers (receiver, ..., dim) and the edges, updated.
        """
        for_message, for_node = self._changes(condition)
        hidden = edges.meet(
            self.from_edge(edges.features), self.from_sender(senders), self.from_receiver(receivers)
        )
        if self.edge_state:
            message = self.norm_message(self.message(self.activation(hidden)))
            message = _changed(message, for_message)
            total = self._gather(message, edges, receivers)
            edges = replace(edges, features=edges.features + message)
        else:
            total = self._gather(self.activation(hidden), edges, receivers)
            total = _changed(self.norm_message(self.message(total)), for_message)
        update = _changed(self.node(torch.cat([receivers, total], dim=-1)), for_node)
        return receivers + self.dropout(update), edges

    def _changes(self, condition: Tensor | None) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Scale and shift of messages, and of nodes; none without a condition."""
        if self.modulation is None:
            return (), ()
        if condition is None:
            raise ValueError("this network depends on a condition; give one")
        changes = self.modulation(condition)
        return changes[:2], changes[2:]

    def _gather(self, values: Tensor, edges: Edges, receivers: Tensor) -> Tensor:
        total = gather_sum(values, edges.receivers, receivers.shape[0])
        if self.mean:
            total = total / _degree(edges.receivers, total)
        return total.to(receivers.dtype)


def _changed(values: Tensor, changes: tuple[Tensor, ...]) -> Tensor:
    if not changes:
        return values
    scale, shift = changes
    return values * (1 + scale) + shift


def gather_sum(values: Tensor, index: Tensor, size: int) -> Tensor:
    """Sum rows that share an index, in float32 or better.

    Args:
        values: (row, ...).
        index: (row,) int64 in [0, size).

    Returns:
        (size, ...).
    """
    wide = values if values.dtype == torch.float64 else values.float()
    return wide.new_zeros(size, *values.shape[1:]).index_add_(0, index, wide)


def _degree(receivers: Tensor, like: Tensor) -> Tensor:
    ones = torch.ones_like(receivers, dtype=like.dtype)
    count = like.new_zeros(like.shape[0]).scatter_add_(0, receivers, ones).clamp(min=1)
    return count.view(-1, *[1] * (like.ndim - 1))


def _embed(embed: nn.Module, edges: Edges, nodes: Tensor) -> Edges:
    """Embed edge features, with axes of size one where the nodes have a batch."""
    features = embed(edges.features)
    missing = nodes.ndim - features.ndim
    shape = (features.shape[0], *[1] * missing, *features.shape[1:])
    return replace(edges, features=features.view(shape))
