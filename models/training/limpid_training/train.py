"""Training loop: bf16 with channels_last (a GPU where there is one; AMX or AVX-512 else), one cosine over the budget, EMA.

Budgets count processor time, which is fair on a shared machine (time by the clock on a GPU); a wall-clock limit ends the
cosine earlier if the machine is busy.
"""

import copy
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from limpid_training.network import parameter_count
from limpid_training.patches import Batch

WARM_UP_STEPS = 100
LAST_RATE = 0.005
EMA_DECAY = 0.998
VALIDATION_BATCHES = 4
VALIDATION_SEED = 7

ROBUST_FROM = 1.0
"""Errors beyond this many sigmas (edges) count linearly, smaller ones by their square: an absolute error would take faint
contrasts for noise wherever noise is likelier."""

NOISE_SHARE = 0.3
"""What noise that stays weighs against bias of the same size. The run time blends about half of the noise back anyway, and
contrast that is gone is gone."""


@dataclass(frozen=True)
class Plan:
    """minutes: processor time; wall_minutes: at most this long by the clock."""

    minutes: float
    wall_minutes: float
    rate: float
    seed: int


Objective = Callable[[nn.Module, Batch], torch.Tensor]
Draw = Callable[[np.random.Generator], Batch]


def best_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Progress:
    """Share of the budget that is used up, 0 to 1."""

    def __init__(self, plan: Plan, device: torch.device) -> None:
        self._plan = plan
        self._clock = time.monotonic if device.type == "cuda" else time.process_time
        self._spent, self._wall = self._clock(), time.monotonic()

    def minutes(self) -> float:
        return (self._clock() - self._spent) / 60

    def wall_minutes(self) -> float:
        return (time.monotonic() - self._wall) / 60

    def share(self) -> float:
        return max(self.minutes() / self._plan.minutes, self.wall_minutes() / self._plan.wall_minutes)


def _rate(plan: Plan, step: int, share: float) -> float:
    cosine = 0.5 * (1 + np.cos(np.pi * share)) + LAST_RATE
    return plan.rate * min(1, (step + 1) / WARM_UP_STEPS) * cosine


def robust(error: torch.Tensor) -> torch.Tensor:
    """Mean of a smooth loss: the square up to about ROBUST_FROM, linear beyond."""
    scaled = error / ROBUST_FROM
    return ROBUST_FROM**2 * 2 * (torch.sqrt(1 + scaled * scaled) - 1).mean()


def bias_and_noise(error: torch.Tensor, noise_share: float = NOISE_SHARE) -> torch.Tensor:
    """Loss of errors in units of the patch's noise. With two draws a patch, half their sum and half their difference tell bias
    from noise: expected squares are bias^2 + noise^2 / 2 and noise^2 / 2, so the weights make it bias^2 + noise_share noise^2."""
    first, second = error.chunk(2)
    return robust((first + second) / 2) + (2 * noise_share - 1) * robust((first - second) / 2)


def run_in_bf16(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    with torch.autocast(x.device.type, dtype=torch.bfloat16):
        output = network(x)
    return output.float()


def denoising(noise_share: float = NOISE_SHARE) -> Callable[[nn.Module, Batch], torch.Tensor]:
    """The objective of the networks that ship."""
    return lambda network, batch: bias_and_noise((run_in_bf16(network, batch.x) - batch.target) * batch.weight, noise_share)


def held_out_figures(network: nn.Module, batches: list[Batch]) -> dict[str, float]:
    """In fp32. gain_db: of the squared error, mean over patches in dB (a mean of errors would be that of the few patches in which
    aliasing, which nobody can remove, is many times the noise); noise that stays and bias, root mean squares in sigmas."""
    gains, noise, bias = [], [], []
    with torch.no_grad():
        for batch in batches:
            error = network(batch.x) - batch.target
            before = ((batch.x[:, :1] - batch.target) ** 2).mean((1, 2, 3))
            gains.append(10 * torch.log10(before / (error**2).mean((1, 2, 3))))
            first, second = (error * batch.weight).chunk(2)
            noise.append(float(((first - second) ** 2).mean() / 2))
            bias.append(float((first * second).mean()))
    return {
        "gain_db": float(torch.cat(gains).mean()),
        "noise": float(np.mean(noise)) ** 0.5,
        "bias": max(float(np.mean(bias)), 0) ** 0.5,
    }


def train(
    network: nn.Module,
    draw: Draw,
    held_out_batches: Draw,
    plan: Plan,
    log_path: Path,
    objective: Objective = denoising(),
    after_step: Callable[[nn.Module, float], None] = lambda network, share: None,
) -> tuple[nn.Module, dict]:
    """Trains on the batches of `draw`, is judged on those of `held_out_batches`; gives the averaged network and a summary, which is also the last line of the log (JSON
    lines). `after_step` is called with the share of the budget that is used up."""
    device = best_device()
    torch.set_num_threads(1)
    torch.manual_seed(plan.seed)
    rng = np.random.default_rng(plan.seed)
    network = network.to(device, memory_format=torch.channels_last)
    averaged = copy.deepcopy(network).eval()
    network.train()
    optimiser = torch.optim.Adam(network.parameters(), lr=plan.rate, betas=(0.9, 0.99))
    validation_rng = np.random.default_rng(VALIDATION_SEED)
    held_out = [held_out_batches(validation_rng).to(device) for _ in range(VALIDATION_BATCHES)]

    with log_path.open("w") as log:

        def say(**fields) -> None:
            line = json.dumps({k: round(v, 5) if isinstance(v, float) else v for k, v in fields.items()})
            print(line, flush=True)
            print(line, file=log, flush=True)

        say(
            **asdict(plan), parameters=parameter_count(network), batch=list(held_out[0].x.shape), device=str(device),
            torch=torch.__version__, **held_out_figures(averaged, held_out),
        )  # fmt: skip
        progress = Progress(plan, device)
        step, losses, next_report = 0, [], 1.0
        while (share := progress.share()) < 1:
            for group in optimiser.param_groups:
                group["lr"] = _rate(plan, step, share)
            value = objective(network, draw(rng).to(device))
            optimiser.zero_grad(set_to_none=True)
            value.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            step += 1
            losses.append(float(value))
            after_step(network, share)
            decay = min(EMA_DECAY, (1 + step) / (10 + step))
            with torch.no_grad():
                for mean, now in zip(averaged.state_dict().values(), network.state_dict().values()):
                    mean.lerp_(now, 1 - decay)
            if progress.minutes() >= next_report:
                say(minutes=progress.minutes(), wall_minutes=progress.wall_minutes(), step=step,
                    loss=float(np.mean(losses)), **held_out_figures(averaged, held_out))  # fmt: skip
                losses, next_report = [], progress.minutes() + 1
        summary = dict(steps=step, minutes=progress.minutes(), wall_minutes=progress.wall_minutes(),
                       **held_out_figures(averaged, held_out))  # fmt: skip
        say(done=True, **summary)
    return averaged.cpu(), summary
