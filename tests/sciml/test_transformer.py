"""Laws of the window transformer, in float64."""

import itertools
import math

import pytest
import torch
from torch import Tensor, nn

from sciml.errors import InputError
from sciml.layers import MLP
from sciml.local import LocalMixing
from sciml.resolution import Merge, Split
from sciml.transformer import WindowTransformer
from sciml.transformer_config import BlockShape, WindowTransformerConfig
from sciml.windows import Windows


class Table(nn.Module):
    """A bias of its own for each window of the bounded axes."""

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        windows = math.prod(
            n for n, closed in zip(shape.windows, shape.periodic, strict=True) if not closed
        )
        tokens = math.prod(n or 0 for n in shape.window)
        self.table = nn.Parameter(torch.randn(1, windows, shape.heads, tokens, tokens))

    def forward(self, geometry: object) -> Tensor:
        return self.table


class Pairwise(nn.Module):
    """Takes the geometry itself as the bias."""

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()

    def forward(self, geometry: Tensor) -> Tensor:
        return geometry


FLAT = WindowTransformerConfig(dim=8, depths=(3,), heads=(2,), window=(2, 3, 4))
DEEP = WindowTransformerConfig(
    dim=8, depths=(2, 2, 2, 2), heads=(2, 4, 4, 2), window=(2, 3, 4), merge=(1, 2, 2), norm="post"
)
LOCAL = FLAT.model_copy(update={"local": 3, "activation": "bilinear"})
SIZE = (5, 10, 16)  # neither levels nor latitudes are whole windows


def build(config: WindowTransformerConfig) -> WindowTransformer:
    torch.manual_seed(0)
    return WindowTransformer(config, SIZE, (False, False, True), Table).double().eval()


@pytest.mark.parametrize(("config", "step"), [(FLAT, 4), (DEEP, 8), (LOCAL, 4)])
def test_rolling_by_a_window_rolls_the_output(config: WindowTransformerConfig, step: int) -> None:
    model, x = build(config), torch.randn(2, *SIZE, 8, dtype=torch.float64)
    assert torch.equal(model(x.roll(step, 3)), model(x).roll(step, 3))


@pytest.mark.parametrize("config", [FLAT, DEEP, LOCAL])
def test_alone_equals_in_a_batch_and_gradients_stay_apart(config: WindowTransformerConfig) -> None:
    model = build(config)
    x = torch.randn(3, *SIZE, 8, dtype=torch.float64, requires_grad=True)
    y = model(x)
    torch.testing.assert_close(y[1:2], model(x[1:2]), rtol=0, atol=1e-12)
    (gradient,) = torch.autograd.grad(y[1].square().sum(), x)
    assert gradient[1].abs().min() > 0
    assert not gradient[[0, 2]].any()


def test_no_token_attends_across_the_poles() -> None:
    """With one shifted block, the first and the last latitude share a window, not a token."""
    config = WindowTransformerConfig(dim=8, depths=(2,), heads=(2,), window=(1, 4, 4))
    model = WindowTransformer(config, (1, 8, 8), (False, False, True), Table).double().eval()
    shifted = model.stages[0].blocks[1]
    windows, mask = model.stages[0]._partition(1, torch.zeros(1, 1, 8, 8, 8))
    x = torch.randn(1, 1, 8, 8, 8, dtype=torch.float64, requires_grad=True)
    y = shifted(x, windows, mask, None, None)
    (gradient,) = torch.autograd.grad(y[0, 0, 0].square().sum(), x)
    reached = gradient.abs().sum((0, 1, 3, 4)) > 0  # by latitude
    assert reached.tolist() == [True, True] + [False] * 6


def test_local_mixing_is_the_sum_over_neighbours() -> None:
    """By the formula, around the globe in longitude and with zeros beyond the other ends."""
    mixing = LocalMixing(3, 3, (False, True)).double()
    torch.nn.init.normal_(mixing.bias)
    x = torch.randn(2, 4, 6, 3, dtype=torch.float64)
    expected = x + mixing.bias
    for row, column in itertools.product((-1, 0, 1), repeat=2):
        neighbours = torch.zeros_like(x)
        inside = slice(max(0, -row), 4 - max(0, row))
        neighbours[:, inside] = x.roll((-row, -column), (1, 2))[:, inside]
        expected = expected + mixing.weight[:, 0, 1 + row, 1 + column] * neighbours
    torch.testing.assert_close(mixing(x), expected, rtol=0, atol=1e-12)


def test_a_bilinear_mlp_is_homogeneous_of_degree_two() -> None:
    """Without its constants: products of two linear maps, such as an advection."""
    mlp = MLP(3, 5, 2, "bilinear").double()
    torch.nn.init.zeros_(mlp[0].bias)
    torch.nn.init.zeros_(mlp[2].bias)
    x = torch.randn(7, 3, dtype=torch.float64)
    torch.testing.assert_close(mlp(-3 * x), 9 * mlp(x), rtol=1e-12, atol=1e-12)


