"""What the network computes in: chosen by the processor, near float32, and said."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.small_network import tiny_weights

from gisr.baselines import load_baseline
from gisr.data.pair import Pair
from gisr.data.phantoms import satellite_scene
from gisr.data.protocols import wald_pair
from gisr.errors import InputError
from gisr.inference import precision as module
from gisr.inference.answers import Settings
from gisr.inference.array_pair import make_pair
from gisr.inference.loading import load_model
from gisr.inference.memory import largest_tile, memory_taken
from gisr.inference.precision import BFloat16Products, Precision, bfloat16_products
from gisr.inference.upscaler import Upscaler
from gisr.magnet import MAGNetConfig
from gisr.pipelines import Options, upscale_files

RNG = np.random.default_rng(5)
ALL: tuple[Precision, ...] = ("auto", "float32", "bfloat16")


def images() -> Pair:
    boxes = np.kron(RNG.uniform(20, 200, (2, 2, 4)), np.ones((8, 8, 1)))  # surfaces, not noise
    return make_pair(boxes, RNG.uniform(0, 255, (64, 64)), "depth")


def added(upscaler: Upscaler, pair: Pair, precision: Precision) -> np.ndarray:
    """Return what the network adds to a pair."""
    settings = Settings(align="off", consistent="never", precision=precision)
    return upscaler.answer(pair, settings).image - pair.on_guide_grid()


@pytest.mark.parametrize(
    ("found", "products"),
    [
        ({"architecture": "x86_64", "avx2": True, "avx512_bf16": False}, "emulated"),
        ({"architecture": "x86_64", "avx512_bf16": True, "cpu_name": "AMD EPYC"}, "fast"),
        ({"architecture": "x86_64", "avx512_bf16": True, "cpu_name": "Intel Xeon"}, "slow"),
        ({"avx512_bf16": True, "amx_bf16": True, "cpu_name": "Intel Xeon"}, "fast"),
        ({"architecture": "aarch64", "neon": True}, "emulated"),
        ({"architecture": "aarch64", "neon": True, "bf16": True}, "fast"),
    ],
)
def test_a_processor_says_how_it_multiplies_bfloat16(
    found: dict[str, object], products: BFloat16Products, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # what conftest.py sets for the other tests
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found)
    assert bfloat16_products("cpu") == products
    assert bfloat16_products("mps") == "emulated"


@pytest.mark.parametrize(
    ("there", "native", "expected"),
    [(False, True, "emulated"), (True, False, "emulated"), (True, True, "fast")],
)
def test_a_gpu_that_emulates_bfloat16_does_not_count(
    there: bool, native: bool, expected: BFloat16Products, monkeypatch: pytest.MonkeyPatch
) -> None:
    def supported(including_emulation: bool = True) -> bool:
        return native or including_emulation

    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert bfloat16_products("cuda:0") == expected


@pytest.mark.parametrize(
    ("products", "same"), [("emulated", "float32"), ("slow", "float32"), ("fast", "bfloat16")]
)
def test_auto_is_what_the_processor_is_fast_in(
    products: BFloat16Products, same: Precision, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "bfloat16_products", lambda device: products)
    upscaler, pair = Upscaler(tiny_weights(), "cpu"), images()
    results = {each: added(upscaler, pair, each) for each in ALL}
    np.testing.assert_array_equal(results["auto"], results[same])
    assert not np.array_equal(results["float32"], results["bfloat16"])


def test_the_settings_go_before_the_upscaler() -> None:
    upscaler = Upscaler(tiny_weights(), "cpu", precision="bfloat16")
    assert [upscaler.computed_in(each) for each in ALL] == ["bfloat16", "float32", "bfloat16"]
    assert load_model(device="cpu", precision="bfloat16").computed_in("auto") == "bfloat16"


def test_bfloat16_stays_near_float32_and_comes_out_alike_every_time() -> None:
    scene, upscaler = satellite_scene(64), load_model(device="cpu")
    pair = wald_pair(scene.multispectral, scene.panchromatic, 4)
    exact, rounded = (added(upscaler, pair, each) for each in ("float32", "bfloat16"))
    assert 0 < np.square(rounded - exact).mean() < 0.03**2 * np.square(exact).mean()
    np.testing.assert_array_equal(rounded, added(upscaler, pair, "bfloat16"))


def test_the_prompt_is_that_of_float32() -> None:
    upscaler, pair = Upscaler(tiny_weights(), "cpu"), images()
    shared = [upscaler.share([pair], Settings(precision=each)) for each in ("float32", "bfloat16")]
    prompts = [None if each is None else each.prompt for each in shared]
    assert prompts[0] is not None and prompts[1] is not None
    assert prompts[1].dtype == torch.float32
    torch.testing.assert_close(prompts[1], prompts[0], rtol=0, atol=0)


def test_the_weights_stay_as_they_are(tmp_path: Path) -> None:
    upscaler, pair = Upscaler(tiny_weights(), "cpu"), images()
    before = added(upscaler, pair, "float32")
    added(upscaler, pair, "bfloat16")
    np.testing.assert_array_equal(before, added(upscaler, pair, "float32"))


def test_half_the_bytes_let_larger_tiles_keep_to_a_budget() -> None:
    def side(sample: int) -> int:
        budget = memory_taken() + 160 * 10**6
        where: dict[str, Any] = {"tile": 512, "overlap": 32, "cell": 64, "on_host": True}
        config = MAGNetConfig(width=32, unshuffle=2)
        return largest_tile(config, (600, 600), 4, budget, sample=sample, **where)

    assert side(4) < side(2)


def test_words_that_are_no_precision_are_refused() -> None:
    word: Any = "float16"
    with pytest.raises(InputError, match="precision 'float16' must be"):
        Upscaler(tiny_weights(), "cpu", precision=word)
    with pytest.raises(InputError, match="precision 'float16' must be"):
        Options(precision=word)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "depth.png", tmp_path / "colour.png"
    Image.fromarray(RNG.integers(500, 900, (16, 16)).astype(np.uint16)).save(paths[0])
    Image.fromarray(RNG.integers(0, 255, (64, 64, 3)).astype(np.uint8)).save(paths[1])
    return paths


@pytest.mark.parametrize(
    ("requested", "products", "computed", "said"),
    [
        ("auto", "emulated", "float32", "the network computed in float32 on cpu"),
        ("auto", "fast", "bfloat16", "the network computed in bfloat16 on cpu"),
        ("bfloat16", "fast", "bfloat16", "the network computed in bfloat16 on cpu"),
        ("bfloat16", "slow", "bfloat16", "precision bfloat16: cpu here multiplies it at half"),
        ("bfloat16", "emulated", "bfloat16", "precision bfloat16: cpu here has no instructions"),
    ],
)
def test_a_result_says_what_it_was_computed_in(
    requested: Precision,
    products: BFloat16Products,
    computed: str,
    said: str,
    files: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "bfloat16_products", lambda device: products)
    upscaler = Upscaler(tiny_weights(), "cpu")
    options = Options(precision=requested)
    result = upscale_files(upscaler, *files, tmp_path / "out.png", options)
    assert result.precision == computed
    (note,) = (note for note in result.notes if said in note.text)
    assert note.level == ("warning" if "cpu here" in said else "detail")


def test_a_compared_system_says_that_it_ignores_a_precision(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    options = Options(precision="bfloat16")
    result = upscale_files(load_baseline("guided-filter"), *files, tmp_path / "out.png", options)
    assert result.precision == "float32"
    assert "precision bfloat16: ignored" in " ".join(map(str, result.notes))
