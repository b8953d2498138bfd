"""Training loop for one CPU core: bf16 with channels_last (AMX where there is one), one cosine over the budget, EMA.

Budgets count processor time, which is fair on a shared machine; a wall-clock limit ends the cosine earlier if the
machine is busy.
"""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from limpid_training.network import Ffdr, parameter_count
from limpid_training.patches import BATCH, PATCH, Batch, draw_batch

WARM_UP_STEPS = 100
LAST_RATE = 0.005
EMA_DECAY = 0.998
CHARBONNIER = 0.01
VALIDATION_BATCHES = 4
VALIDATION_SEED = 7


@dataclass(frozen=True)
class Plan:
    """minutes: processor time; wall_minutes: at most this long by the clock."""

    minutes: float
    wall_minutes: float
    rate: float
    seed: int


class Progress:
    """Share of the budget that is used up, 0 to 1."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._cpu, self._wall = time.process_time(), time.monotonic()

    def cpu_minutes(self) -> float:
        return (time.process_time() - self._cpu) / 60

    def wall_minutes(self) -> float:
        return (time.monotonic() - self._wall) / 60

    def share(self) -> float:
        return max(self.cpu_minutes() / self._plan.minutes, self.wall_minutes() / self._plan.wall_minutes)


def _rate(plan: Plan, step: int, share: float) -> float:
    cosine = 0.5 * (1 + np.cos(np.pi * share)) + LAST_RATE
    return plan.rate * min(1, (step + 1) / WARM_UP_STEPS) * cosine


def _loss(network: Ffdr, batch: Batch) -> torch.Tensor:
    with torch.cpu.amp.autocast(dtype=torch.bfloat16):
        output = network(batch.x)
    error = (output.float() - batch.target) * batch.weight
    return torch.sqrt(error * error + CHARBONNIER).mean()


def _gain_db(network: Ffdr, batches: list[Batch]) -> float:
    """Gain of the squared error in fp32, mean over patches in dB: a mean of errors would be that of the few patches in
    which aliasing, which nobody can remove, is many times the noise."""
    gains = []
    with torch.no_grad():
        for batch in batches:
            before = ((batch.x[:, :1] - batch.target) ** 2).mean((1, 2, 3))
            after = ((network(batch.x) - batch.target) ** 2).mean((1, 2, 3))
            gains.append(10 * torch.log10(before / after))
    return float(torch.cat(gains).mean())


def train(
    pool: dict[str, np.ndarray], validation: dict[str, np.ndarray], plan: Plan, init: Path | None, log_path: Path
) -> tuple[Ffdr, dict]:
    """Trains on `pool`; gives the averaged network and a summary, which is also the last line of the log (JSON lines)."""
    torch.set_num_threads(1)
    torch.manual_seed(plan.seed)
    rng = np.random.default_rng(plan.seed)
    network = Ffdr()
    if init is not None:
        network.load_state_dict(torch.load(init, map_location="cpu"))
    network = network.to(memory_format=torch.channels_last)
    averaged = Ffdr().to(memory_format=torch.channels_last)
    averaged.load_state_dict(network.state_dict())
    optimiser = torch.optim.Adam(network.parameters(), lr=plan.rate, betas=(0.9, 0.99))
    validation_rng = np.random.default_rng(VALIDATION_SEED)
    held_out = [draw_batch(validation_rng, validation) for _ in range(VALIDATION_BATCHES)]

    with log_path.open("w") as log:

        def say(**fields) -> None:
            line = json.dumps({k: round(v, 5) if isinstance(v, float) else v for k, v in fields.items()})
            print(line, flush=True)
            print(line, file=log, flush=True)

        say(
            **asdict(plan), parameters=parameter_count(network), patch=PATCH, batch=BATCH, init=init and init.name,
            pool=len(next(iter(pool.values()))), torch=torch.__version__, start_db=_gain_db(averaged, held_out),
        )  # fmt: skip
        progress = Progress(plan)
        step, losses, next_report = 0, [], 1.0
        while (share := progress.share()) < 1:
            rate = _rate(plan, step, share)
            for group in optimiser.param_groups:
                group["lr"] = rate
            loss = _loss(network, draw_batch(rng, pool))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            step += 1
            losses.append(float(loss))
            decay = min(EMA_DECAY, (1 + step) / (10 + step))
            with torch.no_grad():
                for mean, value in zip(averaged.parameters(), network.parameters()):
                    mean.lerp_(value, 1 - decay)
            if progress.cpu_minutes() >= next_report:
                say(minutes=progress.cpu_minutes(), wall_minutes=progress.wall_minutes(), step=step, rate=rate,
                    loss=float(np.mean(losses)), gain_db=_gain_db(averaged, held_out))  # fmt: skip
                losses, next_report = [], progress.cpu_minutes() + 1
        summary = dict(steps=step, cpu_minutes=progress.cpu_minutes(), wall_minutes=progress.wall_minutes(),
                       gain_db=_gain_db(averaged, held_out))  # fmt: skip
        say(done=True, **summary)
    return averaged, summary
