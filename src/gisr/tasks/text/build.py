"""Rebuild the embedded table: ``python -m gisr.tasks.text.build``.

Needed after a change to the built-in descriptions; weights trained with the old table must then be
trained again, because the embeddings of all sentences move.
"""

import argparse
from pathlib import Path
from typing import get_args

from gisr.tasks import built_in_descriptions
from gisr.tasks.text.encoder import load_text_encoder
from gisr.tasks.text.interface import TextEncoderName
from gisr.tasks.text.table import BUILT_IN_FILE, build_table


def main(arguments: list[str] | None = None) -> None:
    """Embed the built-in descriptions and write the table."""
    parser = argparse.ArgumentParser(description="Embed the built-in task descriptions.")
    parser.add_argument("--encoder", choices=get_args(TextEncoderName), default="minilm")
    parser.add_argument("--source", help="folder or hub id (hf:owner/name) of the weights")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name(BUILT_IN_FILE))
    options = parser.parse_args(arguments)
    encoder = load_text_encoder(options.encoder, options.source)
    table = build_table(encoder, built_in_descriptions())
    table.save(options.output)
    print(f"{len(table.sentences)} descriptions of {table.dimension} values: {options.output}")


if __name__ == "__main__":
    main()
