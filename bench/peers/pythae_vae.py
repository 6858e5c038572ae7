"""The VAE of pythae's reproducibility/vae.py in PyTorch on this library's draw of zeros and ones, for `reparam train --model
examples/reproductions/pythae-vae.ts` to be held against.

Model: 784-400 to 40 latents and back, ReLU, PyTorch's own weights; posterior variance exp(logVariance); Bernoulli
pixels; prior N(0, I). Training: batches of 100, Adam 1e-4, times 10^(-1/5) after epochs 200 and 350; the parameters of
the best validation ELBO, which one draw of z estimates after every epoch. Held out: log 1/S sum w of the test images.

    python bench/peers/pythae_vae.py FOLDER --seed 0 --epochs 500

FOLDER is what prepare-mnist.ts wrote. Prints one line of JSON. Written for PyTorch 2.15, NumPy 2.4, Python 3.11.
"""

import argparse
import copy
import json
import math
import sys
import time
from pathlib import Path

import torch
from iwae_mnist import log_mean_exp, read_images
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

LATENTS, HIDDEN, PIXELS = 40, 400, 784
BATCH, MILESTONES, FACTOR = 100, [200, 350], 10 ** (-1 / 5)
EVALUATION_BATCH = 50


class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(PIXELS, HIDDEN), nn.ReLU())
        self.mean, self.log_variance = nn.Linear(HIDDEN, LATENTS), nn.Linear(HIDDEN, LATENTS)
        self.decoder = nn.Sequential(nn.Linear(LATENTS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, PIXELS))

    def reconstruction(self, x: Tensor, z: Tensor) -> Tensor:
        logits = self.decoder(z)
        return -binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(-1)

    def elbo(self, x: Tensor) -> Tensor:
        """One draw of z and the rate in closed form: [batch]."""
        h = self.body(x)
        mean, log_variance = self.mean(h), self.log_variance(h)
        z = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        rate = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(-1)
        return self.reconstruction(x, z) - rate

    def log_weights(self, x: Tensor, samples: int) -> Tensor:
        """log p(x|z) + log p(z) - log q(z|x), z ~ q(z|x): [samples, batch]."""
        h = self.body(x)
        mean, log_variance = self.mean(h), self.log_variance(h)
        noise = torch.randn(samples, *mean.shape)
        z = mean + (0.5 * log_variance).exp() * noise
        return self.reconstruction(x, z) + 0.5 * (noise**2 - z**2 + log_variance).sum(-1)


def mean_elbo(model: Vae, images: Tensor) -> float:
    with torch.no_grad():
        return torch.cat([model.elbo(part.float()) for part in images.split(BATCH)]).double().mean().item()


def train(model: Vae, images: Tensor, held: Tensor, epochs: int, rate: float) -> tuple[dict, int, float]:
    """The best parameters by validation, their epoch and its validation ELBO."""
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, MILESTONES, FACTOR)
    best: tuple[dict, int, float] = ({}, 0, -math.inf)
    for epoch in range(1, epochs + 1):
        total = 0.0
        for batch in torch.randperm(len(images)).split(BATCH):
            loss = -model.elbo(images[batch].float()).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total -= loss.item() * len(batch)
        scheduler.step()
        validation = mean_elbo(model, held)
        if validation > best[2]:
            best = (copy.deepcopy(model.state_dict()), epoch, validation)
        if epoch % 10 == 0:
            print(f"epoch {epoch}: {total / len(images):.2f}, validation {validation:.2f}", file=sys.stderr, flush=True)
    return best


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=500)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--samples", type=int, default=200)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    images, held, test = (read_images(options.folder / f"{name}-binary.idx") for name in ("train", "validation", "test"))
    model = Vae()
    start = time.perf_counter()
    parameters, epoch, validation = train(model, images, held, options.epochs, options.learning_rate)
    seconds = time.perf_counter() - start
    model.load_state_dict(parameters)
    elbos, likelihoods = [], []
    with torch.no_grad():
        for part in test.split(EVALUATION_BATCH):
            weights = model.log_weights(part.float(), options.samples).double()
            likelihoods.append(log_mean_exp(weights))
            elbos.append(weights.mean(0))
    nll = -torch.cat(likelihoods)
    result = {
        "framework": "PyTorch",
        "torch": torch.__version__,
        "seed": options.seed,
        "epochs": options.epochs,
        "learningRate": options.learning_rate,
        "bestEpoch": epoch,
        "validationElbo": validation,
        "samples": options.samples,
        "nll": nll.mean().item(),
        "nllStandardError": (nll.std() / math.sqrt(len(nll))).item(),
        "elbo": torch.cat(elbos).mean().item(),
        "seconds": round(seconds),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
