"""The command `weather`; each command lives in a file of its own and is imported when called."""

from cyclopts import App

from sciml.cli import OPTIONS, run, version

COMMANDS = {
    "simulate": "Simulate a dry atmosphere (Held-Suarez forcing) to train and test on.",
    "check": "Check analyses: units by value, levels, times, NaN, outliers.",
    "prepare": "Make a training store from analyses of any size, regridded, with statistics.",
    "pretrain": "Pre-train a model on fields without labels, to start train from.",
    "train": "Train a model on analyses.",
    "plan": "Show which time steps reach which lead times, and at what cost.",
    "forecast": "Forecast from an analysis with a trained model.",
    "downscale": "Downscale fields to twice the resolution with a trained model.",
    "export": "Write a trained model as one ONNX file, and compare it with the original.",
    "evaluate": "Score forecasts beside persistence, damped persistence and climatology.",
    "calibrate": "Find out how much the spread of an ensemble is to be scaled.",
    "track": "Find and follow tropical cyclones, and score them against best tracks.",
    "plot": "Draw maps, ensemble stamps, meteograms, probabilities, tracks and animations.",
    "explain": "Show what a forecast at a place depends on: region, level, variable.",
    "alarm": "Show where a forecast leaves the known range of the season.",
    "demo": "Simulate an atmosphere, train on it, forecast, evaluate and plot.",
}

app = App(
    name="weather",
    default_parameter=OPTIONS,
    version=version,
    help="Learned weather forecasts: train on analyses, forecast, evaluate and plot.",
)
for command, summary in COMMANDS.items():
    app.command(f"weather.commands.{command}:{command}", help=summary)


def main() -> None:
    """Run the command."""
    run(app)


if __name__ == "__main__":
    main()
