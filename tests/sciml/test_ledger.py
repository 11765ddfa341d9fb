"""The account of memory and work: closed forms, and numbers beside no numbers."""

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional as F

from sciml.ledger import Ledger, hollow
from sciml.transformer import WindowTransformer
from sciml.transformer_config import WindowTransformerConfig


def test_a_linear_layer_by_hand():
    with FakeTensorMode(), Ledger() as ledger, torch.no_grad():
        x, weight = torch.empty(64, 32), torch.empty(16, 32)
        before = ledger.live
        y = F.linear(x, weight)
        assert before == 4 * (64 * 32 + 16 * 32)
        assert ledger.peak == ledger.live == before + 4 * 64 * 16
        assert ledger.flops == 2 * 64 * 32 * 16
        del y
        assert ledger.live == before


def test_views_take_nothing_and_in_place_operations_neither():
    with FakeTensorMode(), Ledger() as ledger:
        x = torch.empty(8, 8)
        size, moved = ledger.live, ledger.moved
        y = x.t()[2:].unsqueeze(0).expand(5, -1, -1)
        assert ledger.moved == moved
        x.add_(1)
        assert ledger.peak == size == 4 * 64
        assert ledger.moved == moved + 2 * size
        assert y.shape == (5, 6, 8)


def train(checkpoint: bool, fake: bool, precision: torch.dtype | None) -> Ledger:
    """One step of training, with numbers or without."""
    torch.manual_seed(0)
    config = WindowTransformerConfig(
        dim=16, depths=(3,), heads=(2,), window=(2, 4), drop_path=0.1, checkpoint=checkpoint
    )

    class Table(nn.Module):
        def __init__(self, shape: object) -> None:
            super().__init__()
            self.table = nn.Parameter(torch.zeros(1, 4, 2, 8, 8))

        def forward(self, geometry: object) -> torch.Tensor:
            return self.table

    model = WindowTransformer(config, (8, 16), (False, True), Table)

    def run(ledger: Ledger) -> Ledger:
        ledger.hold([*model.parameters(), *model.buffers()])
        optimizer = torch.optim.AdamW(model.parameters(), fused=True)
        x = torch.zeros(2, 8, 16, 16)
        with torch.autocast("cpu", precision, enabled=precision is not None):
            loss = model(x).square().mean()
        loss.backward()
        optimizer.step()
        return ledger

    if not fake:
        with Ledger() as ledger:
            return run(ledger)
    with FakeTensorMode(), Ledger() as ledger:
        hollow(model, "cpu")
        return run(ledger)


@pytest.mark.parametrize("checkpoint", [False, True])
@pytest.mark.parametrize("precision", [None, torch.bfloat16])
def test_without_numbers_is_as_with_them(checkpoint, precision):
    real = train(checkpoint, fake=False, precision=precision)
    fake = train(checkpoint, fake=True, precision=precision)
    assert fake.flops == real.flops > 0
    assert fake.peak == pytest.approx(real.peak, rel=0.02)  # a seed and a step count more
    assert fake.moved == pytest.approx(real.moved, rel=0.02)


def test_recomputed_activations_take_less_memory_and_more_work():
    whole, recomputed = (train(checkpoint, True, None) for checkpoint in (False, True))
    assert recomputed.peak < 0.7 * whole.peak
    assert recomputed.flops > 1.2 * whole.flops


def test_attention_is_counted():
    with FakeTensorMode(), Ledger() as ledger, torch.no_grad():
        q = torch.empty(3, 4, 50, 8)
        F.scaled_dot_product_attention(q, q, q, attn_mask=torch.empty(1, 4, 50, 50))
    assert ledger.flops == 2 * 2 * 3 * 4 * 50 * 50 * 8
