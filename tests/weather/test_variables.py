"""Names of fields, and a model's choice of them."""

import pytest

from weather.files.units import plain_unit
from weather.variables import KNOWN, Variables, canonical_name, describe, never_negative


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("2m_temperature", "t2m"),
        ("2t", "t2m"),
        ("10u", "u10"),
        ("geopotential", "z"),
        ("hgt", "z"),
        ("H", "z"),
        ("mean_sea_level_pressure", "msl"),
        ("prmsl", "msl"),
        ("ozone", "ozone"),
    ],
)
def test_aliases(alias, name):
    assert canonical_name(alias) == name


def test_no_alias_belongs_to_two_variables():
    aliases = [alias for v in KNOWN.values() for alias in (v.name, *v.aliases)]
    assert len(aliases) == len(set(aliases))


def test_a_field_on_one_level_is_known():
    z500 = describe("z500")
    assert z500.units == "m2 s-2"
    assert z500.standard_name == "geopotential"
    assert describe("u10").long_name == "10 metre eastward wind"
    assert describe("ozone") is None


@pytest.mark.parametrize(
    "spelling", ["m**2 s**-2", "m^2/s^2", "m2/s2", "m2 s-2", "m**2*s**-2", " m2.s-2"]
)
def test_units_that_mean_the_same(spelling):
    assert plain_unit(spelling) == "m2 s-2"


@pytest.mark.parametrize(
    ("name", "si", "spellings"),
    [
        ("w", "Pa s-1", ["Pascal/s", "Pa/s", "pascals second-1"]),
        ("q", "kg kg-1", ["kg/kg", "1", "kilogram/kilogram"]),
        ("q", "g kg-1", ["grams/kg", "g/kg", "g kg^-1", "g·kg⁻¹"]),
        ("t2m", "K", ["°K", "deg K", "Kelvins"]),
        ("t2m", "degC", ["degrees_C", "deg C", "degree_C", "degrees Celsius", "Celsius degrees"]),
        ("vo", "s-1", ["1/s", "/s", "1 / s", "s**-1", "s⁻¹"]),
        ("z", "m2 s-2", ["J kg-1", "J/kg", "m²·s⁻²"]),
        ("u10", "m s-1", ["m/sec", "m·s⁻¹", "metres per second", "meters second-1"]),
        ("lsm", "1", ["1", "(0 - 1)", "Numeric"]),
        ("tp", "mm day-1", ["mm/day", "mm day-1"]),
    ],
)  # fmt: skip
def test_units_of_a_field_as_centres_spell_them(name, si, spellings):
    assert {plain_unit(spelling, name) for spelling in spellings} == {si}


def test_channels_run_by_variable_then_level():
    variables = Variables(surface=("msl",), upper=("z", "t"), levels=(500, 850))
    assert variables.channels == ("msl", "z500", "z850", "t500", "t850")


def test_a_level_is_not_a_height_above_the_ground():
    variables = Variables(surface=("u10", "u100"), upper=("u",), levels=(10, 100, 1000))
    assert variables.channels == ("u10", "u100", "u10hPa", "u100hPa", "u1000")
    assert describe("u100").long_name == "100 metre eastward wind"
    assert describe("u100hPa").long_name == "Eastward wind at 100 hPa"


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"surface": ["t850"], "upper": ["t"], "levels": [850]}, "t850 is both a surface field"),
        ({}, "no variable"),
        ({"surface": ["msl", "msl"]}, "msl given twice"),
        ({"upper": ["z"]}, "upper and levels go together"),
        ({"upper": ["z"], "levels": [850, 500]}, "do not ascend"),
        ({"surface": ["msl"], "forcing": ["tide"]}, "forcing"),
    ],
)
def test_choices_that_cannot_be(choice, message):
    with pytest.raises(ValueError, match=message):
        Variables(**choice)


@pytest.mark.parametrize(("name", "never"), [("q", True), ("q700", True), ("t850", False)])
def test_what_is_never_negative_is_known_on_a_level_too(name, never):
    assert never_negative(name) == never
