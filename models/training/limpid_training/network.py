"""The one network of limpid: FFDR 48x10."""

import torch
from torch import nn
from torch.nn import functional

UNIT = 1000.0
"""Image values (HU or delivered MR units) of one network unit."""

WIDTH = 48
DEPTH = 10


class Ffdr(nn.Module):
    """Denoiser at half resolution: [n, 2, h, w] (image, noise deviation; both / UNIT; h, w even) to [n, 1, h, w].

    The first convolution, 6x6 of stride 2, equals a pixel unshuffle and a 3x3 convolution, without the transposition that an
    inference engine would have to do. There are no biases, so scaling the image and its noise scales the result: one network
    serves HU, MR counts and any gain. The network predicts the noise and subtracts it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(2, WIDTH, 6, stride=2, padding=2, bias=False)
        self.body = nn.ModuleList(nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False) for _ in range(DEPTH - 2))
        self.tail = nn.Conv2d(WIDTH, 4, 3, padding=1, bias=False)
        with torch.no_grad():
            self.tail.weight *= 0.1  # begins near the identity

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = functional.relu(self.head(x))
        for first, second in zip(self.body[0::2], self.body[1::2]):
            hidden = hidden + second(functional.relu(first(hidden)))
        noise = functional.pixel_shuffle(self.tail(functional.relu(hidden)), 2)
        return x[:, :1] - noise


def parameter_count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
