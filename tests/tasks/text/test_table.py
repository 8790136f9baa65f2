"""The embedded table: what it holds, how it is built, saved and refused."""

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from gisr.errors import InputError, WeightsError
from gisr.tasks import built_in_descriptions
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


class WordEncoder:
    """Counts words, in two dimensions that say the same."""

    name: TextEncoderName = "minilm"
    dimension = 2

    def encode(self, sentences: Sequence[str]) -> np.ndarray:
        return np.array([[len(text.split())] * 2 for text in sentences], dtype=np.float32)


SENTENCES = ("a depth map at ratio 2", "an image at ratio 4", "satellites over the sea, ratio 2")


@pytest.fixture
def table() -> DescriptionTable:
    return build_table(LetterEncoder(), SENTENCES)


class TestBuiltIn:
    def test_holds_exactly_the_built_in_descriptions(self) -> None:
        table = built_in_table()
        assert table.sentences == built_in_descriptions()
        assert table.embeddings.shape == (255, 384)
        assert table.encoder == "minilm"

    def test_has_unit_length(self) -> None:
        lengths = np.linalg.norm(built_in_table().embeddings, axis=1)
        np.testing.assert_allclose(lengths, 1, rtol=0, atol=1e-6)

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
        deviation = encoded.std(axis=0)
        smallest = 0.1 * np.median(deviation)
        np.testing.assert_allclose(table.scale, np.maximum(deviation, smallest), rtol=1e-6)
        for sentence, counts in zip(SENTENCES, encoded, strict=True):
            departure = (counts - table.mean) / table.scale
            expected = departure / np.sqrt(np.sum(departure**2))
            np.testing.assert_allclose(table.lookup(sentence), expected, atol=1e-6)

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
        with pytest.raises(InputError, match="does not separate"):
            build_table(LetterEncoder(), ("xyz", "zyx"))

    def test_a_sentence_at_the_mean_of_all_is_refused(self) -> None:
        with pytest.raises(InputError, match="at the mean of all"):
            build_table(WordEncoder(), ("once", "once once", "once once once"))


class TestUse:
    def test_lookup_and_embed_agree(self, table: DescriptionTable) -> None:
        for sentence in SENTENCES:
            embedded = table.embed(sentence, LetterEncoder())
            assert embedded.dtype == np.float32
            np.testing.assert_allclose(embedded, table.lookup(sentence), atol=1e-6)

    @pytest.mark.parametrize("text", ["ease é", "a " * 400])
    def test_free_text_uses_the_tables_mean_and_scale(
        self, table: DescriptionTable, text: str
    ) -> None:
        departure = (LetterEncoder().encode([text])[0] - table.mean) / table.scale
        found = table.embed(text, LetterEncoder())
        np.testing.assert_allclose(found, departure / np.linalg.norm(departure), rtol=1e-5)
        assert np.linalg.norm(found) == pytest.approx(1, abs=1e-6)

    def test_free_text_at_the_mean_has_no_direction(self) -> None:
        table = build_table(WordEncoder(), ("once", "once once once"))
        with pytest.raises(InputError, match="reword"):
            table.embed("once once", WordEncoder())

    def test_a_table_knows_its_encoder(self, table: DescriptionTable) -> None:
        class Deaf(LetterEncoder):
            def encode(self, sentences: Sequence[str]) -> np.ndarray:
                return super().encode([text.replace("e", "a") for text in sentences])

        class Named(LetterEncoder):
            name: TextEncoderName = "clip"

        assert table.is_of(LetterEncoder())
        assert not table.is_of(Deaf())
        assert not table.is_of(Named())
        assert not table.is_of(WordEncoder())

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
            ("embeddings", np.ones((3, 10), np.float32), "unit length"),
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
        "format": "gisr description table 2",
        "encoder": table.encoder,
        "sentences": sentences,
    }
