"""Stamps, probabilities, meteograms, films and tracks: what they hold, and what they refuse."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from sciml.errors import InputError
from weather.cli import app
from weather.files.forecasts import open_forecast
from weather.files.units import KNOT
from weather.maps import animation
from weather.maps.animation import save_animation
from weather.maps.meteogram import around, draw_meteogram, speed_or_field, usual_fields
from weather.maps.probability import draw_probability, probability
from weather.maps.select import select_forecast, select_initial, select_member
from weather.maps.stamps import draw_stamps
from weather.maps.threshold import Threshold

HOUR = np.timedelta64(1, "h").astype("timedelta64[ns]")
MEMBERS = 5


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Members whose wind is 4, 8, ... 20 m/s everywhere, and whose t2m grows eastward."""
    lat, lon = np.linspace(60, -60, 13), np.arange(0.0, 360.0, 10.0)
    shape = (1, 4, MEMBERS, len(lat), len(lon))
    speed = 4.0 * np.arange(1, MEMBERS + 1)[:, None, None] * np.ones(shape)
    warmth = 273.15 + lon / 10 + 0 * speed
    axes = ("time", "lead_time", "member", "latitude", "longitude")
    path = tmp_path_factory.mktemp("ensemble") / "f.nc"
    xr.Dataset(
        {
            "u10": (axes, 0.6 * speed, {"units": "m s-1"}),
            "v10": (axes, 0.8 * speed, {"units": "m s-1"}),
            "t2m": (axes, warmth, {"units": "K"}),
        },
        {"time": [np.datetime64("2001-03-01", "ns")], "lead_time": np.arange(1, 5) * 6 * HOUR,
         "member": np.arange(MEMBERS), "latitude": lat, "longitude": lon},
    ).to_netcdf(path)  # fmt: skip
    return path


@pytest.fixture
def one(file: Path) -> xr.Dataset:
    return select_forecast(open_forecast(file), None, 24 * HOUR)


@pytest.mark.parametrize(
    ("text", "per_cent"),
    [("wind10 > 10 m/s", 60), ("wind10 >= 12 m/s", 60), ("wind10 < 8 kt", 20),
     (f"wind10>{14 / KNOT:.3f}", 40), ("u10 < 100", 100)],
)  # fmt: skip
def test_probability_is_the_share_of_members(one: xr.Dataset, text: str, per_cent: float) -> None:
    np.testing.assert_allclose(probability(one, Threshold.parse(text)), per_cent)


def test_a_map_without_any_probability_says_so(one: xr.Dataset) -> None:
    said = [
        [text.get_text() for text in draw_probability(one, threshold).axes[0].texts]
        for threshold in ("wind10 > 200 kt", "wind10 > 10 m/s")
    ]
    assert said == [["below 5 % everywhere"], []]


def test_thresholds_in_other_units(one: xr.Dataset) -> None:
    east = one["lon"].values
    for text in ("t2m < 9.95", "t2m < 9.95 C", "t2m < 283.1 K"):
        found = probability(one, Threshold.parse(text))[0]
        np.testing.assert_array_equal(found, np.where(east / 10 < 9.95, 100, 0))
    with pytest.raises(InputError, match="t2m in 'hPa'; expected °C or K"):
        probability(one, Threshold.parse("t2m < 3 hPa"))
    with pytest.raises(InputError, match="cannot read the threshold"):
        Threshold.parse("wind10 above 3")
    title = draw_probability(one, "wind10 > 34 kt").axes[0].get_title(loc="left")
    assert title.startswith("Probability of 10 m wind speed > 34 kt, 5 members\nInit 2001-03-01 00")


def test_stamps_show_every_member_and_the_mean(one: xr.Dataset) -> None:
    figure = draw_stamps(one, "wind10")
    figure.canvas.draw()
    titles = [axes.get_title(loc="left") for axes in figure.axes if axes.get_visible()]
    assert [t for t in titles if t] == ["mean", *(f"member {i}" for i in range(MEMBERS))]
    with pytest.raises(InputError, match="stamps need an ensemble"):
        draw_stamps(select_member(one, None))


def test_members_are_chosen(one: xr.Dataset) -> None:
    assert float(select_member(one, 3)["u10"].mean()) == pytest.approx(0.6 * 16)
    with pytest.raises(InputError, match="no member 7; the file has 0 to 4"):
        select_member(one, 7)


