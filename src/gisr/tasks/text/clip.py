"""CLIP's text encoder, the one the paper uses (Section III-B).

Radford et al., Learning Transferable Visual Models From Natural Language Supervision, 2021. The
weights are large and have their own home, so they are not shipped: name a folder or a hub id
(``hf:owner/name``).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from gisr.tasks.text.interface import TextEncoderName, sentence_batches
from gisr.tasks.text.pretrained import Pretrained, load_pretrained

DEFAULT_SOURCE = "hf:openai/clip-vit-base-patch32"
"""Hub id whose copy on this machine is used when no source is given: embeddings of 512 values."""


class ClipEncoder:
    """CLIP's text tower with its projection; embeddings as projected, not normalised."""

    def __init__(self, pretrained: Pretrained) -> None:
        """Wrap a loaded model and its tokenizer; use :meth:`load`."""
        self._model, self._tokenizer = pretrained

    @classmethod
    def load(cls, source: str | Path | None = None) -> "ClipEncoder":
        """Load the text tower (safetensors only).

        Args:
            source: A folder, or a hub id written as one (``hf:owner/name``), downloaded. None
                takes :data:`DEFAULT_SOURCE` where it was downloaded before, without the network.

        Raises:
            MissingExtraError: transformers is not installed.
            WeightsError: The source cannot be reached, or does not hold a whole CLIP text tower
                with its tokenizer.
        """
        architecture = "CLIPTextModelWithProjection"
        if source is None:
            return cls(load_pretrained(architecture, DEFAULT_SOURCE, kept=True))
        return cls(load_pretrained(architecture, source))

    @property
    def name(self) -> TextEncoderName:
        """``clip``."""
        return "clip"

    @property
    def dimension(self) -> int:
        """Length of one embedding: 512 for ViT-B/32."""
        return int(self._model.config.projection_dim)

    def encode(self, sentences: Sequence[str]) -> Float[np.ndarray, "sentences dimension"]:
        """Return one float32 embedding per sentence; sentences are cut at CLIP's 77 tokens.

        Raises:
            InputError: There is no sentence, or one is empty.
        """
        import torch

        longest = int(self._model.config.max_position_embeddings)
        embeddings = []
        with torch.inference_mode():
            for batch in sentence_batches(sentences):
                words = self._tokenizer(
                    batch, padding=True, truncation=True, max_length=longest, return_tensors="pt"
                )
                embeddings.append(self._model(**words).text_embeds.numpy())
        return np.concatenate(embeddings).astype(np.float32, copy=False)


__all__ = ["DEFAULT_SOURCE", "ClipEncoder"]
