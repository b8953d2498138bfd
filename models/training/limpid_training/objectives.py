"""Objectives beside the plain one of `train`: adversarial with perceptual loss, and distillation."""

import torch
from torch import nn
from torch.nn import functional

from limpid_training.patches import Batch
from limpid_training.train import NOISE_SHARE, bias_and_noise, best_device, run_in_bf16

ADVERSARIAL = 0.003
PERCEPTUAL = 0.03
TEACHER_SHARE = 0.5


class _Critic(nn.Module):
    """Patch discriminator; gives its score map and the features in between."""

    def __init__(self) -> None:
        super().__init__()
        widths = (1, 24, 48, 96)
        self.steps = nn.ModuleList(nn.Conv2d(a, b, 4, 2, 1) for a, b in zip(widths, widths[1:]))
        self.score = nn.Conv2d(widths[-1], 1, 3, padding=1)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        features = []
        for step in self.steps:
            image = functional.leaky_relu(step(image), 0.2)
            features.append(image)
        return self.score(image), features


class Adversarial:
    """Denoising plus a hinge loss of a discriminator that is trained beside the network, plus a perceptual loss: distance of the
    discriminator's features. (A network trained on photographs would bring their licence and their eye with it.) Patches are
    shown in units of their noise about their mean."""

    def __init__(self) -> None:
        self._critic = _Critic().to(best_device(), memory_format=torch.channels_last)
        self._optimiser = torch.optim.Adam(self._critic.parameters(), lr=2e-4, betas=(0.5, 0.9))

    def __call__(self, network: nn.Module, batch: Batch) -> torch.Tensor:
        output = run_in_bf16(network, batch.x)
        mean = batch.target.mean((1, 2, 3), keepdim=True)
        real, fake = ((image - mean) * batch.weight / 3 for image in (batch.target, output))
        on_real, on_fake = self._critic(real)[0], self._critic(fake.detach())[0]
        judged = functional.relu(1 - on_real).mean() + functional.relu(1 + on_fake).mean()
        self._optimiser.zero_grad(set_to_none=True)
        judged.backward()
        self._optimiser.step()
        for parameter in self._critic.parameters():
            parameter.requires_grad_(False)
        score, features = self._critic(fake)
        wanted = self._critic(real)[1]
        perceptual = sum(functional.l1_loss(a, b) for a, b in zip(features, wanted))
        for parameter in self._critic.parameters():
            parameter.requires_grad_(True)
        error = (output - batch.target) * batch.weight
        return bias_and_noise(error) - ADVERSARIAL * score.mean() + PERCEPTUAL * perceptual


class Distillation:
    """The target is half the truth and half what a larger teacher makes of the same noisy patch."""

    def __init__(self, teacher: nn.Module, noise_share: float = NOISE_SHARE) -> None:
        self._noise_share = noise_share
        self._teacher = teacher.to(best_device(), memory_format=torch.channels_last).eval()

    def __call__(self, network: nn.Module, batch: Batch) -> torch.Tensor:
        with torch.no_grad():
            taught = run_in_bf16(self._teacher, batch.x)
        target = (1 - TEACHER_SHARE) * batch.target + TEACHER_SHARE * taught
        return bias_and_noise((run_in_bf16(network, batch.x) - target) * batch.weight, self._noise_share)
