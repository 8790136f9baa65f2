"""Sensors: records and the many ways their names are written."""

import pytest

from gisr.errors import InputError
from gisr.tasks.sensors import SENSORS, UNKNOWN_SENSOR, find_sensor


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("QuickBird", "QuickBird"),
        ("quick bird", "QuickBird"),
        ("qb", "QuickBird"),
        ("wv-3", "WorldView-3"),
        ("WorldView 3", "WorldView-3"),
        ("GF2", "GaoFen-2"),
        ("Landsat-8 OLI (reflectance float)", "Landsat-8"),
        ("Landsat-7 ETM+", "Landsat-7"),
        ("GeoEye1", "GeoEye-1"),
        ("WV02", "WorldView-2"),
        ("WV03", "WorldView-3"),
        ("WV04", "WorldView-4"),
        ("GE01", "GeoEye-1"),
        ("QB02", "QuickBird"),
        ("IK02", "IKONOS"),
        ("PHR1A", "Pleiades"),
        ("PHR1B", "Pleiades"),
        ("Pléiades 1B", "Pleiades"),
        ("SPOT7", "SPOT-6"),
        ("LE07", "Landsat-7"),
        ("LC08", "Landsat-8"),
        ("LC09", "Landsat-8"),
        ("Landsat-9", "Landsat-8"),
        ("S2A", "Sentinel-2"),
        ("Sentinel-2B", "Sentinel-2"),
    ],
)
def test_names_are_found_however_written(written: str, name: str) -> None:
    assert find_sensor(written).name == name


def test_every_sensor_finds_itself_and_is_plausible() -> None:
    for key, sensor in SENSORS.items():
        assert find_sensor(key) is sensor
        assert find_sensor(sensor.name) is sensor
        assert sensor.key == key
        assert 0 < sensor.mtf_gain < 1
        assert sensor.ratio in (2, 4)
        assert sensor.bits is None or 8 <= sensor.bits <= 16


def test_no_name_is_the_unknown_sensor() -> None:
    assert find_sensor(None) is UNKNOWN_SENSOR
    assert UNKNOWN_SENSOR.mtf_gain == 0.30
    assert UNKNOWN_SENSOR.bits is None


@pytest.mark.parametrize("written", ["Sputnik", "", "(QuickBird)"])
def test_unknown_names_list_the_known_ones(written: str) -> None:
    with pytest.raises(InputError, match=r"unknown sensor.*QuickBird"):
        find_sensor(written)
