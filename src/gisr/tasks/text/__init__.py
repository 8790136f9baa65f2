"""Task descriptions as numbers: text encoders and the embedded table.

Importing this package imports neither torch nor transformers.
"""

from gisr.tasks.text.encoder import load_text_encoder
from gisr.tasks.text.interface import TextEncoder, TextEncoderName
from gisr.tasks.text.table import DescriptionTable, build_table, built_in_table

__all__ = [
    "DescriptionTable",
    "TextEncoder",
    "TextEncoderName",
    "build_table",
    "built_in_table",
    "load_text_encoder",
]
