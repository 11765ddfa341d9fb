"""The checkpoint of the best validation."""

from pathlib import Path
from typing import Any

from lightning.pytorch.callbacks import ModelCheckpoint


class BestCheckpoint(ModelCheckpoint):
    """Writes `best.ckpt` into the folder of the run, wherever that stands when it is resumed.

    Of a folder that was moved or copied Lightning forgets the best loss, so that the next
    weights are written over better ones.

    Args:
        run: the folder.
    """

    def __init__(self, run: Path) -> None:
        super().__init__(run, "best", monitor="valid/loss", enable_version_counter=False)

    @property
    def state_key(self) -> str:
        """Where checkpoints hold its state: as that of `ModelCheckpoint`, also in earlier ones."""
        return super().state_key.replace(type(self).__qualname__, ModelCheckpoint.__qualname__, 1)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with the files of this folder."""
        assert self.dirpath is not None
        folder = Path(self.dirpath)

        def here(path: str) -> str:
            return str(folder / Path(path).name) if path else path

        moved = {
            "dirpath": self.dirpath,
            "best_model_path": here(state_dict["best_model_path"]),
            "kth_best_model_path": here(state_dict["kth_best_model_path"]),
            "best_k_models": {here(k): v for k, v in state_dict["best_k_models"].items()},
        }
        super().load_state_dict(state_dict | moved)
