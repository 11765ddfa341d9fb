"""chemprop's D-MPNN with its defaults, on batches of 64 molecules of the NCI set."""

import torch
from chemprop import data, featurizers, models, nn
from molecules_input import nci_smiles
from protocol import serve

BATCH = 64

torch.set_num_threads(1)
torch.manual_seed(0)
smiles = nci_smiles()[: 8 * BATCH]
points = [data.MoleculeDatapoint.from_smi(s, y=[0.0]) for s in smiles]
dataset = data.MoleculeDataset(points, featurizers.SimpleMoleculeMolGraphFeaturizer())
dataset.cache = True
batches = list(data.build_dataloader(dataset, batch_size=BATCH, shuffle=False))
model = models.MPNN(nn.BondMessagePassing(), nn.NormAggregation(), nn.RegressionFFN())
optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)


def train() -> None:
    """One pass of forward, backward and update over the prepared batches."""
    model.train()
    for batch in batches:
        optimizer.zero_grad()
        model(batch.bmg).square().mean().backward()
        optimizer.step()


def infer() -> None:
    """One forward pass over the prepared batches."""
    model.eval()
    with torch.inference_mode():
        for batch in batches:
            model(batch.bmg)


serve(
    {
        "model": "chemprop D-MPNN, defaults",
        "parameters": sum(p.numel() for p in model.parameters()),
        "samples": len(smiles),
    },
    {"train": train, "infer": infer},
)
