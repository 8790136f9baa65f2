"""The embedded table: what it holds, how it is built, saved and refused."""

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from gisr.errors import InputError, WeightsError
from gisr.tasks import built_in_descriptions, describe
from gisr.tasks.text import DescriptionTable, TextEncoderName, build_table, built_in_table
from gisr.tasks.text import table as table_module
from gisr.tasks.text.table import BUILT_IN_FILE


class LetterEncoder:
    """Counts letters: an encoder one can check by hand. 'é' never occurs: a dead dimension."""

    letters = "aeioust24é"
    name: TextEncoderName = "minilm"
    dimension = len(letters)

    def encode(self, sentences: Sequence[str]) -> np.ndarray:
        counts = [[text.count(letter) for letter in self.letters] for text in sentences]
        return np.array(counts, dtype=np.float32)


SENTENCES = ("a depth map at ratio 2", "an image at ratio 4", "satellites over the sea, ratio 2")


@pytest.fixture
def table() -> DescriptionTable:
    return build_table(LetterEncoder(), SENTENCES)


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


class TestBuiltIn:
    def test_holds_exactly_the_built_in_descriptions(self) -> None:
        table = built_in_table()
        assert table.sentences == built_in_descriptions()
        assert table.embeddings.shape == (225, 384)
        assert table.encoder == "minilm"

    def test_is_standardised(self) -> None:
        embeddings = built_in_table().embeddings.astype(np.float64)
        assert np.abs(embeddings.mean(axis=0)).max() < 1e-4
        assert np.mean(np.sum(embeddings**2, axis=1)) == pytest.approx(384, rel=1e-4)

    @pytest.mark.parametrize("task", ["pansharpening", "mri", "depth"])
    def test_standardising_tells_ratios_further_apart(self, task: str) -> None:
        table = built_in_table()
        rows = [table.lookup(describe(task, ratio)) for ratio in (2, 4, 8)]  # type: ignore[arg-type]
        encoded = [row * table.scale + table.mean for row in rows]
        for one, other in ((0, 1), (0, 2), (1, 2)):
            raw = cosine(encoded[one], encoded[other])
            standardised = cosine(rows[one], rows[other])
            # The angle between two ratios grows by at least a tenth.
            assert np.arccos(standardised) > 1.1 * np.arccos(raw)

    def test_a_changed_description_is_noticed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        changed = ("another sentence", *built_in_descriptions()[1:])
        monkeypatch.setattr(table_module, "built_in_descriptions", lambda: changed)
        with pytest.raises(WeightsError, match=r"gisr\.tasks\.text\.build"):
            built_in_table.__wrapped__()

    def test_the_file_is_the_one_that_ships(self) -> None:
        assert (files("gisr.tasks.text") / BUILT_IN_FILE).is_file()


class TestBuild:
    def test_standardises_by_hand(self, table: DescriptionTable) -> None:
        encoded = LetterEncoder().encode(SENTENCES)
        np.testing.assert_allclose(table.mean, encoded.mean(axis=0), rtol=1e-6)
        np.testing.assert_allclose(
            table.embeddings * table.scale + table.mean, encoded, atol=1e-5, rtol=0
        )
        assert np.mean(np.sum(table.embeddings**2, axis=1)) == pytest.approx(10, rel=1e-5)

    def test_a_dead_dimension_does_not_blow_up(self, table: DescriptionTable) -> None:
        assert table.scale[-1] > 0
        np.testing.assert_array_equal(table.embeddings[:, -1], 0)

    def test_arrays_are_read_only(self, table: DescriptionTable) -> None:
        with pytest.raises(ValueError, match="read-only"):
            table.lookup(SENTENCES[0])[0] = 1

    @pytest.mark.parametrize("sentences", [(), ("one",), ("one", "two", "one")])
    def test_needs_different_sentences(self, sentences: tuple[str, ...]) -> None:
        with pytest.raises(InputError, match="at least two sentences"):
            build_table(LetterEncoder(), sentences)

    def test_an_encoder_that_hears_no_difference_is_refused(self) -> None:
        with pytest.raises(InputError, match="does not tell"):
            build_table(LetterEncoder(), ("xyz", "zyx"))


