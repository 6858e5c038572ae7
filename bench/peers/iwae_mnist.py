"""One run of the table of Burda, Grosse & Salakhutdinov 2016 on a shorter schedule, in PyTorch: what
examples/reproductions/iwae.ts does, with the same data, model and schedule, for the held-out numbers to compare with.

Model: 784-200-200-z50 and back, tanh; weights Glorot uniform, biases zero but the output's: the logits of the training
pixels' means clipped to [0.001, 0.999]; posterior standard deviation exp(logScale); Bernoulli pixels; prior N(0, I).

Training: all 60,000 images, binarised afresh at every use, batch 20, Adam (0.9, 0.999, ε 1e-4), the paper's eight
learning rates 1e-3 · 10^(−i/7), each for an eighth of the steps. elbo: the mean over K draws of log w; importance: the
log of the mean of w; w = p(x, z)/q(z|x).

Held out: log 1/S Σ w of the first images of test-binary.idx (one fixed draw, from prepare-mnist.ts), S = 1,000.

    python bench/peers/iwae_mnist.py FOLDER --bound importance --samples 5 --seed 0 --steps 3000

Prints one line of JSON. Written for PyTorch 2.15, NumPy 2.4, Python 3.11.
"""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

LATENTS, HIDDEN, PIXELS = 50, 200, 784
BATCH, STAGES, IMPORTANCE_SAMPLES = 20, 8, 1000


def read_images(path: Path) -> Tensor:
    """An IDX file of images, as uint8 [images, 784]."""
    content = path.read_bytes()
    assert content[:4] == b"\0\0\x08\x03", path
    return torch.from_numpy(np.frombuffer(content, np.uint8, offset=16).copy()).view(-1, PIXELS)


def dense(inputs: int, outputs: int) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def hidden(inputs: int) -> nn.Sequential:
    return nn.Sequential(dense(inputs, HIDDEN), nn.Tanh(), dense(HIDDEN, HIDDEN), nn.Tanh())


class Vae(nn.Module):
    def __init__(self, pixels: Tensor):
        super().__init__()
        self.body, self.mean, self.log_scale = hidden(PIXELS), dense(HIDDEN, LATENTS), dense(HIDDEN, LATENTS)
        self.decoder = nn.Sequential(hidden(LATENTS), dense(HIDDEN, PIXELS))
        means = (pixels.double().mean(0) / 255).clamp(0.001, 0.999)
        with torch.no_grad():
            self.decoder[-1].bias.copy_(torch.logit(means))

    def log_weights(self, x: Tensor, samples: int) -> Tensor:
        """log p(x|z) + log p(z) − log q(z|x), z ~ q(z|x): [samples, batch]."""
        h = self.body(x)
        mean, log_scale = self.mean(h), self.log_scale(h)
        noise = torch.randn(samples, *mean.shape)  # [samples, batch, 50]
        z = mean + log_scale.exp() * noise
        logits = self.decoder(z)
        reconstruction = -binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(-1)
        return reconstruction + (0.5 * (noise**2 - z**2) + log_scale).sum(-1)  # the ½ log 2π of p and q cancel


def log_mean_exp(log_weights: Tensor) -> Tensor:
    return torch.logsumexp(log_weights, 0) - math.log(len(log_weights))


def batches(count: int):
    while True:
        yield from torch.randperm(count)[: count // BATCH * BATCH].split(BATCH)


def train(pixels: Tensor, options: argparse.Namespace) -> tuple:
    model = Vae(pixels)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-4)
    order, total, counted = batches(len(pixels)), 0.0, 0
    for stage in range(STAGES):
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * 10 ** (-stage / (STAGES - 1))
        total, counted = 0.0, 0
        begin, end = (round(options.steps * i / STAGES) for i in (stage, stage + 1))
        for _ in range(begin, end):
            raw = pixels[next(order)]
            x = (torch.rand(raw.shape) < raw / 255).float()
            log_weights = model.log_weights(x, options.samples)
            bound = log_mean_exp(log_weights) if options.bound == "importance" else log_weights.mean(0)
            optimizer.zero_grad(set_to_none=True)
            (-bound.mean()).backward()
            optimizer.step()
            total, counted = total + log_weights.mean().item(), counted + 1
    return model, total / counted


@torch.no_grad()
def held_out(model: Vae, bits: Tensor) -> dict:
    nll, elbo = [], []
    for x in bits.float().split(100):
        parts = [model.log_weights(x, 50) for _ in range(IMPORTANCE_SAMPLES // 50)]
        log_weights = torch.cat(parts).double()  # [1000, 100]
        nll.append(-log_mean_exp(log_weights))
        elbo.append(log_weights.mean(0))
    per_image = torch.cat(nll)
    error = (per_image.std() / math.sqrt(len(per_image))).item()
    return {"nll": per_image.mean().item(), "nllStandardError": error, "elbo": torch.cat(elbo).mean().item()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="what prepare-mnist.ts wrote")
    parser.add_argument("--bound", choices=["elbo", "importance"], default="elbo")
    parser.add_argument("--samples", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--images", type=int, default=1000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    pixels = read_images(options.folder / "package/data/train-images-idx3-ubyte")
    bits = read_images(options.folder / "test-binary.idx")[: options.images]
    start = time.perf_counter()
    model, training_elbo = train(pixels, options)
    training_seconds = time.perf_counter() - start
    held = held_out(model, bits)
    setting = {name: getattr(options, name) for name in ("bound", "samples", "seed", "steps", "images")}
    times = {"trainingSeconds": round(training_seconds, 1), "seconds": round(time.perf_counter() - start, 1)}
    print(json.dumps({"framework": "PyTorch", **setting, **held, "trainingElbo": training_elbo, **times}))


if __name__ == "__main__":
    main()
