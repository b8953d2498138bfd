"""The table of experiments: each variant trained with the same budget as the plain network, scored on real slices.

Results are kept one by one (JSON) and are not made again for the same budget, so a stopped run goes on where it stopped. The
table is written from the JSON alone.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from limpid_training import augment, compress, experiment_cases, objectives, patches, pools, variants, yardsticks
from limpid_training.network import Ffdr, parameter_count
from limpid_training.patches import Batch
from limpid_training.train import Plan, denoising, robust, run_in_bf16, train

POOL_SEED, HELD_OUT_SEED = 1, 999
SEED = 5
RATE, FINE_RATE = 2e-3, 5e-4
CHARBONNIER = 0.01
WINS_FROM_DB = 0.05
"""On real slices at blend 0.75; less is within what another seed would do."""


def absolute_error(network: nn.Module, batch: Batch) -> torch.Tensor:
    """Charbonnier, as the first networks were trained."""
    error = (run_in_bf16(network, batch.x) - batch.target) * batch.weight
    return torch.sqrt(error * error + CHARBONNIER).mean()


def squared_error(network: nn.Module, batch: Batch) -> torch.Tensor:
    """Noise that stays weighs as much as bias."""
    return robust((run_in_bf16(network, batch.x) - batch.target) * batch.weight)


@dataclass(frozen=True)
class Experiment:
    """One row. start: experiment whose weights it goes on from; teacher: experiment whose network teaches; budget: multiples of the
    common one; make gets the starting network or None."""

    name: str
    what: str
    make: Callable[[nn.Module | None], nn.Module]
    against: str = "plain"
    start: str | None = None
    teacher: str | None = None
    budget: float = 1.0
    pool: str = "ct"
    neighbours: bool = False
    objective: Callable[[], Callable[[nn.Module, Batch], torch.Tensor]] = lambda: denoising
    augmentation: augment.Augmentation | None = None
    after_step: Callable[[nn.Module, float], None] = lambda network, share: None


def _new(make: Callable[[], nn.Module]) -> Callable[[nn.Module | None], nn.Module]:
    return lambda _: make()


def _same(start: nn.Module | None) -> nn.Module:
    return start if start is not None else Ffdr()


EXPERIMENTS = (
    Experiment("plain", "FFDR 48x10, loss of bias and noise", _same),
    Experiment("longer", "twice the budget: on from plain", _same, start="plain"),
    Experiment("squared", "loss: noise weighs as much as bias", _same, objective=lambda: squared_error),
    Experiment("absolute", "loss: Charbonnier of the error", _same, objective=lambda: absolute_error),
    Experiment("wide", "width 64", _new(partial(Ffdr, 64, 10))),
    Experiment("deep", "depth 14", _new(partial(Ffdr, 48, 14))),
    Experiment("small", "width 32, depth 8: fast", _new(partial(Ffdr, 32, 8))),
    Experiment("u-level", "two pairs at a quarter of the resolution", _new(variants.Pooled)),
    Experiment("se", "squeeze and excitation", _new(variants.Excited)),
    Experiment("attention", "two transposed-attention blocks, depth 8", _new(variants.Attending)),
    Experiment("slices-plain", "plain, on the middle slices of stacks", _same, pool="ct-stack"),
    Experiment("slices", "2.5D: neighbouring slices as inputs", _new(partial(Ffdr, 48, 10, 4)), "slices-plain",
               pool="ct-stack", neighbours=True),
    Experiment("mixup", "augmentation: mixup", _same, augmentation=augment.mixup),
    Experiment("cutmix", "augmentation: cutmix", _same, augmentation=augment.cutmix),
    Experiment("elastic", "augmentation: elastic", _same, augmentation=augment.elastic),
    Experiment("intensity", "augmentation: intensity", _same, augmentation=augment.intensity),
    Experiment("teacher", "width 96, depth 14", _new(partial(Ffdr, 96, 14))),
    Experiment("distilled", "target: half truth, half teacher; on from plain", _same, "longer", "plain", "teacher"),
    Experiment("adversarial", "adversarial and perceptual fine-tuning of plain", _same, "longer", "plain",
               objective=objectives.Adversarial),
    Experiment("int8", "INT8-aware fine-tuning of plain", compress.Quantised, "longer", "plain"),
    Experiment("pruned", "half of the inner weights pruned, from plain", _same, "longer", "plain",
               after_step=compress.pruning(0.5)),
    Experiment("red-cnn", "yardstick: RED-CNN", _new(yardsticks.red_cnn)),
    Experiment("unet", "yardstick: U-Net", _new(yardsticks.unet)),
    Experiment("dncnn", "yardstick: DnCNN", _new(yardsticks.dncnn)),
    Experiment("srcnn", "yardstick: SRCNN", _new(yardsticks.srcnn)),
    Experiment("edsr", "yardstick: EDSR", _new(yardsticks.edsr)),
    Experiment("srgan", "yardstick: SRGAN-style, adversarial from the start", _new(yardsticks.srresnet),
               objective=objectives.Adversarial),
)  # fmt: skip
BY_NAME = {experiment.name: experiment for experiment in EXPERIMENTS}


class Bench:
    """Pools, cases and results of one work folder and budget."""

    def __init__(self, minutes: float, work: Path, data: Path, results: Path) -> None:
        self._minutes, self._work, self._results = minutes, work, results
        work.mkdir(parents=True, exist_ok=True)
        self._found: dict[str, dict] = json.loads(results.read_text()) if results.exists() else {}
        self._cases = experiment_cases.real_cases(data, work)
        self._noise = experiment_cases.phantom_noise(work)
        self._pools: dict[tuple[str, int], dict[str, np.ndarray]] = {}

    def _pool(self, kind: str, count: int, seed: int) -> dict[str, np.ndarray]:
        if (kind, seed) not in self._pools:
            self._pools[kind, seed] = pools.load(pools.build(kind, self._work / "pools", count, seed))
        return self._pools[kind, seed]

    def _weights(self, name: str) -> Path:
        return self._work / f"experiment-{name}-{self._minutes:g}.pt"

    def _trained(self, name: str) -> nn.Module:
        """The network of an experiment, which is run first if it has not been."""
        self.run(BY_NAME[name])
        network = BY_NAME[name].make(None)
        network.load_state_dict(torch.load(self._weights(name), map_location="cpu"))
        return network

    def run(self, experiment: Experiment) -> None:
        done = self._found.get(experiment.name)
        if done is not None and done["budget_minutes"] == self._minutes and self._weights(experiment.name).exists():
            return
        if experiment.against != experiment.name:
            self.run(BY_NAME[experiment.against])
        start = self._trained(experiment.start) if experiment.start else None
        objective = (
            objectives.Distillation(self._trained(experiment.teacher)) if experiment.teacher else experiment.objective()
        )
        is_stack = experiment.pool == "ct-stack"
        pool = self._pool(experiment.pool, 40 if is_stack else 200, POOL_SEED)
        held_out = self._pool(experiment.pool, 10 if is_stack else 20, HELD_OUT_SEED)

        def draw(rng: np.random.Generator) -> Batch:
            batch = patches.draw_batch(rng, pool, neighbours=experiment.neighbours)
            return experiment.augmentation(rng, batch) if experiment.augmentation else batch

        torch.manual_seed(SEED)
        minutes = self._minutes * experiment.budget
        plan = Plan(minutes, 20 * minutes, FINE_RATE if start is not None else RATE, SEED)
        print(f"--- {experiment.name}: {experiment.what}", flush=True)
        network, summary = train(
            experiment.make(start),
            draw,
            lambda rng: patches.draw_batch(rng, held_out, neighbours=experiment.neighbours),
            plan,
            self._weights(experiment.name).with_suffix(".log"),
            objective,
            experiment.after_step,
        )
        torch.save(network.state_dict(), self._weights(experiment.name))
        figures = experiment_cases.score(network, self._cases, self._noise, experiment.neighbours)
        self._found[experiment.name] = {
            "budget_minutes": self._minutes,
            "parameters": parameter_count(network),
            "gflop": variants.gflop(network, 4 if experiment.neighbours else 2),
            "steps": summary["steps"],
            "generator_gain_db": summary["gain_db"],
            **figures,
        }
        self._results.write_text(json.dumps(self._found, indent=1) + "\n")

    def table(self) -> str:
        """Markdown of what has been found so far."""
        lines = [
            "| experiment | what | MParam | GFLOP | steps | PSNR gain dB at 0.5 / 0.75 / 1 | SSIM at 0.75 | against | noise kept at 0.5 "
            "| disc 3 / 5 px, 10 HU, at 0.5 | edge 40 HU at 0.5 | texture at 0.5 | structure |",
            "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
        ]
        for experiment in EXPERIMENTS:
            row = self._found.get(experiment.name)
            if row is None:
                continue
            base = self._found.get(experiment.against)
            gain = row["gain 0.75"] - base["gain 0.75"] if base else float("nan")
            mark = "**" if gain > WINS_FROM_DB else ""
            against = "" if experiment.name == experiment.against else f"{mark}{gain:+.2f}{mark} ({experiment.against})"
            lines.append(
                f"| {experiment.name} | {experiment.what} | {row['parameters'] / 1e6:.3f} | {row['gflop']:.1f} | {row['steps']} "
                f"| {row['gain 0.5']:+.2f} / {row['gain 0.75']:+.2f} / {row['gain 1']:+.2f} | {row['ssim 0.75']:.3f} | {against} "
                f"| {row['noise 0.5']:.2f} | {row['disc 3 px 0.5']:.2f} / {row['disc 5 px 0.5']:.2f} | {row['edge 40 0.5']:.2f} "
                f"| {row['texture 0.5']:.2f} | {row['structure']:+.2f} |"
            )
        return "\n".join(lines)


def run(minutes: float, only: list[str] | None, work: Path, data: Path, folder: Path) -> None:
    """Runs what is missing, then writes `experiments.json` and `EXPERIMENTS.md` into `folder`."""
    torch.set_num_threads(1)
    bench = Bench(minutes, work, data, folder / "experiments.json")
    for experiment in EXPERIMENTS:
        if not only or experiment.name in only:
            bench.run(experiment)
            text = (folder / "EXPERIMENTS.md").read_text() if (folder / "EXPERIMENTS.md").exists() else _HEAD
            head = text.split(_MARK)[0]
            (folder / "EXPERIMENTS.md").write_text(f"{head}{_MARK}\n\n{bench.table()}\n")
    print(bench.table())


_MARK = "<!-- below: written by the command -->"
_HEAD = "# Experiments\n\n"
