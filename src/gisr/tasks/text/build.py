"""Extend the embedded table after a change to the built-in descriptions, or build it anew.

``python -m gisr.tasks.text.build`` adds what is missing, and no other embedding moves: weights go
on. With ``--anew`` the embeddings of all sentences move: weights must then be trained again.
"""

import argparse
from pathlib import Path
from typing import get_args

from gisr.tasks import built_in_descriptions
from gisr.tasks.text.encoder import load_text_encoder
from gisr.tasks.text.interface import TextEncoderName
from gisr.tasks.text.table import BUILT_IN_FILE, DescriptionTable, build_table


def main(arguments: list[str] | None = None) -> None:
    """Embed the built-in descriptions and write the table."""
    parser = argparse.ArgumentParser(description="Embed the built-in task descriptions.")
    parser.add_argument("--encoder", choices=get_args(TextEncoderName), default="minilm")
    parser.add_argument("--source", help="folder or hub id (hf:owner/name) of the weights")
    parser.add_argument("--anew", action="store_true", help="embed and standardise all again")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name(BUILT_IN_FILE))
    options = parser.parse_args(arguments)
    encoder = load_text_encoder(options.encoder, options.source)
    sentences = built_in_descriptions()
    if options.anew or not options.output.exists():
        table = build_table(encoder, sentences)
    else:
        table = DescriptionTable.load(options.output).extended(sentences, encoder)
    table.save(options.output)
    print(f"{len(table.sentences)} descriptions of {table.dimension} values: {options.output}")


if __name__ == "__main__":
    main()
