"""The table of experiments: each variant trained with the same budget as the plain network, scored on real slices.

Results are kept one by one (JSON) and are not made again for the same budget and scale, so a stopped run goes on where it
stopped. The table is written from the JSON alone.
"""

import json
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from limpid_training import augment, compress, experiment_cases, objectives, patches, pools, variants, yardsticks
from limpid_training.model_folder import Kept
from limpid_training.network import FULL, Ffdr, parameter_count
from limpid_training.patches import Batch
from limpid_training.train import Plan, best_device, denoising, robust, run_in_bf16, train

POOL_SEED, HELD_OUT_SEED = 1, 999
SEED, OTHER_SEED = 5, 6
RATE, FINE_RATE = 2e-3, 5e-4
CHARBONNIER = 0.01
WINS_FROM_DB = 0.05
"""On real slices at strength 0.5; the row `seed` says what another seed does."""
SECTIONS, HELD_OUT_SECTIONS = 200, 20
STACKS, HELD_OUT_STACKS = 40, 10
PATIENCE = 100
"""Of the clock with a processor that is shared, in budgets."""


def absolute_error(network: nn.Module, batch: Batch) -> torch.Tensor:
    """Charbonnier, as the first networks were trained."""
    error = (run_in_bf16(network, batch.x) - batch.target) * batch.weight
    return torch.sqrt(error * error + CHARBONNIER).mean()


def squared_error(network: nn.Module, batch: Batch) -> torch.Tensor:
    """Noise that stays weighs as much as bias."""
    return robust((run_in_bf16(network, batch.x) - batch.target) * batch.weight)


@dataclass(frozen=True)
class Scale:
    """Widths of all networks, yardsticks too, are divided by `divisor` and rounded to a multiple of 4; patches have `side` pixels.
    A processor then takes thousands of steps in minutes."""

    divisor: float = 1.0
    side: int = patches.PATCH

    def width(self, full: int) -> int:
        return max(4, 4 * round(full / self.divisor / 4))

    def says(self) -> str:
        return "full size" if self.divisor == 1 else f"widths divided by {self.divisor:g}"


Make = Callable[[Scale, nn.Module | None], nn.Module]
"""Of the scale and the network that it starts from, which is None for most."""


def _ffdr(width: int, depth: int, inputs: int = 2) -> Make:
    return lambda scale, _: Ffdr(scale.width(width), depth, inputs)


def _of_width(design: Callable[[int], nn.Module], width: int) -> Make:
    return lambda scale, _: design(scale.width(width))


def _same(scale: Scale, start: nn.Module | None) -> nn.Module:
    return start if start is not None else Ffdr(scale.width(FULL[0]), FULL[1])


def _quantised(_: Scale, start: nn.Module | None) -> nn.Module:
    assert isinstance(start, Ffdr)
    return compress.Quantised(start)


@dataclass(frozen=True)
class Experiment:
    """One row. start: experiment whose weights it goes on from; teacher: experiment whose network teaches; budget: multiples of the
    common one, 0 where the start is only scored in another way; kept: share of the residual's low frequencies that stays."""

    name: str
    what: str
    make: Make = _same
    against: str = "plain"
    start: str | None = None
    teacher: str | None = None
    budget: float = 1.0
    pool: str = "ct"
    sections: int = SECTIONS
    seed: int = SEED
    neighbours: bool = False
    kept: Kept | None = None
    objective: Callable[[], Callable[[nn.Module, Batch], torch.Tensor]] = denoising
    augmentation: augment.Augmentation | None = None
    after_step: Callable[[nn.Module, float], None] = lambda network, share: None


