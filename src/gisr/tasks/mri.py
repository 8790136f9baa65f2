"""MR: images guided by another contrast of the same subject."""

from collections.abc import Iterator
from typing import get_args

from gisr.tasks.contrasts import CONTRAST_TOKENS, Contrast, find_contrast
from gisr.tasks.task import HelpExample, PairFacts, Task


def _sentence(ratio: int, facts: PairFacts) -> str:
    """Name both contrasts; of one that guides itself (thick slices by a fine volume) only one.

    No sentence of the weights' table has one contrast twice.
    """
    contrast, other = (
        None if name is None else find_contrast(name)
        for name in (facts.contrast, facts.guide_contrast)
    )
    guide = "another contrast" if other in (None, contrast) else f"{other} MR image"
    subject = contrast or "an"
    return f"Super-resolution of {subject} MR image guided by {guide} at ratio {ratio}"


def _described() -> Iterator[PairFacts]:
    contrasts = (None, *get_args(Contrast))
    for contrast in contrasts:
        for guide in contrasts:
            if contrast is None or contrast != guide:
                yield PairFacts(contrast=contrast, guide_contrast=guide)


MRI = Task(
    name="mri",
    title="MR",
    subject="MR volume",
    guide="MR volume of another contrast",
    target_word="target",
    guide_word="guide",
    files="NIfTI volume or DICOM series + another one in another contrast",
    result="a NIfTI volume with the guide's voxels and affine",
    grid="kspace",
    paper_ratios=(2, 4, 8),
    # The background of an MR image is zero and its brightest voxels are vessels or fat.
    target_percentiles=(0.0, 99.9),
    guide_percentiles=(0.0, 99.9),
    unit="signal",
    metrics=("psnr", "ssim_wang"),
    border=0,
    no_reference=False,
    interpolation="zero-filled",
    registration="mutual information",
    reduction="bicubic",
    output_suffixes=(".nii", ".nii.gz", ".png"),
    spread_suffixes=(".nii", ".nii.gz"),
    file_endings=tuple(CONTRAST_TOKENS),
    display="grey",
    turned=True,
    volumes=True,
    colour="#3b5bdb",
    steps="slices",
    vocabulary={"contrasts": get_args(Contrast)},
    sentence=_sentence,
    described=_described,
    extra="mri",
    examples=(
        HelpExample(
            "an MR volume, its contrasts read from the names",
            "gisr upscale sub-01_T2w.nii.gz sub-01_T1w.nii.gz -o sub-01_T2w_sharp.nii.gz",
        ),
        HelpExample(
            "names that do not tell, slices 3 mm thick with gaps between them",
            "gisr upscale low.nii.gz high.nii.gz -o sharp.nii.gz --contrast FLAIR "
            "--guide-contrast T1 --thickness 3",
        ),
        HelpExample("a DICOM series", "gisr upscale t2_series t1.nii.gz -o t2_sharp.nii.gz"),
    ),
)
