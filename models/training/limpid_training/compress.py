"""Smaller and faster networks: fake quantisation for fine-tuning before INT8, and magnitude pruning."""

import torch
from torch import nn
from torch.nn import functional

from limpid_training.network import Ffdr

RANGE_DECAY = 0.99


def _rounded(values: torch.Tensor, step: torch.Tensor, low: int, high: int) -> torch.Tensor:
    """Values on the grid of `step`; the gradient passes as if they were not rounded (straight-through)."""
    quantised = torch.clamp(torch.round(values / step), low, high) * step
    return values + (quantised - values).detach()


class QuantisedConv(nn.Module):
    """A convolution whose input is uint8 (after a ReLU) or int8 and whose weights are int8 for each output channel."""

    def __init__(self, layer: nn.Conv2d, signed: bool) -> None:
        super().__init__()
        self.layer, self.signed = layer, signed
        self.register_buffer("largest", torch.zeros(()))

    def steps(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Of the input and, [channel, 1, 1, 1], of the weights."""
        weights = self.layer.weight.detach().abs().amax((1, 2, 3), keepdim=True) / 127 + 1e-12
        return self.largest / (127 if self.signed else 255) + 1e-12, weights

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            now = torch.quantile(x.detach().float().abs().flatten()[::17], 0.9995)
            decay = RANGE_DECAY if self.largest > 0 else 0.0
            self.largest.copy_(decay * self.largest + (1 - decay) * now)
        step_x, step_w = self.steps()
        x = _rounded(x, step_x, -128 if self.signed else 0, 127 if self.signed else 255)
        weight = _rounded(self.layer.weight, step_w, -127, 127)
        return functional.conv2d(x, weight, None, self.layer.stride, self.layer.padding)


class Quantised(Ffdr):
    """FFDR whose inner convolutions run in INT8; head, tail and the sums between the pairs stay in floating point. Ranges of
    activations are learnt in training mode."""

    def __init__(self, start: Ffdr) -> None:
        inner = [layer.out_channels for layer in start.body[0::2]]
        super().__init__(start.head.out_channels, len(start.body) + 2, start.head.in_channels, inner)
        self.load_state_dict(start.state_dict())
        self.body = nn.ModuleList(QuantisedConv(layer, signed=i % 2 == 0) for i, layer in enumerate(self.body))


def prune(network: nn.Module, share: float) -> None:
    """Sets the smallest `share` of the weights of each inner 3x3 convolution to 0."""
    with torch.no_grad():
        for layer in network.body:
            magnitude = layer.weight.abs()
            count = int(share * magnitude.numel())
            if count > 0:
                layer.weight[magnitude <= magnitude.flatten().kthvalue(count).values] = 0


def pruning(most: float):
    """After-step hook that prunes more and more until three quarters of the budget are used up."""

    def after_step(network: nn.Module, share: float) -> None:
        prune(network, most * min(1.0, share / 0.75) ** 0.5)

    return after_step