EXPERIMENTS = (
    Experiment("plain", "FFDR 48x10, loss of bias and noise"),
    Experiment("seed", "plain, another seed: what chance does", seed=OTHER_SEED),
    Experiment("red-cnn", "yardstick: RED-CNN", _of_width(yardsticks.red_cnn, 96)),
    Experiment("longer", "twice the budget: on from plain", start="plain"),
    Experiment("sections", "three times the sections", sections=3 * SECTIONS),
    Experiment("frequencies", "plain; 70 % of the residual below 0.05 per pixel stays", start="plain", budget=0,
               kept=Kept(3, 0.7)),
    Experiment("squared", "loss: noise weighs as much as bias", objective=lambda: squared_error),
    Experiment("absolute", "loss: Charbonnier of the error", objective=lambda: absolute_error),
    Experiment("wide", "width 64", _ffdr(64, 10)),
    Experiment("deep", "depth 14", _ffdr(48, 14)),
    Experiment("small", "width 32, depth 8: fast", _ffdr(32, 8)),
    Experiment("u-level", "two pairs at a quarter of the resolution", _of_width(variants.Pooled, 48)),
    Experiment("se", "squeeze and excitation", _of_width(variants.Excited, 48)),
    Experiment("attention", "two transposed-attention blocks, depth 8", _of_width(variants.Attending, 48)),
    Experiment("slices-plain", "plain, on the middle slices of stacks", pool="ct-stack", sections=STACKS),
    Experiment("slices", "2.5D: neighbouring slices as inputs", _ffdr(48, 10, 4), "slices-plain",
               pool="ct-stack", sections=STACKS, neighbours=True),
    Experiment("red-cnn-long", "yardstick: RED-CNN, ten times the budget", _of_width(yardsticks.red_cnn, 96), budget=10),
    Experiment("unet", "yardstick: U-Net", _of_width(yardsticks.unet, 32)),
    Experiment("dncnn", "yardstick: DnCNN", _of_width(yardsticks.dncnn, 64)),
    Experiment("srcnn", "yardstick: SRCNN", _of_width(yardsticks.srcnn, 64)),
    Experiment("edsr", "yardstick: EDSR", _of_width(yardsticks.edsr, 64)),
    Experiment("srgan", "yardstick: SRGAN-style, adversarial from the start", _of_width(yardsticks.srresnet, 64),
               objective=objectives.Adversarial),
    Experiment("int8", "INT8-aware fine-tuning of plain", _quantised, "longer", "plain"),
    Experiment("pruned", "half of the inner weights pruned, from plain", _same, "longer", "plain",
               after_step=compress.pruning(0.5)),
    Experiment("teacher", "width 96, depth 14", _ffdr(96, 14)),
    Experiment("distilled", "target: half truth, half teacher; on from plain", _same, "longer", "plain", "teacher"),
    Experiment("adversarial", "adversarial and perceptual fine-tuning of plain", _same, "longer", "plain",
               objective=objectives.Adversarial),
    Experiment("mixup", "augmentation: mixup", augmentation=augment.mixup),
    Experiment("cutmix", "augmentation: cutmix", augmentation=augment.cutmix),
    Experiment("elastic", "augmentation: elastic", augmentation=augment.elastic),
    Experiment("intensity", "augmentation: intensity", augmentation=augment.intensity),
)  # fmt: skip
BY_NAME = {experiment.name: experiment for experiment in EXPERIMENTS}