def test_a_meteogram_interpolates(file: Path) -> None:
    series = select_initial(open_forecast(file), None)
    warmth, unit = speed_or_field(series, "t2m", 3.0, 114.0)
    assert unit == "°C"
    np.testing.assert_allclose(warmth, 11.4, atol=1e-4)
    speed, unit = speed_or_field(series, "wind10", 3.0, -4.0)
    assert unit == "kt"
    np.testing.assert_allclose(speed[0], 4 * np.arange(1, 6) / KNOT, rtol=1e-5)
    assert usual_fields(["u10", "v10", "t2m"]) == ["t2m", "wind10"]
    figure = draw_meteogram(series, 3.0, 114.0)
    figure.canvas.draw()
    assert [axes.get_ylabel() for axes in figure.axes] == ["°C", "kt"]
    area = series.sel(lon=slice(20, 60))
    with pytest.raises(InputError, match=r"3.0 N, 114.0 E lies outside the data"):
        draw_meteogram(area, 3.0, 114.0)


def test_beside_a_pole_a_meteogram_shows_the_row_next_to_it(file: Path) -> None:
    series = select_initial(open_forecast(file), None)
    globe = series.assign_coords(lat=np.linspace(86, -86, 13))
    for pole, row in ((89.9, 86), (90, 86), (-88, -86)):
        for name in ("t2m", "wind10"):
            beside, _ = speed_or_field(around(globe, pole, 114.0), name, pole, 114.0)
            at_row, _ = speed_or_field(around(globe, row, 114.0), name, row, 114.0)
            np.testing.assert_array_equal(beside, at_row)
        draw_meteogram(globe, pole, 114.0).canvas.draw()
    with pytest.raises(InputError, match=r"90.5 N, 114.0 E lies outside the data"):
        draw_meteogram(globe, 90.5, 114.0)


def test_a_meteogram_outside_a_band_is_refused(file: Path) -> None:
    band = select_initial(open_forecast(file), None)  # 60 N to 60 S
    draw_meteogram(band, 60, 10)
    for lat in (61.0, -64.0, 90.0):
        with pytest.raises(InputError, match="lies outside the data"):
            draw_meteogram(band, lat, 10)


def test_a_meteogram_without_a_value_is_refused(file: Path) -> None:
    sea = select_initial(open_forecast(file), None).load()
    for name in ("t2m", "wind10"):
        masked = sea.where(sea["lon"] > 40)
        with pytest.raises(InputError, match=r"has no value at 3.0 N, 20.0 E"):
            draw_meteogram(masked, 3.0, 20.0, [name])


def test_a_film_as_mp4_can_be_read_back(file: Path, tmp_path: Path) -> None:
    ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="the extra `maps` is not installed")
    alone = select_member(select_initial(open_forecast(file), None), 2)
    save_animation(alone, tmp_path / "film.mp4", "wind10")
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]
    reading = [ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-i", "film.mp4", "%d.png"]
    subprocess.run(reading, cwd=tmp_path, check=True)
    frames = [np.asarray(Image.open(path), int) for path in sorted(tmp_path.glob("*.png"))]
    assert len(frames) == 4
    assert abs(frames[0] - frames[-1]).max() > 50  # each has its own valid time in the title
    assert 0.02 < (frames[0] > 250).mean() < 0.98  # margins are white, the wind is not


def test_no_film_without_ffmpeg(
    one: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(animation, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match=r"needs the program ffmpeg.*write a \.gif"):
        save_animation(select_member(one, 2), tmp_path / "film.mp4")


def test_commands(file: Path, tmp_path: Path) -> None:
    def plot(out: str, *more: str) -> Path:
        app(["plot", str(file), "--out", str(tmp_path / out), *more], result_action="return_value")
        return tmp_path / out

    with Image.open(plot("film.gif", "--kind", "animation", "--product", "wind10")) as film:
        assert film.n_frames == 4
    for name, options in {
        "s.png": "--kind stamps --lead 24h --product t2m",
        "p.png": "--kind probability --threshold wind10>20",
        "m.png": "--kind meteogram --point -30 -60.5",
        "r.png": "--extent -170 160 -30 20 --member 2 --product wind10",
    }.items():
        assert plot(name, *options.split()).stat().st_size > 5000
    for options, message in {
        "--kind meteogram": "a meteogram needs a place",
        "--kind probability": "a probability needs --threshold",
        "--point 3 4": "--point belongs to --kind meteogram, not to map",
        "--kind animation": "expected a name that ends in .gif or .mp4",
        "--kind stamps --product t2m u10": "--kind stamps shows one",
        "--region europe --extent 0 1 0 1": "give one",
        "--kind tracks": "is no table of tracks",
    }.items():
        with pytest.raises(InputError, match=message):
            plot("x.png", *options.split())
    assert not (tmp_path / "x.png").exists()
