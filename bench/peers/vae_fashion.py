"""Reparam's default schedule in PyTorch: the same data, model and training, for the held-out numbers to compare with.

Data: the first 10,000 training images of Fashion-MNIST, split 9,000/1,000 into training and validation by the seed,
and the first 1,000 test images, held out. Pixels are binarised afresh at every use: x = u < pixel / 255, u ~ U(0, 1).

Model: ReLU MLP 784-400-400 to 16 latents (mean, logScale; the posterior's standard deviation is exp(logScale)) and
back, Bernoulli pixels, standard normal prior. He normal weights before a ReLU, Glorot uniform for the two output layers, zero
biases, but the decoder's output bias: the logits of the training images' mean, clipped to [0.001, 0.999].

Training: 60 epochs of 140 full batches of 64 (the remaining 40 images of an epoch's shuffle are dropped), Adam 1e-3
(0.9, 0.999, 1e-8); the rate is warmed up linearly over 100 steps, then a cosine takes it to 0 at the last step.

Measured on the held-out images, in nats per image: the ELBO (average of 10 draws of pixels and noise), its rate
KL(q(z|x) ‖ p(z)), the negative log-likelihood by 200 importance samples with the standard error between images, and how
many latents are active (variance of the posterior mean over images > 0.01).

    python bench/peers/vae_fashion.py TRAIN_IMAGES.gz TEST_IMAGES.gz --seed 0 1 2 --threads 1 > results.json

Written for PyTorch 2.15, NumPy 2.4, Python 3.11.
"""

import argparse
import gzip
import json
import math
import platform
import shlex
import sys
import time

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

LATENTS, HIDDEN, PIXELS = 16, 400, 784
BATCH, EPOCHS, WARM_UP, LEARNING_RATE = 64, 60, 100, 1e-3
ELBO_DRAWS, IMPORTANCE_SAMPLES = 10, 200


def read_images(path: str, count: int) -> Tensor:
    """The first `count` images of a gzipped IDX file, as uint8 [count, 784]."""
    with gzip.open(path) as file:
        header = np.frombuffer(file.read(16), ">u4")
        if header[0] != 0x803 or header[1] < count or header[2] * header[3] != PIXELS:
            sys.exit(f"{path}: expected at least {count} images of 28 × 28 in IDX format, got the header {header}")
        pixels = np.frombuffer(file.read(count * PIXELS), np.uint8)
    return torch.from_numpy(pixels.copy()).view(count, PIXELS)


def binarise(pixels: Tensor) -> Tensor:
    return (torch.rand(pixels.shape) < pixels / 255).float()


def relu_mlp(sizes: list) -> nn.Sequential:
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    layers.pop()
    for layer in layers[:-1:2]:
        nn.init.normal_(layer.weight, std=math.sqrt(2 / layer.in_features))
        nn.init.zeros_(layer.bias)
    nn.init.xavier_uniform_(layers[-1].weight)
    nn.init.zeros_(layers[-1].bias)
    return nn.Sequential(*layers)


class Vae(nn.Module):
    def __init__(self, training_pixels: Tensor):
        super().__init__()
        self.encoder = relu_mlp([PIXELS, HIDDEN, HIDDEN, 2 * LATENTS])
        self.decoder = relu_mlp([LATENTS, HIDDEN, HIDDEN, PIXELS])
        mean = (training_pixels / 255).mean(0).clamp(0.001, 0.999)
        with torch.no_grad():
            self.decoder[-1].bias.copy_(torch.logit(mean))

    def posterior(self, x: Tensor) -> tuple:
        return self.encoder(x).chunk(2, -1)  # mean, logScale: [batch, 16] each

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        logits = self.decoder(z)
        return -binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(-1)

    def terms(self, x: Tensor) -> tuple:
        """log p(x|z) and KL(q(z|x) ‖ p(z)), [batch] each, by one sample of z."""
        mean, log_scale = self.posterior(x)
        scale = log_scale.exp()
        z = mean + scale * torch.randn_like(mean)
        rate = 0.5 * (mean**2 + scale**2 - 1 - 2 * log_scale).sum(-1)
        return self.log_likelihood(x, z), rate

    def log_marginal(self, x: Tensor, samples: int) -> Tensor:
        """log (1/K) Σ p(x|z) p(z) / q(z|x), z ~ q(z|x), [batch]. Burda et al. 2016, eq. 8."""
        mean, log_scale = self.posterior(x)
        noise = torch.randn(samples, *mean.shape)  # [K, batch, 16]
        z = mean + log_scale.exp() * noise
        log_ratio = (0.5 * (noise**2 - z**2) + log_scale).sum(-1)  # log p(z) − log q(z|x), the ½ log 2π cancel
        return torch.logsumexp(self.log_likelihood(x, z) + log_ratio, 0) - math.log(samples)


def learning_rate(step: int, steps: int) -> float:
    if step < WARM_UP:
        return LEARNING_RATE * (step + 1) / WARM_UP
    return LEARNING_RATE * 0.5 * (1 + math.cos(math.pi * (step - WARM_UP) / (steps - 1 - WARM_UP)))


def train(pixels: Tensor) -> Vae:
    model = Vae(pixels)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    per_epoch = len(pixels) // BATCH
    for epoch in range(EPOCHS):
        order = torch.randperm(len(pixels))
        total = 0.0
        for index in range(per_epoch):
            rate = learning_rate(epoch * per_epoch + index, EPOCHS * per_epoch)
            for group in optimizer.param_groups:
                group["lr"] = rate
            reconstruction, kl = model.terms(binarise(pixels[order[index * BATCH : (index + 1) * BATCH]]))
            loss = (kl - reconstruction).mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch + 1}: training ELBO {-total / per_epoch:.2f}", file=sys.stderr)
    return model


@torch.no_grad()
def elbo(model: Vae, pixels: Tensor) -> tuple:
    draws = torch.stack([torch.stack(model.terms(binarise(pixels))) for _ in range(ELBO_DRAWS)])  # [draws, 2, images]
    reconstruction, rate = draws.double().mean((0, 2)).tolist()
    return reconstruction - rate, rate


@torch.no_grad()
def held_out(model: Vae, pixels: Tensor) -> dict:
    bound, rate = elbo(model, pixels)
    x = binarise(pixels)
    log_marginal = torch.cat([model.log_marginal(rows, IMPORTANCE_SAMPLES) for rows in x.split(50)]).double()
    return {
        "elbo": bound,
        "rate": rate,
        "nll": -log_marginal.mean().item(),
        "nllStandardError": (log_marginal.std() / math.sqrt(len(x))).item(),
        "activeUnits": int((model.posterior(x)[0].var(0) > 0.01).sum()),
    }


def run(seed: int, images: Tensor, test: Tensor) -> dict:
    torch.manual_seed(seed)
    order = torch.randperm(len(images))
    training, validation = images[order[:9000]], images[order[9000:]]
    start = time.perf_counter()
    model = train(training)
    seconds = time.perf_counter() - start
    return {
        "seed": seed,
        "test": held_out(model, test),
        "validationElbo": elbo(model, validation)[0],
        "trainingSeconds": round(seconds, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train_images", help="gzipped IDX file, at least 10,000 images")
    parser.add_argument("test_images", help="gzipped IDX file, at least 1,000 images")
    parser.add_argument("--seed", type=int, nargs="+", default=[0])
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    images, test = read_images(options.train_images, 10_000), read_images(options.test_images, 1_000)
    result = {
        "command": shlex.join(["python", *sys.argv]),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "threads": options.threads,
        "runs": [run(seed, images, test) for seed in options.seed],
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