class TestUse:
    def test_lookup_and_embed_agree(self, table: DescriptionTable) -> None:
        for sentence in SENTENCES:
            embedded = table.embed(sentence, LetterEncoder())
            assert embedded.dtype == np.float32
            np.testing.assert_allclose(embedded, table.lookup(sentence), atol=1e-6)

    def test_free_text_uses_the_tables_mean_and_scale(self, table: DescriptionTable) -> None:
        text = "ease é"
        expected = (LetterEncoder().encode([text])[0] - table.mean) / table.scale
        np.testing.assert_allclose(table.embed(text, LetterEncoder()), expected, rtol=1e-6)

    def test_unknown_sentence_names_the_remedy(self, table: DescriptionTable) -> None:
        with pytest.raises(InputError, match=r"my own words.*gisr\[text\]"):
            table.lookup("my own words")

    def test_another_encoder_is_refused(self, table: DescriptionTable) -> None:
        class Other(LetterEncoder):
            name: TextEncoderName = "clip"

        with pytest.raises(InputError, match="use minilm"):
            table.embed("text", Other())


class TestFile:
    def test_saved_and_loaded_is_the_same(self, table: DescriptionTable, tmp_path: Path) -> None:
        path = tmp_path / "table.safetensors"
        table.save(path)
        loaded = DescriptionTable.load(path)
        assert loaded.sentences == table.sentences
        assert loaded.encoder == table.encoder
        for name in ("embeddings", "mean", "scale"):
            np.testing.assert_array_equal(getattr(loaded, name), getattr(table, name))
        assert [entry.name for entry in tmp_path.iterdir()] == ["table.safetensors"]

    def test_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(WeightsError, match=r"cannot read.*none\.safetensors"):
            DescriptionTable.load(tmp_path / "none.safetensors")

    @pytest.mark.parametrize("content", [b"", b"not a table", b"\xff" * 64])
    def test_not_safetensors(self, content: bytes, tmp_path: Path) -> None:
        path = tmp_path / "table.safetensors"
        path.write_bytes(content)
        with pytest.raises(WeightsError, match="cannot read"):
            DescriptionTable.load(path)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"format": "something else"}, "not a description table"),
            ({"encoder": "parrot"}, "parrot"),
            ({"sentences": "[1, 2, 3]"}, "not text"),
            ({"sentences": '["one", "two"]'}, "do not fit"),
            ({"sentences": '["one", "one", "two"]'}, "repeated"),
            ({"sentences": "7"}, "damaged"),
            ({"sentences": "["}, "damaged"),
        ],
    )
    def test_damaged_metadata(
        self, change: dict[str, str], message: str, table: DescriptionTable, tmp_path: Path
    ) -> None:
        path = tmp_path / "table.safetensors"
        save_file(arrays_of(table), path, metadata={**metadata_of(table), **change})
        with pytest.raises(WeightsError, match=message):
            DescriptionTable.load(path)

    @pytest.mark.parametrize(
        ("name", "array", "message"),
        [
            ("embeddings", np.full((3, 10), np.nan, np.float32), "finite"),
            ("embeddings", np.zeros((3, 10), np.float64), "float32"),
            ("embeddings", np.zeros((3, 9), np.float32), "do not fit"),
            ("mean", np.zeros((2, 5), np.float32), "one value per dimension"),
            ("scale", np.zeros(10, np.float32), "above zero"),
            ("extra", np.zeros(10, np.float32), "not a description table"),
        ],
    )
    def test_damaged_arrays(
        self, name: str, array: np.ndarray, message: str, table: DescriptionTable, tmp_path: Path
    ) -> None:
        path = tmp_path / "table.safetensors"
        save_file({**arrays_of(table), name: array}, path, metadata=metadata_of(table))
        with pytest.raises(WeightsError, match=message):
            DescriptionTable.load(path)


def arrays_of(table: DescriptionTable) -> dict[str, np.ndarray]:
    return {name: getattr(table, name) for name in ("embeddings", "mean", "scale")}


def metadata_of(table: DescriptionTable) -> dict[str, str]:
    sentences = json.dumps(table.sentences)
    return {
        "format": "gisr description table 1",
        "encoder": table.encoder,
        "sentences": sentences,
    }
