"""Names of fields, and a model's choice of them."""

import pytest

from weather.files.units import plain_unit
from weather.variables import KNOWN, Variables, canonical_name, describe


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


def test_channels_run_by_variable_then_level():
    variables = Variables(surface=("msl",), upper=("z", "t"), levels=(500, 850))
    assert variables.channels == ("msl", "z500", "z850", "t500", "t850")


@pytest.mark.parametrize(
    ("choice", "message"),
    [
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
