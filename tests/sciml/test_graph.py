"""Laws of the graph network, in float64."""

import pytest
import torch
from torch import Tensor

from sciml.graph import Edges, GraphNetwork, GraphNetworkConfig, gather_sum


def random_edges(count: int, senders: int, receivers: int, features: int) -> Edges:
    return Edges(
        torch.randint(0, senders, (count,)),
        torch.randint(0, receivers, (count,)).sort().values,
        torch.randn(count, features, dtype=torch.float64),
    )


@pytest.fixture(params=[True, False], ids=["edge_state", "no_edge_state"])
def config(request: pytest.FixtureRequest) -> GraphNetworkConfig:
    torch.manual_seed(0)
    return GraphNetworkConfig(dim=8, steps=3, edge_state=request.param)


def test_numbering_of_nodes_and_order_of_edges_do_not_matter(config: GraphNetworkConfig) -> None:
    model = GraphNetwork(config, 3).double()
    edges, x = random_edges(40, 9, 9, 3), torch.randn(9, 8, dtype=torch.float64)
    order, place = torch.randperm(9), torch.randperm(40)
    number = order.argsort()
    moved = Edges(
        number[edges.senders][place], number[edges.receivers][place], edges.features[place]
    )
    torch.testing.assert_close(model(x[order], moved), model(x, edges)[order], rtol=0, atol=1e-10)


def test_messages_go_as_far_as_there_are_steps(config: GraphNetworkConfig) -> None:
    """On a chain 0 -> 1 -> ... three steps reach node 3 from node 0, and no further."""
    model = GraphNetwork(config, 2).double()
    chain = Edges(torch.arange(5), torch.arange(1, 6), torch.randn(5, 2, dtype=torch.float64))
    x = torch.randn(6, 8, dtype=torch.float64, requires_grad=True)
    model(x, chain)[3].square().sum().backward()
    assert x.grad is not None
    assert (x.grad.abs().sum(1) > 0).tolist() == [True] * 4 + [False] * 2
    x.grad = None
    model(x, chain)[4].square().sum().backward()
    assert not x.grad[0].any()


def test_first_linear_layer_acts_on_the_concatenation(config: GraphNetworkConfig) -> None:
    """The three products summed after the gather are one product of [e, x_s, x_r]."""
    step = GraphNetwork(config, 3).double().process[0]
    edges = random_edges(20, 6, 6, 8)
    x = torch.randn(6, 8, dtype=torch.float64)
    weight = torch.cat(
        [step.from_edge.weight, step.from_sender.weight, step.from_receiver.weight], 1
    )
    inputs = torch.cat([edges.features, x[edges.senders], x[edges.receivers]], 1)
    hidden = step.activation(inputs @ weight.T + step.from_edge.bias)
    if config.edge_state:
        message = step.norm_message(step.message(hidden))
        total = torch.stack([message[edges.receivers == i].sum(0) for i in range(6)])
    else:
        total = torch.stack([hidden[edges.receivers == i].sum(0) for i in range(6)])
        total = step.norm_message(step.message(total))
    expected = x + step.node(torch.cat([x, total], 1))
    torch.testing.assert_close(step(x, x, edges)[0], expected, rtol=0, atol=1e-12)


def test_batched_nodes_equal_single_ones_and_gradients_stay_apart(
    config: GraphNetworkConfig,
) -> None:
    model = GraphNetwork(config, 3, 4, 5).double()
    process, encode, decode = (
        random_edges(30, 6, 6, 3),
        random_edges(40, 20, 6, 4),
        random_edges(60, 6, 20, 5),
    )
    x = torch.randn(20, 3, 8, dtype=torch.float64, requires_grad=True)
    latent = torch.randn(6, 1, 8, dtype=torch.float64)

    def forward(nodes: Tensor) -> Tensor:
        return model(nodes, process, encode, decode, latent.expand(-1, nodes.shape[1], -1))

    y = forward(x)
    assert y.shape == x.shape
    torch.testing.assert_close(y[:, 1:2], forward(x[:, 1:2]), rtol=0, atol=1e-12)
    (gradient,) = torch.autograd.grad(y[:, 1].square().sum(), x)
    assert not gradient[:, [0, 2]].any()
    assert gradient[:, 1].any()


