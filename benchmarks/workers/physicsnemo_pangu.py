"""NVIDIA PhysicsNeMo's Pangu at width 96 on 32 x 64, 13 levels, 5 + 4 variables."""

import stand_ins

stand_ins.hide_torchvision()

import torch
from physicsnemo.models.pangu import Pangu
from protocol import serve

torch.set_num_threads(1)
torch.manual_seed(0)
model = Pangu(img_size=(32, 64), patch_size=(2, 2, 2), embed_dim=96, window_size=(2, 4, 8))
fields = torch.randn(1, 4 + 3 + 5 * 13, 32, 64)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)


def train() -> None:
    """Forward, backward, update."""
    optimizer.zero_grad()
    sum(y.square().mean() for y in model(fields)).backward()
    optimizer.step()


def infer() -> None:
    """Forward."""
    with torch.inference_mode():
        model(fields)


serve(
    {
        "model": "Pangu, width 96, patch (2, 2, 2)",
        "parameters": sum(p.numel() for p in model.parameters()),
        "samples": 1,
    },
    {"train": train, "infer": infer},
)
