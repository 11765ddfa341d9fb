"""The command `weather calibrate`."""

from pathlib import Path
from typing import Annotated

from sciml.cli import SEVERAL


def calibrate(
    forecasts: list[Path],
    /,
    *,
    truth: Annotated[list[str], SEVERAL],
    out: Path,
) -> None:
    """Find out how much the spread of an ensemble is to be scaled.

    For each field and lead time, the factor by which members must lie further from their mean, or
    nearer to it, for the spread of past forecasts to be as large as their error. New forecasts
    take it with `weather forecast --calibration FILE`, from the same model, perturbed alike.

    Args:
        forecasts: Past forecasts of `weather forecast --members`, at dates that the model did not
            learn from: some twenty, from days apart, of all lead times that matter.
        truth: Analyses at their valid times: NetCDF, GRIB or Zarr. They are checked as `weather
            check` does: units by value, impossible values.
        out: File to write, .json.
    """
    from rich.console import Console

    from sciml.cli import counted, note
    from sciml.files import require_suffix, require_writable
    from sciml.wording import count
    from weather.files.forecasts import open_forecast
    from weather.files.reanalysis import open_reanalysis
    from weather.verification.calibrate import few_cases, fit_calibration, remark, spread_table
    from weather.verification.checked import checked
    from weather.verification.sample import check_truth

    require_suffix(out, ".json")
    require_writable(out)
    past, analyses = open_forecast(forecasts), open_reanalysis(truth)
    check_truth(past, analyses)
    valid = slice(past["valid_time"].min(), past["valid_time"].max())
    analyses = checked("truth", analyses, past, note, valid)
    with counted("comparing, fields") as on_field:
        found = fit_calibration(past, analyses, on_field)
    found.save(out)
    console = Console(soft_wrap=True, highlight=False)
    console.print(spread_table(found))
    for said in filter(None, (few_cases(found), remark(found))):
        console.print(said)
    console.print(
        f"wrote {out}, from {count(found.cases, 'forecast')} of {past.sizes['member']} members"
    )