def test_hidden_tokens_change_nothing() -> None:
    config = WindowTransformerConfig(dim=8, depths=(3,), heads=(2,))
    model = WindowTransformer(config, (None,), (False,), Pairwise).double().eval()
    x, bias = torch.randn(2, 5, 8).double(), torch.randn(2, 1, 2, 5, 5).double()
    padded, padded_bias = torch.randn(2, 9, 8).double(), torch.randn(2, 1, 2, 9, 9).double()
    padded[:, :5], padded_bias[..., :5, :5] = x, bias
    valid = torch.arange(9).expand(2, 9) < 5
    everything = torch.ones(2, 5, dtype=torch.bool)
    torch.testing.assert_close(
        model(padded, valid, padded_bias)[:, :5], model(x, everything, bias), rtol=0, atol=1e-12
    )


def test_checkpointing_changes_no_gradient() -> None:
    x = torch.randn(1, *SIZE, 8, dtype=torch.float64)
    gradients = []
    for checkpoint in (False, True):
        model = build(DEEP.model_copy(update={"checkpoint": checkpoint})).train()
        model(x).square().sum().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-12, atol=1e-12)


def test_attention_is_softmax_of_the_logits_and_the_bias() -> None:
    """One window, one head, by the formula."""
    config = WindowTransformerConfig(dim=4, depths=(1,), heads=(1,))
    model = WindowTransformer(config, (3,), (False,), Table).double().eval()
    block = model.stages[0].blocks[0]
    x = torch.randn(1, 3, 4, dtype=torch.float64)
    q, k, v = block.attention.qkv(block.norm_attention(x))[0].split(4, dim=-1)
    weights = torch.softmax(q @ k.T / 2 + block.bias.table[0, 0, 0], dim=-1)
    y = x + block.attention.out(weights @ v)
    torch.testing.assert_close(model(x), y + block.mlp(block.norm_mlp(y)), rtol=0, atol=1e-12)


@pytest.mark.parametrize("shift", [(0, 0, 0), (1, 1, 2)])
def test_join_undoes_split(shift: tuple[int, int, int]) -> None:
    windows = Windows(SIZE, (2, 3, 4), (False, False, True), shift)
    x = torch.randn(2, *SIZE, 7)
    assert windows.split(x).shape == (2 * 4, 3 * 4, 24, 7)
    assert torch.equal(windows.join(windows.split(x)), x)


def test_masks_depend_on_bounded_axes_only_and_are_not_saved() -> None:
    windows = Windows((8, 186, 360), (2, 6, 12), (False, False, True), (1, 3, 6))
    mask = windows.mask()
    assert mask is not None
    assert mask.shape == (124, 144, 144)
    assert not any("mask" in name for name in build(DEEP).state_dict())
    assert Windows((8, 6, 12), (2, 3, 4), (False, False, True), (0, 0, 2)).mask() is None


def test_split_and_merge_have_the_shapes_of_each_other() -> None:
    x = torch.randn(2, 3, 5, 8, 6)
    merged = Merge(6, (1, 2, 2))(x)
    assert merged.shape == (2, 3, 3, 4, 12)
    assert Split(6, (1, 2, 2))(merged, x.shape[1:-1]).shape == x.shape


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"depths": (2, 2, 2), "heads": (2, 2, 2), "merge": (1, 2, 2)}, "four, six"),
        ({"depths": (2, 2), "heads": (2, 2), "merge": (1, 2, 2)}, "four, six"),
        ({"depths": (2,), "heads": (2, 2)}, "one per stage"),
        ({"dim": 9, "depths": (2,), "heads": (2,)}, "do not divide"),
        ({"local": 4}, "odd number"),
    ],
)
def test_bad_configurations(fields: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WindowTransformerConfig(**fields)


def test_a_periodic_axis_must_be_whole_windows() -> None:
    config = WindowTransformerConfig(dim=8, depths=(2,), heads=(2,), window=(2, 3, 5))
    with pytest.raises(InputError, match="16 tokens is not a whole number of windows of 5"):
        WindowTransformer(config, SIZE, (False, False, True), Table)


def test_a_periodic_axis_merges_without_a_seam() -> None:
    config = DEEP.model_copy(update={"window": (2, 3, 1)})
    size = (8, 6, 15)
    with pytest.raises(InputError, match="15 tokens does not merge by 2 without a seam"):
        WindowTransformer(config, size, (False, False, True), Table)
    WindowTransformer(config, size, (False, False, False), Table)  # there is an end anyway
