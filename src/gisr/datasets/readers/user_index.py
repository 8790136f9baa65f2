"""``pairs.csv``, the index of a user's own pairs: its columns."""

from gisr.io.table import Column
from gisr.tasks import SATELLITE, TaskName

_MRI: tuple[TaskName, ...] = ("mri",)
_DEPTH: tuple[TaskName, ...] = ("depth",)

COLUMNS: dict[str, Column] = {
    "name": Column("name of the pair, unique, without slashes", needed=True),
    "task": Column("`pansharpening`, `multiband`, `mri` or `depth`", needed=True),
    "split": Column("`train`, `val`, `test` or `research`", needed=True),
    "guide": Column("file of the guide", needed=True),
    "truth": Column("file of the full resolution; needed without a target and in training"),
    "target": Column("file that is reduced already; empty where it is made from the truth"),
    "ratio": Column("guide pixels a target pixel, a whole number", with_target=True),
    "group": Column("what must stay in one split: the subject, the scene, the orbit"),
    "open": Column("`yes` if weights trained on it may be given away; else `no` or empty"),
    "sensor": Column("sensor, as `gisr tasks` lists them", tasks=SATELLITE),
    "bits": Column("significant bits of a sample; PSNR refers to them", tasks=SATELLITE),
    "guide_offset_y": Column(
        "rows by which the guide is off, in its pixels", tasks=SATELLITE, with_target=False
    ),
    "guide_offset_x": Column(
        "columns by which the guide is off, in its pixels", tasks=SATELLITE, with_target=False
    ),
    "contrast": Column(
        "contrast of the truth: `T1`, `T1ce`, `T2`, `FLAIR`, `PD`", tasks=_MRI, with_target=False
    ),
    "guide_contrast": Column("contrast of the guide", tasks=_MRI, with_target=False),
    "first_slice": Column("first slice that counts, from 0, along the last axis", tasks=_MRI),
    "last_slice": Column("last slice that counts", tasks=_MRI),
    "scale": Column("what stored depth is divided by; 1 when empty", tasks=_DEPTH),
    "invalid": Column("stored depth that means unknown; 0 when empty", tasks=_DEPTH),
    "unit": Column("unit of the depth, for tables: `m`, `px`", tasks=_DEPTH, with_target=False),
    "peak": Column("value range that PSNR refers to", with_target=True),
}
"""The columns of the index by name."""
