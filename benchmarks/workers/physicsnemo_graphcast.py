"""NVIDIA PhysicsNeMo's GraphCastNet at width 96 on 32 x 64, mesh M3, 69 fields."""

import stand_ins

stand_ins.hide_torchvision()
stand_ins.sum_with_torch_geometric()

import torch
from physicsnemo.models.graphcast.graph_cast_net import GraphCastNet
from protocol import serve

torch.set_num_threads(1)
torch.manual_seed(0)
model = GraphCastNet(
    mesh_level=3,
    input_res=(32, 64),
    input_dim_grid_nodes=76,
    output_dim_grid_nodes=69,
    processor_layers=8,
    hidden_dim=96,
    do_concat_trick=True,
)
fields = torch.randn(1, 76, 32, 64)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)


def train() -> None:
    """Forward, backward, update."""
    optimizer.zero_grad()
    model(fields).square().mean().backward()
    optimizer.step()


def infer() -> None:
    """Forward."""
    with torch.inference_mode():
        model(fields)


serve(
    {
        "model": "GraphCastNet, width 96, mesh M3, 8 steps, concat trick",
        "parameters": sum(p.numel() for p in model.parameters()),
        "samples": 1,
    },
    {"train": train, "infer": infer},
)
