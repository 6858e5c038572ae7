"""One training step of the benchmark's normalizing flows in PyTorch, timed on demand, so that the bench can take turns with it.

After warm-up prints one line of JSON, {"ready": true, "version": …}, or {"ready": false, "error": …} where PyTorch (or, asked
for with --compile, its compiler) cannot be had, and exits 0. Then, for each line `run N` on stdin, takes N steps and prints
{"ms": [one number a step]}. Ends with stdin.

A step: 512 rows of 64 float32 numbers from memory, forward, the mean of −log p, backward, Adam, and the gradients set to None.
coupling: 8 affine couplings (Dinh et al. 2017), the halves taken by chunk; autoregressive: 5 masked autoregressive layers
(Papamakarios et al. 2017; Germain et al. 2015), the mask a buffer that the weight is multiplied by. Each conditioner has one hidden
layer of 256, ReLU; log σ = 5·tanh(raw/5); the numbers are reversed before each layer. --compile compiles the loss; the optimizer is
Adam as torch.optim gives it by default, or its fused kernel with --fused.

    python bench/peers/flow.py --model coupling --threads 1 [--compile] [--fused]

Written for PyTorch 2.15, Python 3.11.
"""

import argparse
import math
import sys

from turns import say, take_turns

ROWS, WARM_UP, BOUND = 10_000, 20, 5
LAYERS = {"coupling": 8, "autoregressive": 5}


try:
    import torch
    from torch import nn
    from torch.nn.functional import linear
except ImportError as error:
    say({"ready": False, "error": f"PyTorch cannot be imported: {error}"})
    sys.exit(0)


class MaskedLinear(nn.Linear):
    """x ↦ x (W ⊙ M)ᵀ + b, where an output sees the inputs of its degree and below."""

    def __init__(self, inputs: torch.Tensor, outputs: torch.Tensor) -> None:
        super().__init__(len(inputs), len(outputs))
        self.register_buffer("mask", (inputs[None, :] <= outputs[:, None]).float())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return linear(x, self.weight * self.mask, self.bias)


class Coupling(nn.Module):
    def __init__(self, d: int, hidden: int) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Linear(d // 2, hidden), nn.ReLU(), nn.Linear(hidden, d))

    def forward(self, x: torch.Tensor) -> tuple:
        stays, moves = x.chunk(2, 1)
        mean, raw = self.network(stays).chunk(2, 1)
        log_scale = BOUND * torch.tanh(raw / BOUND)
        return torch.cat([stays, (moves - mean) * torch.exp(-log_scale)], 1), -log_scale.sum(1)


class Autoregressive(nn.Module):
    def __init__(self, d: int, hidden: int) -> None:
        super().__init__()
        variables = torch.arange(1, d + 1)
        units = 1 + torch.arange(hidden) * (d - 1) // hidden
        self.network = nn.Sequential(
            MaskedLinear(variables, units), nn.ReLU(), MaskedLinear(units, (variables - 1).repeat(2))
        )

    def forward(self, x: torch.Tensor) -> tuple:
        mean, raw = self.network(x).chunk(2, 1)
        log_scale = BOUND * torch.tanh(raw / BOUND)
        return (x - mean) * torch.exp(-log_scale), -log_scale.sum(1)


def steps(options: argparse.Namespace):
    """Takes one training step at every next()."""
    torch.manual_seed(0)
    d, batch = options.d, options.batch
    layer = {"coupling": Coupling, "autoregressive": Autoregressive}[options.model]
    layers = nn.ModuleList(layer(d, options.hidden) for _ in range(LAYERS[options.model]))
    data = torch.randn(ROWS, d)
    optimizer = torch.optim.Adam(layers.parameters(), lr=1e-3, **({"fused": True} if options.fused else {}))

    def loss(z):
        log_det = 0
        for each in layers:
            z, more = each(z.flip(1))
            log_det = log_det + more
        return (0.5 * (z**2).sum(1) + 0.5 * d * math.log(2 * math.pi) - log_det).mean()

    if options.compile:
        loss = torch.compile(loss)
    while True:
        for start in range(0, ROWS - batch + 1, batch):
            loss(data[start : start + batch]).backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            yield


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=list(LAYERS), required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--d", type=int, default=64)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--fused", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    training = steps(options)
    try:
        for _ in range(WARM_UP):
            next(training)
    except Exception as error:  # whatever the compiler or an older torch fails with is the answer here
        say({"ready": False, "error": f"{type(error).__name__}: {error}".splitlines()[0]})
        return
    take_turns(lambda: next(training), torch.__version__)


if __name__ == "__main__":
    main()
