"""What counts as a tropical cyclone, and how far one may move between two fields."""

from sciml.config import Config


class Criteria(Config):
    """Thresholds; a check whose fields are not in the file is left out, and that is said.

    Sources: TE, TempestExtremes as tuned on ERA5 (Ullrich et al. 2021, Geosci. Model Dev.
    14, 5023, section 3.1; Zarzycki and Ullrich 2017, Geophys. Res. Lett. 44, 1141); V97,
    the criteria of ECMWF's seasonal storms (Vitart et al. 1997, J. Climate 10, 745).
    Where none is named the value is our own choice.

    Attributes:
        pressure_rise: Pa by which sea level pressure rises in every direction (TE).
        pressure_radius: degrees within which it does (TE).
        vorticity: s-1, cyclonic, within `core_radius` of the centre (V97: 3.5e-5 at 850 hPa).
        core_radius: degrees; greatest wind and vorticity are looked for within it (TE: 2
            for the wind), or within one and a half cells on a coarser grid.
        warm_core_fall: K by which the mean temperature of 500..200 hPa falls in every
            direction (V97).
        warm_core_radius: degrees within which it does (V97).
        warm_core_offset: degrees that the warm core may lie off the centre (V97: 2).
        thickness_fall: m2 s-2 by which the 500-300 hPa thickness falls (TE: 58.8, 6 m).
        thickness_radius: degrees within which it does (TE).
        wind: m s-1, greatest near the centre (TE: 10), if a warm core is checked or the
            centre is one of pressure.
        wind_unchecked: likewise, where there is nothing but wind (V97: 17).
        height: m, the ground under the centre lies lower (TE: 15; here on the coarser
            mountains of a forecast model, and the centre lies over the sea).
        latitude: degrees from the equator (TE), if a warm core is checked.
        latitude_unchecked: likewise, if none can be.
        separation: degrees; of centres closer to one another the deepest is kept (TE).
        duration_hours: for how long a storm meets all this, or the whole of a shorter file.
            V97 has 2 days; on GFS 10 m winds of July 2026 (1 degree, 201 fixes of gale
            force) 48 h found 161 of them without a false alarm, 24 h 184 with one.
        after_hours: for how long a storm that is no longer tropical is followed.
        gap_hours: for how long a storm may be lost (TE).
        speed: m s-1 by which a storm may stray from where it is expected.
        first_speed: m s-1 that it may have moved while nothing is known of its motion.
    """

    pressure_rise: float = 200.0
    pressure_radius: float = 5.5
    vorticity: float = 3.5e-5
    core_radius: float = 2.0
    warm_core_fall: float = 0.5
    warm_core_radius: float = 8.0
    warm_core_offset: float = 2.0
    thickness_fall: float = 58.8
    thickness_radius: float = 6.5
    wind: float = 10.0
    wind_unchecked: float = 17.0
    height: float = 150.0
    latitude: float = 50.0
    latitude_unchecked: float = 30.0
    separation: float = 6.0
    duration_hours: float = 24.0
    after_hours: float = 48.0
    gap_hours: float = 24.0
    speed: float = 8.0
    first_speed: float = 15.0


class TrackConfig(Config):
    """What `weather track` takes from options with a dot, such as `--criteria.wind 12`."""

    criteria: Criteria = Criteria()
