"""What a pre-training tells its user at the end, on the terminal."""

from pathlib import Path

from rich.console import Console

from molecules.pretraining.experiment import Pretrained


def show_pretraining(result: Pretrained, run: Path, console: Console) -> None:
    """What was learned from, and how to go on."""
    console.print(
        f"Pre-trained on {result.molecules} molecules for {result.fit.epochs} epochs in "
        f"{result.fit.seconds:.0f} s; validation loss {result.fit.best_loss:.4g}."
    )
    if result.left_out:
        why = ", ".join(f"{count} {reason}" for reason, count in result.left_out.most_common())
        console.print(f"Left out, as they cannot be written: {why}.")
    if result.latent:
        used = result.latent
        console.print(
            f"Of {used.molecules} held-out molecules {used.reconstruction:.1%} come back the "
            f"same from latent space; {used.active} of {used.latent} channels are used."
        )
        console.print(f"Next: molecules generate {run / 'generator.safetensors'}", soft_wrap=True)
        return
    model = run / "model.safetensors"
    config = {"graph_network": "finetune_graph", "window_transformer": "finetune"}[result.backbone]
    console.print(
        f"Next: molecules train TABLE --config {config} --transfer.checkpoint {model}",
        soft_wrap=True,
    )
