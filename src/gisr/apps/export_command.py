"""``gisr export``: weights for programs without torch."""


def onnx(
    *,
    output: str,
    model: str | None = None,
    overwrite: bool = False,
    quiet: bool = False,
) -> None:
    """Write the network as an ONNX file and compare the two.

    Height and width of its inputs must be multiples of a number that its metadata names, for
    magnet-s 16; docs/scale.md shows how to use it.

    Args:
        output: File to write, .onnx.
        model: Weights: a built-in name (see `gisr models`), a folder, or a Hugging Face hub id
            written as one (hf:owner/name).
        overwrite: Replace an existing output.
        quiet: Print nothing but errors.
    """
    from gisr.inference.onnx_export import export_onnx
    from gisr.weights.store import load_weights

    weights = load_weights(model)
    worst = export_onnx(weights, output, overwrite=overwrite)
    if not quiet:
        multiple = weights.network.config.size_multiple
        print(
            f"{output}: {weights.name} as ONNX, height and width in multiples of {multiple}, "
            f"agrees with torch to {worst:.1g}"
        )
