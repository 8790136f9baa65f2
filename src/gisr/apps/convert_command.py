"""``gisr convert``: weights of a compared system, as its authors published them, in our layout."""

import shlex
import sys
from pathlib import Path


def convert(system: str, file: str, *, out: str, ratio: int = 4, task: str | None = None) -> None:
    """Bring weights that a system's authors published into a folder that gisr reads.

    Of no system that gisr brings are the names in its authors' files known yet, so all are refused:
    it is for one that you add with its `names_of` (docs/systems.md). The file may hold tensors and
    plain values, and nothing in it can run code. Every tensor must be in it, with its shape.

    Args:
        system: One of the compared systems (see `gisr models --systems`).
        file: The authors' file (.pth, .pt, .safetensors).
        out: Folder to write, without weights yet, for `gisr evaluate --systems SYSTEM:FOLDER`.
        ratio: The ratio that the weights are for.
        task: The task that they are for; the system's first when left out.
    """
    from gisr.baselines.convert import convert_weights
    from gisr.baselines.systems import SystemShape, find_system
    from gisr.baselines.weights import save_system
    from gisr.errors import InputError, listed
    from gisr.tasks import find_task
    from gisr.weights.folder import CONFIG_FILE

    if (Path(out) / CONFIG_FILE).exists():
        raise InputError(f"--out {out}: holds weights already: name another folder")
    if ratio < 2:
        raise InputError(f"--ratio {ratio}: must be at least 2")
    published = find_system(system).published
    chosen = published.tasks[0] if task is None else find_task(task).name
    try:
        shape = SystemShape.of(system, [(chosen, ratio)])  # type: ignore[arg-type]
    except ValueError as error:
        raise InputError(f"{system}: {error}") from error
    converted = convert_weights(file, shape)
    save_system(out, converted.network, shape, name=f"{system}-{Path(file).stem}")
    if converted.choice:
        print(f"gisr: note: of the networks in {file} {converted.choice}", file=sys.stderr)
    if converted.left_over:
        count = len(converted.left_over)
        print(
            f"gisr: note: {count} tensors of {file} have no use: {listed(converted.left_over)}",
            file=sys.stderr,
        )
    named = shlex.quote(f"{system}:{out}")
    print(f"{out}: {published.title} x{ratio}, for gisr evaluate DATA --systems {named}")
