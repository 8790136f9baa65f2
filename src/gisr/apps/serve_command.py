"""``gisr serve``: the page in the browser."""

from gisr.apps.machine import checked_device, set_threads
from gisr.errors import InputError
from gisr.memory import keep_freed_memory


def serve(
    *,
    port: int = 7860,
    model: str | None = None,
    device: str | None = None,
    threads: int | None = None,
    max_upload: str = "200MB",
    max_session: str = "1GB",
    max_stored: str = "4GB",
    max_pixels: int = 25_000_000,
    max_seconds: float = 600,
    concurrency: int = 1,
    max_waiting: int = 16,
    keep_minutes: float = 30,
    quiet: bool = False,
) -> None:
    """Open a page on this machine that sharpens files in the browser.

    It listens on 127.0.0.1 alone and makes no connection to anywhere else. Ctrl-C ends it and
    deletes every file that was uploaded or made.

    Args:
        port: Where it listens; 0 takes any free port.
        model: Weights: a built-in name (see `gisr models`), a folder, or a Hugging Face hub id
            written as one (hf:owner/name).
        device: cpu, cuda, cuda:1 and so on; CUDA where there is one, else the CPU, when left out.
        threads: CPU threads; as many as torch finds good when left out.
        max_upload: Largest file, or DICOM series, that may be uploaded, such as 200MB.
        max_session: Most that one open page may store, such as 1GB.
        max_stored: Most that all pages together may store.
        max_pixels: Most pixels of an image, or voxels of a volume.
        max_seconds: Longest time a run may take; it ends with the answer of the network at hand.
        concurrency: Runs at once; others wait.
        max_waiting: Requests that may wait; further ones are refused.
        keep_minutes: How long the files of a page are kept that is open but not used.
        quiet: Print nothing but errors.
    """
    # Options are checked before the seconds that torch and gradio take to load.
    from gisr.apps.web.limits import PageLimits
    from gisr.io.limits import parse_size

    if not 0 <= port <= 65535:
        raise InputError(f"port {port} must lie between 0 and 65535")
    limits = PageLimits(
        max_upload=parse_size(max_upload),
        max_session=parse_size(max_session),
        max_stored=parse_size(max_stored),
        max_pixels=max_pixels,
        max_seconds=max_seconds,
        concurrency=concurrency,
        max_waiting=max_waiting,
        keep_minutes=keep_minutes,
    )
    from gisr.apps.web.server import serve_page
    from gisr.inference.loading import load_model

    set_threads(threads)
    keep_freed_memory()
    upscaler = load_model(model, checked_device(device))
    serve_page(upscaler, limits, port=port, model=model, quiet=quiet)
