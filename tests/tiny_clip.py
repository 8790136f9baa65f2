"""CLIP's text tower, tiny and with random weights, in the folder that transformers reads."""

import json
from itertools import chain
from pathlib import Path

RATIO_MERGES = ["r a", "ra t", "i o</w>", "rat io</w>"]


def tiny_clip_folder(folder: Path, seed: int = 0) -> Path:
    """Write a tiny CLIP text tower that gives 12 values; it knows letters and one word."""
    return save_clip(folder, clip_vocabulary(RATIO_MERGES), RATIO_MERGES, seed)


def save_clip(folder: Path, tokens: list[str], merges: list[str], seed: int = 0) -> Path:
    """Write a tiny CLIP text tower with random weights and the given vocabulary."""
    import torch
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection

    torch.manual_seed(seed)
    config = CLIPTextConfig(
        vocab_size=len(tokens),
        hidden_size=16,
        intermediate_size=32,
        projection_dim=12,
        num_hidden_layers=2,
        num_attention_heads=2,
        bos_token_id=len(tokens) - 2,
        eos_token_id=len(tokens) - 1,
        pad_token_id=len(tokens) - 1,
    )
    CLIPTextModelWithProjection(config).save_pretrained(folder)
    vocabulary = {token: number for number, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]), encoding="utf-8")
    tokenizer = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    return folder


def byte_letters() -> list[str]:
    """Return the 256 printable stand-ins of byte-level BPE, in CLIP's order."""
    printable = list(chain(range(33, 127), range(161, 173), range(174, 256)))
    others = len(set(range(256)) - set(printable))
    return [chr(code) for code in printable] + [chr(256 + number) for number in range(others)]


def clip_vocabulary(merges: list[str]) -> list[str]:
    letters = byte_letters()
    words = [letter + "</w>" for letter in letters]
    joined = ["".join(merge.split()) for merge in merges]
    return [*letters, *words, *joined, "<|startoftext|>", "<|endoftext|>"]