class Bench:
    """Pools, cases and results of one work folder, budget and scale."""

    def __init__(self, minutes: float, scale: Scale, work: Path, data: Path, results: Path) -> None:
        self._minutes, self._scale, self._work, self._results = minutes, scale, work, results
        self._key = {"budget_minutes": minutes, "divisor": scale.divisor, "side": scale.side}
        work.mkdir(parents=True, exist_ok=True)
        found = json.loads(results.read_text()) if results.exists() else {}
        self._found: dict[str, dict] = {
            name: row for name, row in found.items() if self._key.items() <= row.items() and name in BY_NAME
        }
        self._cases = experiment_cases.real_cases(data, work)
        self._noise = experiment_cases.phantom_noise(work)
        self._pools: dict[tuple[str, int, int], dict[str, np.ndarray]] = {}

    def _pool(self, kind: str, count: int, seed: int) -> dict[str, np.ndarray]:
        key = (kind, count, seed)
        if key not in self._pools:
            self._pools = {kept: pool for kept, pool in self._pools.items() if kept[1] <= SECTIONS}
            self._pools[key] = pools.load(pools.build(kind, self._work / "pools", count, seed))
        return self._pools[key]

    def _weights(self, name: str) -> Path:
        return self._work / f"experiment-{name}-{self._minutes:g}-{self._scale.divisor:g}.pt"

    def _trained(self, name: str) -> nn.Module:
        """The network of an experiment, which is run first if it has not been."""
        self.run(BY_NAME[name])
        network = BY_NAME[name].make(self._scale, None)
        network.load_state_dict(torch.load(self._weights(name), map_location="cpu"))
        return network

    def _train(self, experiment: Experiment, start: nn.Module | None) -> tuple[nn.Module, dict]:
        objective = (
            objectives.Distillation(self._trained(experiment.teacher)) if experiment.teacher else experiment.objective()
        )
        pool = self._pool(experiment.pool, experiment.sections, POOL_SEED)
        count = HELD_OUT_STACKS if experiment.pool == "ct-stack" else HELD_OUT_SECTIONS
        held_out = self._pool(experiment.pool, count, HELD_OUT_SEED)

        def draw(rng: np.random.Generator, of: dict[str, np.ndarray]) -> Batch:
            return patches.draw_batch(rng, of, neighbours=experiment.neighbours, side=self._scale.side)

        def augmented(rng: np.random.Generator) -> Batch:
            batch = draw(rng, pool)
            return experiment.augmentation(rng, batch) if experiment.augmentation else batch

        minutes = self._minutes * experiment.budget
        rate = FINE_RATE if start is not None else RATE
        torch.manual_seed(experiment.seed)
        return train(
            experiment.make(self._scale, start),
            augmented,
            lambda rng: draw(rng, held_out),
            Plan(minutes, PATIENCE * minutes, rate, experiment.seed),
            self._weights(experiment.name).with_suffix(".log"),
            objective,
            experiment.after_step,
        )

    def run(self, experiment: Experiment) -> None:
        if experiment.name in self._found and (experiment.budget == 0 or self._weights(experiment.name).exists()):
            return
        if experiment.against != experiment.name:
            self.run(BY_NAME[experiment.against])
        start = self._trained(experiment.start) if experiment.start else None
        print(f"--- {experiment.name}: {experiment.what}", flush=True)
        if experiment.budget > 0:
            network, summary = self._train(experiment, start)
            torch.save(network.state_dict(), self._weights(experiment.name))
        else:
            network, summary = experiment.make(self._scale, start), {}
        self._found[experiment.name] = {
            **self._key,
            "parameters": parameter_count(network),
            "gflop": variants.gflop(network, 4 if experiment.neighbours else 2),
            "steps": summary.get("steps", 0),
            "generator_gain_db": summary.get("gain_db"),
            **experiment_cases.score(network, self._cases, self._noise, experiment.neighbours, experiment.kept),
        }
        self._results.write_text(json.dumps(self._found, indent=2) + "\n")

    def table(self) -> str:
        """Markdown of what has been found so far."""
        processor = f"{platform.machine()}, PyTorch {torch.__version__}"
        lines = [
            f"Scale: {self._scale.says()}, patches of {self._scale.side} pixels. Budget: {self._minutes:g} minutes a row "
            f"({best_device()}, {processor}).",
            "",
            "| experiment | what | MParam | GFLOP | steps | PSNR gain dB at strength 0.5 / 0.7 / full blend | SSIM at 0.7 "
            "| at 0.5 against | disc 3 / 5 px, 10 HU, at 0.5 | edge 40 HU at 0.5 | texture at 0.5 | structure |",
            "|---|---|---|---|---|---|---|---|---|---|---|---|",
        ]
        for experiment in EXPERIMENTS:
            row = self._found.get(experiment.name)
            if row is None:
                continue
            base = self._found.get(experiment.against)
            gain = row["gain 0.5"] - base["gain 0.5"] if base else float("nan")
            mark = "**" if gain > WINS_FROM_DB else ""
            against = "" if experiment.name == experiment.against else f"{mark}{gain:+.2f}{mark} ({experiment.against})"
            lines.append(
                f"| {experiment.name} | {experiment.what} | {row['parameters'] / 1e6:.3f} | {row['gflop']:.1f} | {row['steps']} "
                f"| {row['gain 0.5']:+.2f} / {row['gain 0.7']:+.2f} / {row['gain full']:+.2f} | {row['ssim 0.7']:.3f} | {against} "
                f"| {row['disc 3 px 0.5']:.2f} / {row['disc 5 px 0.5']:.2f} | {row['edge 40 0.5']:.2f} "
                f"| {row['texture 0.5']:.2f} | {row['structure']:+.2f} |"
            )
        return "\n".join(lines)


def run(minutes: float, scale: Scale, only: list[str] | None, work: Path, data: Path, folder: Path) -> None:
    """Runs what is missing, then writes `experiments.json` and `EXPERIMENTS.md` into `folder`."""
    torch.set_num_threads(1)
    bench = Bench(minutes, scale, work, data, folder / "experiments.json")
    for experiment in EXPERIMENTS:
        if not only or experiment.name in only:
            bench.run(experiment)
            text = (folder / "EXPERIMENTS.md").read_text() if (folder / "EXPERIMENTS.md").exists() else _HEAD
            head = text.split(_MARK)[0]
            (folder / "EXPERIMENTS.md").write_text(f"{head}{_MARK}\n\n{bench.table()}\n")
    print(bench.table())


_MARK = "<!-- below: written by the command -->"
_HEAD = "# Experiments\n\n"