def test_mean_divides_by_the_number_of_messages() -> None:
    """Twice the same edges change a sum, not a mean."""
    torch.manual_seed(0)
    x, edges = torch.randn(6, 8, dtype=torch.float64), random_edges(20, 6, 6, 3)
    twice = Edges(edges.senders.repeat(2), edges.receivers.repeat(2), edges.features.repeat(2, 1))
    for aggregate, same in (("mean", True), ("sum", False)):
        model = GraphNetwork(GraphNetworkConfig(dim=8, steps=2, aggregate=aggregate), 3).double()
        assert torch.allclose(model(x, edges), model(x, twice), rtol=0, atol=1e-10) is same


def test_checkpointing_changes_no_gradient(config: GraphNetworkConfig) -> None:
    edges, x = random_edges(20, 6, 6, 3), torch.randn(6, 8, dtype=torch.float64)
    gradients = []
    for checkpoint in (False, True):
        torch.manual_seed(1)
        model = GraphNetwork(config.model_copy(update={"checkpoint": checkpoint}), 3).double()
        model(x, edges).square().sum().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-12, atol=1e-12)


def test_checkpointing_keeps_nothing_of_the_edges(config: GraphNetworkConfig) -> None:
    """Also of those to and from the latent nodes, which are most on the Earth's grid."""
    process, encode, decode = (
        random_edges(many, senders, receivers, 3)
        for many, senders, receivers in ((300, 6, 6), (2000, 20, 6), (2000, 6, 20))
    )
    x, latent = (torch.randn(number, 1, 8, dtype=torch.float64) for number in (20, 6))
    gradients, most = [], []
    for checkpoint in (False, True):
        torch.manual_seed(1)
        made = config.model_copy(update={"checkpoint": checkpoint})
        model = GraphNetwork(made, 3, 3, 3).double()
        rows = []

        def keep(tensor: Tensor, rows: list[int] = rows) -> Tensor:
            rows.append(tensor.shape[0] if tensor.ndim > 2 else 0)
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            loss = model(x, process, encode, decode, latent).square().sum()
        loss.backward()
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
        most.append(max(rows))
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-12, atol=1e-12)
    assert most[0] >= 2000 > most[1]


def test_sums_are_float32_under_bfloat16() -> None:
    values = torch.ones(4096, 2, dtype=torch.bfloat16)
    total = gather_sum(values, torch.zeros(4096, dtype=torch.long), 3)
    assert total.dtype == torch.float32
    assert total.tolist() == [[4096.0, 4096.0], [0.0, 0.0], [0.0, 0.0]]


def test_a_graph_without_edges() -> None:
    model = GraphNetwork(GraphNetworkConfig(dim=8, steps=2), 3)
    none = Edges(
        torch.empty(0, dtype=torch.long), torch.empty(0, dtype=torch.long), torch.empty(0, 3)
    )
    assert model(torch.randn(1, 8), none).isfinite().all()


def test_encode_without_decode_is_refused() -> None:
    with pytest.raises(ValueError, match="go together"):
        GraphNetwork(GraphNetworkConfig(), 3, encode=4)


@pytest.mark.parametrize("edges", [40, 0])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_edges_meet_their_ends_without_gradients_as_with(edges: int, dtype: torch.dtype) -> None:
    kinds, nodes, dim = 5, 12, 8
    made = Edges(
        torch.randint(nodes, (edges,)), torch.randint(nodes, (edges,)).sort().values,
        torch.empty(0), torch.randint(kinds, (edges,)),
    )  # fmt: skip
    parts = [torch.randn(size, dim, dtype=dtype) for size in (kinds, nodes, nodes)]
    expected = made.meet(*parts)
    rounded = (
        {"rtol": 2e-2, "atol": 2e-2} if dtype == torch.bfloat16 else {"rtol": None, "atol": None}
    )
    with torch.inference_mode():
        torch.testing.assert_close(made.meet(*parts), expected, **rounded)
