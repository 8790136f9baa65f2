"""The upscaler: trained weights behind one call that takes images in their own units."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from math import prod
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gisr.data.pair import Pair
from gisr.errors import InputError
from gisr.inference.answers import Answer, Check, Progress, Settings, Shared, unchecked
from gisr.inference.consistency import correction
from gisr.inference.device import usable_device
from gisr.inference.finished import consistent, with_spread
from gisr.inference.memory import largest_tile
from gisr.inference.networks import Networks
from gisr.inference.pair_doubts import pair_doubts
from gisr.inference.pairs_together import (
    PROMPT_CELL,
    prompt_cells,
    shared_prompt,
    whole_images,
    with_survey,
)
from gisr.inference.precision import Computed, Precision
from gisr.inference.self_ensemble import SYMMETRIES
from gisr.inference.side_by_side import pieces_at_once
from gisr.inference.surfaces import settled
from gisr.inference.survey import survey_of_pairs
from gisr.inference.system import PairSystem
from gisr.inference.tile_runner import TileJob
from gisr.inference.tiling import Rows, TilePlan, as_they_come, blended, gathered
from gisr.inference.trained_ratio import at_trained_ratio, onto_guide, ratio_notes
from gisr.inference.window_work import as_tensor, tiles_at_once
from gisr.inference.windowed_pair import ArraySource, PairSource
from gisr.magnet import LevelRouting, MAGNet
from gisr.tasks import TaskName, find_task
from gisr.tasks.text.sentences import Sentences
from gisr.weights.store import Weights, save_weights
from gisr.windows import Window

_DEFAULT = Settings()


class Upscaler(PairSystem):
    """MAG-Net with its weights, its descriptions, and what lies between files and the network."""

    spreads = True

    def __init__(
        self,
        weights: Weights,
        device: str | torch.device | None = None,
        *,
        tile: int = 256,
        overlap: int = 16,
        precision: Precision = "auto",
        batch: int | None = None,
    ) -> None:
        """Put weights to work.

        Args:
            weights: From :func:`gisr.weights.store.load_weights`.
            device: torch device; None takes CUDA where there is one, else the CPU.
            tile: Side in guide pixels of the tiles a larger image goes through, with one prompt.
            overlap: Guide pixels that neighbouring tiles share and blend over.
            precision: What the network computes in unless the settings say so.
            batch: Tiles that go through the network at once; None: 8 on CUDA, 1 elsewhere.

        Raises:
            InputError: ``batch``, ``tile``, ``overlap``, device or precision cannot be.
        """
        self._name, self.for_bands, self.trained_on = weights.name, weights.for_bands, weights.tasks
        self.device = usable_device(device)
        self._networks = Networks(weights, self.device, precision)
        self.network = self._networks.plain()
        self.descriptions = weights.descriptions
        self._tile, self.overlap = tile, overlap
        self.precision, self.batch = precision, tiles_at_once(batch, self.device)
        self.plan(tile, tile)
        self._sentences = Sentences(weights.descriptions)

    @property
    def name(self) -> str:
        """Name of the weights."""
        return self._name

    @property
    def device_name(self) -> str:
        """What the network computes on."""
        return str(self.device)

    def computed_in(self, precision: Precision) -> Computed:
        """Return what the network computes in; ``auto`` is the upscaler's own precision."""
        return self._networks.computed_in(precision)

    @property
    def tile(self) -> int:
        """Side of the tiles a larger image goes through, in guide pixels."""
        return self._tile

    def answer(
        self,
        pair: Pair,
        settings: Settings = _DEFAULT,
        *,
        shared: Shared | None = None,
        check: Check = unchecked,
        progress: Progress | None = None,
    ) -> Answer:
        """Sharpen a pair in memory, as :meth:`gisr.inference.system.PairSystem.answer` has it.

        Where no target pixel is known for a whole tile, the result is the interpolated target.

        Raises:
            InputError: The network gave values that are not finite, or nothing is known.
            LimitError: Memory does not suffice even for small tiles.
        """
        source, alignment = ArraySource(pair), None
        if shared is not None:
            source.survey = shared.survey
        elif settings.align == "auto":
            alignment = source.align(self.pieces_at_once(source.bands, settings))
        image, spread = self._whole(pair, source, settings, shared, check, progress)
        notes = [*(pair_doubts(source, "note") if shared is None else []), *ratio_notes(pair)]
        answer = Answer(image, spread, alignment=alignment, notes=tuple(notes))
        if find_task(pair.task).surfaces:
            plain = replace(settings, spread=False)
            answer, source.reduction = settled(
                answer, pair, lambda p: self._whole(p, ArraySource(p), plain, None, check, None)[0]
            )
        return consistent(answer, pair, source, settings, shared.floor if shared else None)

    def answer_together(
        self, pairs: Sequence[Pair], settings: Settings, shared: Shared | None, check: Check
    ) -> list[Answer]:
        """Sharpen pairs that belong together, those of one tile all through the network at once."""
        whole = all(len(self.plan(*pair.guide.shape[:2])) == 1 for pair in pairs)
        if len(pairs) == 1 or shared is None or not whole or find_task(pairs[0].task).surfaces:
            return super().answer_together(pairs, settings, shared, check)
        sources, floor = with_survey(pairs, shared.survey), shared.floor
        job = replace(self.job(sources[0], settings, check), prompt=shared.prompt, batch=len(pairs))
        each = zip(pairs, sources, whole_images(job, sources), strict=True)
        return [
            consistent(Answer(*with_spread(image, pair, settings)), pair, source, settings, floor)
            for pair, source, image in each
        ]

    def _whole(
        self,
        pair: Pair,
        source: PairSource,
        settings: Settings,
        shared: Shared | None,
        check: Check,
        progress: Progress | None,
    ) -> tuple[Float[np.ndarray, "H W bands"], Float[np.ndarray, "H W bands"] | None]:
        """Return the network's image and, where requested, its spread."""
        source = source if (worked := at_trained_ratio(pair)) is pair else ArraySource(worked)
        rows = self._rows(source, settings, shared, check, progress, masked=False)
        whole = gathered(rows, source.shape, source.bands * (1 + settings.spread))
        image, spread = with_spread(whole, worked, settings)
        return onto_guide(image, pair), None if spread is None else onto_guide(spread, pair)

    def share(
        self, pairs: Sequence[Pair], settings: Settings, check: Check = unchecked
    ) -> Shared | None:
        """Return the value range and the prompt of pairs that belong together.

        Raises:
            InputError: Nothing is known.
            LimitError: Memory does not suffice even for small parts.
        """
        survey = survey_of_pairs(pairs)
        sources = with_survey(pairs, survey)
        jobs = [self.job(source, settings, check) for source in sources]
        at_once = min(len(pairs), self.pieces_at_once(sources[0].bands, settings))
        return Shared(survey, shared_prompt(jobs, sources, at_once), correction.kspace_floor(pairs))

    def stream(
        self,
        source: PairSource,
        settings: Settings = _DEFAULT,
        *,
        check: Check = unchecked,
        progress: Progress | None = None,
        tile: int | None = None,
    ) -> Generator[Rows, None, None]:
        """Sharpen a pair of any size and yield rows when they are finished, NaN where unknown.

        The prompt is that of the whole pair, taken first. A tile without a known pixel is passed
        over, in both passes. With a spread, rows have the mean of the answers and in as many
        further bands their standard deviation. Arguments are those of
        :meth:`gisr.inference.system.PairSystem.stream`.

        Raises:
            InputError: The network gave values that are not finite, or nothing is known.
            LimitError: Memory does not suffice even for small tiles.
        """
        return self._rows(source, settings, None, check, progress, masked=True, tile=tile)

    def _rows(
        self,
        source: PairSource,
        settings: Settings,
        shared: Shared | None,
        check: Check,
        progress: Progress | None,
        *,
        masked: bool,
        tile: int | None = None,
    ) -> Generator[Rows, None, None]:
        """Yield rows; unknown pixels are NaN if masked, else only those of tiles passed over.

        Tiles go side by side, unless their side is one that a budget of memory allows.
        """
        plan, job = self.plan(*source.shape, tile), self.job(source, settings, check, tile)
        at_once = 1 if tile else min(len(plan), self.pieces_at_once(source.bands, settings))
        if shared is not None:
            job.prompt = shared.prompt
        elif self.network.prompt_generator is not None:
            job.take_prompt(job.prompt_parts(source, prompt_cells(source.shape), at_once))
        bands = source.bands * (1 + settings.spread)
        with closing(job.tiles(source, plan.windows(), masked=masked, at_once=at_once)) as tiles:
            yield from blended(plan, bands, as_they_come(tiles, plan, progress))

    def job(
        self,
        source: PairSource,
        settings: Settings = _DEFAULT,
        check: Check = unchecked,
        tile: int | None = None,
    ) -> TileJob:
        """Return what all tiles of a pair share; its prompt is still to be taken.

        Args:
            source: The pair, aligned already.
            settings: Description and spread.
            check: Called before every answer of the network.
            tile: Side of the tiles in place of the upscaler's own.

        Raises:
            InputError: The guide has more channels than the network takes.
        """
        self._networks.check_guide(self.name, source.about.guide.shape[2])
        job = TileJob(
            self._networks.take(settings.precision, source.about.task),
            self.name,
            self.device,
            source.survey,
            *self._known_of(source, settings),
            tile or self.tile,
            self.overlap,
            check=check,
            batch=self.batch,
        )
        # A k-space target was brought to the guide's grid: what lies around is no range for it.
        job.bounded = find_task(source.about.task).surfaces and source.about.placement.ratio > 1
        if settings.spread:
            job.symmetries = SYMMETRIES
        return job

    def pieces_at_once(self, bands: int, settings: Settings = _DEFAULT) -> int:
        """Return how many tiles, or pairs of one tile, are worked on at once."""
        sample = self._networks.sample_bytes(settings.precision)
        return pieces_at_once(self.device, self.network.config, self.tile, bands, sample)

    def pairs_at_once(self, pair: Pair) -> int:
        """Return how many pairs of this one's size go through the network at once.

        As many as tiles have pixels for, whatever the threads: how many go together changes the
        last digit of float32. Each call takes time of its own, of a slice of MR a quarter.
        """
        return max(1, self.batch * self.tile**2 // prod(pair.guide.shape[:2]))

    def network_for(self, task: TaskName) -> MAGNet:
        """Return the network that answers for a task: another than most where bands guide bands."""
        return self._networks.plain(task)

    def plan(self, height: int, width: int, tile: int | None = None) -> TilePlan:
        """Return how an image of this many rows and columns is cut."""
        multiple = self.network.config.size_multiple
        return TilePlan(height, width, tile or self.tile, self.overlap, multiple, fitted=True)

    def routing(self, pair: Pair, settings: Settings = _DEFAULT) -> tuple[LevelRouting, ...]:
        """Return which experts refine which pixels of a pair, untiled."""
        source = ArraySource(pair)
        if settings.align == "auto":
            source.align()
        return self.route(source, (slice(0, source.shape[0]), slice(0, source.shape[1])), settings)

    def route(
        self, source: PairSource, window: Window, settings: Settings = _DEFAULT
    ) -> tuple[LevelRouting, ...]:
        """Return which experts refine which pixels of a window, by the prompt of the window.

        Raises:
            InputError: No pixel of it is known.
        """
        if (cut := source.cut(window)) is None:
            raise InputError("no known pixel: there is nothing to route")
        (text, ratio), normal = self._known_of(source, settings), source.survey.normalisation
        low = as_tensor(normal.target(cut.on_guide_grid()), self.device)
        high = as_tensor(normal.guide(cut.pair.guide), self.device)
        network = self._networks.take(settings.precision, source.about.task)
        with torch.inference_mode():
            return network(low, high, text, ratio).routing  # type: ignore[no-any-return]

    def save_pretrained(self, folder: str | Path, *, dtype: torch.dtype = torch.float32) -> None:
        """Write the weights in the Hugging Face hub's layout, as ``gisr.load_model`` reads them."""
        tasks, table = self.trained_on, self.descriptions
        save_weights(folder, self.network, table, name=self.name, dtype=dtype, tasks=tasks)

    def tile_within(
        self,
        source: PairSource,
        budget: int,
        waiting: int = 0,
        reached: int = 0,
        *,
        precision: Precision = "auto",
    ) -> int:
        """Return the largest side of tiles, up to the upscaler's own, that keeps to a budget."""
        self._networks.take(precision, source.about.task)  # made before memory is looked at
        return largest_tile(
            self.network.config,
            source.shape,
            source.bands,
            budget,
            tile=self.tile,
            overlap=self.overlap,
            cell=PROMPT_CELL,
            on_host=self.device.type == "cpu",
            sample=self._networks.sample_bytes(precision),
            waiting=waiting,
            reached=reached,
        )

    def _known_of(
        self, source: PairSource, settings: Settings
    ) -> tuple[Float[Tensor, "1 d"], Float[Tensor, "1"]]:
        """Return the embedded description of a pair, and its ratio."""
        text = self._sentences.embedding(source.description, settings.description)
        ratio = torch.tensor([source.ratio], dtype=torch.float32)
        return torch.tensor(text, device=self.device)[None], ratio.to(self.device)
