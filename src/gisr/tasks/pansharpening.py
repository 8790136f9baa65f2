"""Pansharpening: multispectral images guided by a panchromatic band."""

from collections.abc import Iterator

from gisr.tasks.sensors import SENSORS, UNKNOWN_SENSOR, listed_sensor
from gisr.tasks.task import HelpExample, PairFacts, Task


def _sentence(ratio: int, facts: PairFacts) -> str:
    sensor = listed_sensor(facts.sensor)
    maker = sensor if sensor.described else UNKNOWN_SENSOR
    return (
        f"Pansharpening of {maker.name} multispectral images guided by a panchromatic image at "
        f"ratio {ratio}"
    )


def _described() -> Iterator[PairFacts]:
    yield PairFacts()
    for sensor in SENSORS.values():
        if sensor.described:
            yield PairFacts(sensor=sensor.name)


PANSHARPENING = Task(
    name="pansharpening",
    title="Satellite",
    subject="satellite image",
    guide="panchromatic image",
    target_word="MS image",
    guide_word="PAN image",
    files="multispectral + panchromatic GeoTIFF",
    result="a GeoTIFF: same bands, type and metadata, on the guide's grid",
    grid="centre",
    paper_ratios=(4,),
    # Percentiles, not extremes: one glint or cloud must not set the contrast of a whole scene.
    target_percentiles=(1.0, 99.0),
    guide_percentiles=(1.0, 99.0),
    unit="digital numbers",
    metrics=("psnr", "sam", "ergas"),
    border=8,
    no_reference=True,
    interpolation="bicubic",
    registration="correlation",
    reduction="sensor",
    output_suffixes=(".tif", ".tiff"),
    spread_suffixes=(".tif", ".tiff"),
    file_endings=("ms", "mss", "mul", "multispectral", "xs", "pan", "panchromatic"),
    display="bands",
    turned=False,
    colour="#1b7f5c",
    steps="px",
    vocabulary={"sensors": tuple(sensor.name for sensor in SENSORS.values())},
    sentence=_sentence,
    described=_described,
    extra="geo",
    examples=(
        HelpExample("a satellite scene", "gisr upscale ms.tif pan.tif -o sharp.tif"),
        HelpExample(
            "a Landsat product as it was downloaded", "gisr upscale LC08_L1TP -o sharp.tif"
        ),
        HelpExample(
            "bands in files of their own",
            "gisr upscale --target red.tif green.tif nir.tif --guide pan.tif -o sharp.tif",
        ),
        HelpExample(
            "a scene's bands 3, 2 and 1, compressed, with 2 GB of memory",
            "gisr upscale ms.tif pan.tif -o rgb.tif -b 3 -b 2 -b 1 -co COMPRESS=ZSTD "
            "--max-memory 2GB",
        ),
        HelpExample(
            "an unlisted sensor of 12 bits, files that do not say what is no data",
            "gisr upscale ms.tif pan.tif -o sharp.tif --bits 12 --mtf 0.3 --nodata 0",
        ),
    ),
    blank=True,
    far_content=True,
    overshoot=1.0,
)
