"""Microsoft's Aurora at width 96 on 32 x 64, 13 levels, 5 + 4 variables."""

from datetime import datetime

import stand_ins

stand_ins.hide_torchvision()

import torch
from aurora import Aurora, Batch, Metadata
from protocol import serve

torch.set_num_threads(1)
torch.manual_seed(0)
levels = (50, 100, 150, 200, 250, 300, 400, 500, 600, 700, 850, 925, 1000)
model = Aurora(
    embed_dim=96,
    encoder_depths=(2, 6, 2),
    encoder_num_heads=(3, 6, 12),
    decoder_depths=(2, 6, 2),
    decoder_num_heads=(12, 6, 3),
    num_heads=6,
    window_size=(2, 4, 8),
    patch_size=2,
    use_lora=False,
    max_history_size=1,
)
batch = Batch(
    surf_vars={name: torch.randn(1, 1, 32, 64) for name in ("2t", "10u", "10v", "msl")},
    static_vars={name: torch.randn(32, 64) for name in ("lsm", "z", "slt")},
    atmos_vars={name: torch.randn(1, 1, 13, 32, 64) for name in ("z", "u", "v", "t", "q")},
    metadata=Metadata(
        lat=torch.linspace(87.1875, -87.1875, 32),
        lon=torch.linspace(0, 360, 65)[:-1],
        time=(datetime(2020, 1, 1),),
        atmos_levels=levels,
    ),
)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)


def loss() -> torch.Tensor:
    """A loss that all outputs enter."""
    out = model(batch)
    fields = [*out.surf_vars.values(), *out.atmos_vars.values()]
    return sum(field.square().mean() for field in fields)


def train() -> None:
    """Forward, backward, update."""
    optimizer.zero_grad()
    loss().backward()
    optimizer.step()


def infer() -> None:
    """Forward."""
    with torch.inference_mode():
        model(batch)


serve(
    {
        "model": "Aurora, width 96, patch 2, depths 2-6-2",
        "parameters": sum(p.numel() for p in model.parameters()),
        "samples": 1,
    },
    {"train": train, "infer": infer},
)
