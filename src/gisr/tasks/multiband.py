"""Multiband: coarse bands sharpened by finer bands of the same sensor, Sentinel-2's for example."""

from collections.abc import Iterator

from gisr.tasks.sensors import SENSORS, listed_sensor
from gisr.tasks.task import HelpExample, PairFacts, Task

_DESCRIBED = ("Sentinel-2", "Landsat-7", "Landsat-8", "ASTER", "MODIS")
"""Sensors with bands of several resolutions that the descriptions name."""


def _sentence(ratio: int, facts: PairFacts) -> str:
    sensor = listed_sensor(facts.sensor).name
    maker = sensor if sensor in _DESCRIBED else "multispectral"
    return (
        f"Sharpening of coarse {maker} bands guided by finer bands of the same sensor at ratio "
        f"{ratio}"
    )


def _described() -> Iterator[PairFacts]:
    yield PairFacts()
    for sensor in _DESCRIBED:
        yield PairFacts(sensor=sensor)


MULTIBAND = Task(
    name="multiband",
    title="Bands",
    subject="multiband image",
    guide="image of fine bands",
    target_word="image of coarse bands",
    guide_word="image of fine bands",
    files="coarse bands + finer bands of the same sensor, GeoTIFF",
    result="a GeoTIFF: the coarse bands, their type and metadata, on the grid of the fine ones",
    grid="centre",
    paper_ratios=(2,),
    target_percentiles=(1.0, 99.0),
    guide_percentiles=(1.0, 99.0),
    unit="digital numbers",
    metrics=("psnr", "rmse", "sam", "ergas"),
    border=8,
    no_reference=False,
    interpolation="bicubic",
    registration="correlation",
    reduction="sensor",
    output_suffixes=(".tif", ".tiff"),
    spread_suffixes=(".tif", ".tiff"),
    file_endings=("20m", "60m", "swir", "coarse", "10m", "fine"),
    display="bands",
    turned=False,
    colour="#5f6b12",
    steps="px",
    vocabulary={"sensors": tuple(sensor.name for sensor in SENSORS.values())},
    sentence=_sentence,
    described=_described,
    extra="geo",
    examples=(
        HelpExample(
            "six bands of Sentinel-2 at 20 m, by four at 10 m",
            "gisr upscale bands_20m.tif bands_10m.tif -o bands_sharp.tif --sensor Sentinel-2",
        ),
        HelpExample(
            "a Sentinel-2 product, all ten bands at 10 m, without clouds",
            "gisr upscale S2B_MSIL2A.SAFE -o ten.tif --mask-out cloud --mask-out shadow",
        ),
        HelpExample(
            "two files of four bands or fewer each, which may be anything",
            "gisr upscale swir.tif visible.tif -o swir_sharp.tif --task multiband",
        ),
    ),
    guide_bands=True,
    blank=True,
    far_content=True,
    overshoot=1.0,
)
