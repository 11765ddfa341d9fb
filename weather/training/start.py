"""Start from a trained model: its weights, and all of the data that is not theirs."""

from sciml.errors import InputError
from sciml.model_file import read_header
from sciml.transfer import TransferConfig, transfer
from weather.models.model import WeatherModel

_OF_THE_DATA = ("static.", "masks.")


def start_from(model: WeatherModel, config: TransferConfig, kind: str) -> None:
    """Take a trained model's weights and statistics.

    Static fields and masks stay those of the data, and so do the usual changes where the
    trained model's time step is another.

    Args:
        model: that knows statistics, static fields and masks of the data; changed in place.
        config: checkpoint and patterns.
        kind: the kind that the checkpoint must hold.

    Raises:
        InputError: as `transfer`, or statistics of other levels.
    """
    made = read_header(config.checkpoint)["config"]
    own = {name: value.clone() for name, value in model.state_dict().items()}
    transfer(model, config, kind)
    given, wanted = made["variables"]["levels"], list(model.variables.levels)
    upper = [f"statistics.{name}.mean" for name in model.variables.upper]
    if given != wanted and not all(map(config.starts_anew, upper)):
        raise InputError(
            f"{config.checkpoint} was trained on {_told(given)}, and the data have "
            f"{_told(wanted)}: choose the same levels in data.variables, or name the statistics "
            'of all upper-air variables in transfer.anew, as "statistics.z.*"'
        )
    other_step = _seconds(made.get("step_hours", [])) != model.steps
    kept = {
        name: value
        for name, value in own.items()
        if name.startswith(_OF_THE_DATA) or (other_step and name.endswith(".change"))
    }
    model.load_state_dict(kept, strict=False)


def _seconds(hours: float | list[float]) -> tuple[int, ...]:
    several = hours if isinstance(hours, list) else [hours]
    return tuple(round(step * 3600) for step in several)


def _told(levels: list[float]) -> str:
    return ", ".join(f"{level:g}" for level in levels) + " hPa"
