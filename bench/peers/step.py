"""One training step of the benchmark's VAEs in PyTorch, timed on demand, so that the bench can take turns with it.

After warm-up prints one line of JSON, {"ready": true, …}, or {"ready": false, "error": …} where PyTorch (or, asked for
with --compile, its compiler) cannot be had, and exits 0. Then, for each line `run N` on stdin, takes N steps and prints
{"ms": [one number a step]}. Ends with stdin.

A step: 128 rows of uint8 pixels from memory, binarised (x = u < pixel / 255), noise drawn, forward, backward, Adam, and
the gradients set to None. mlp: 784-400-20 and back, ReLU. conv: 1→32→64 channels, kernel 4, stride 2, padding 1 on
28 × 28, dense to 20 latents, and back. iwae: 20 rows, 50 samples each, 784-200-200-50 and back, the importance-weighted
bound of Burda et al. 2016, eq. 8. Bernoulli likelihood, analytic KL. aae: 784-400-400-16 and back, q(z|x) of the fixed
deviation 0.1, a discriminator 16-256-256-1; a step is a turn: encoder and decoder descend −log p(x|z) − 20 log D(z), then
D its own loss on codes and draws of N(0, I) by an Adam of its own (3e-3, beta1 0.5). --compile compiles the loss; the optimizer is
Adam as torch.optim gives it by default, or its fused kernel with --fused.

    python bench/peers/step.py --model mlp --threads 1 [--compile] [--fused] [--batch 128]

Written for PyTorch 2.15, Python 3.11.
"""

import argparse
import re
import sys
from pathlib import Path

from turns import say, take_turns

LATENTS, HIDDEN, ROWS, WARM_UP = 20, 400, 10_000, 20
IWAE_LATENTS, IWAE_SAMPLES, IWAE_BATCH = 50, 50, 20
AAE_LATENTS, AAE_JUDGE, AAE_SCALE, AAE_WEIGHT = 16, 256, 0.1, 20


try:
    import torch
    from torch import nn
    from torch.nn.functional import binary_cross_entropy_with_logits, softplus
except ImportError as error:
    say({"ready": False, "error": f"PyTorch cannot be imported: {error}"})
    sys.exit(0)


def mlp() -> tuple:
    encoder = nn.Sequential(nn.Linear(784, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2 * LATENTS))
    decoder = nn.Sequential(nn.Linear(LATENTS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 784))
    return (784,), encoder, decoder


def conv() -> tuple:
    encoder = nn.Sequential(
        nn.Conv2d(1, 32, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 64, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64 * 7 * 7, 2 * LATENTS),
    )
    decoder = nn.Sequential(
        nn.Linear(LATENTS, 64 * 7 * 7),
        nn.ReLU(),
        nn.Unflatten(1, (64, 7, 7)),
        nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(32, 1, 4, stride=2, padding=1),
    )
    return (1, 28, 28), encoder, decoder


def iwae() -> tuple:
    width, latents = 200, IWAE_LATENTS
    encoder = nn.Sequential(
        nn.Linear(784, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2 * latents)
    )
    decoder = nn.Sequential(
        nn.Linear(latents, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 784)
    )
    return (784,), encoder, decoder


def aae() -> tuple:
    latents = AAE_LATENTS
    encoder = nn.Sequential(
        nn.Linear(784, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, latents)
    )
    decoder = nn.Sequential(
        nn.Linear(latents, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 784)
    )
    return (784,), encoder, decoder


def blas() -> str:
    """The matrix library PyTorch was built with; a shared one by its path, since Debian's alternatives swap it."""
    config = torch.__config__.show()
    if "BLAS_INFO=mkl" in config:
        return "MKL " + re.search(r"Math Kernel Library Version ([\d.]+)", config).group(1)
    maps = Path("/proc/self/maps")
    shared = re.search(r"/\S*/lib(?:open)?blas\S*", maps.read_text()) if maps.exists() else None
    built = re.search(r"BLAS_INFO=(\w+)", config)
    return shared.group() if shared else built.group(1) if built else "unknown"


def steps(model: str, batch: int, compiled: bool, fused: bool):
    """Takes one training step at every next()."""
    torch.manual_seed(0)
    shape, encoder, decoder = {"mlp": mlp, "conv": conv, "iwae": iwae, "aae": aae}[model]()
    data = torch.randint(0, 256, (ROWS, *shape), dtype=torch.uint8)
    parameters = [*encoder.parameters(), *decoder.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=1e-3, **({"fused": True} if fused else {}))

    def loss(pixels):
        x = (torch.rand(pixels.shape) < pixels / 255).float()
        mean, log_scale = encoder(x).chunk(2, 1)
        scale = log_scale.exp()
        logits = decoder(mean + scale * torch.randn_like(mean))
        distortion = binary_cross_entropy_with_logits(logits, x, reduction="sum")
        rate = (0.5 * (mean**2 + scale**2 - 1) - log_scale).sum()
        return (distortion + rate) / batch

    def importance(pixels):
        x = (torch.rand(pixels.shape) < pixels / 255).float()
        mean, log_scale = encoder(x).chunk(2, 1)
        epsilon = torch.randn(IWAE_SAMPLES, *mean.shape)
        z = mean + log_scale.exp() * epsilon
        logits = decoder(z)
        distortion = binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(-1)
        # log q(z|x) − log p(z); the constants of the two Normals cancel
        rate = (0.5 * (z**2 - epsilon**2) - log_scale).sum(-1)
        return (torch.tensor(IWAE_SAMPLES).log() - torch.logsumexp(-distortion - rate, 0)).mean()

    judge = nn.Sequential(
        nn.Linear(AAE_LATENTS, AAE_JUDGE), nn.ReLU(), nn.Linear(AAE_JUDGE, AAE_JUDGE), nn.ReLU(), nn.Linear(AAE_JUDGE, 1)
    )
    judge_fused = {"fused": True} if fused else {}
    judge_optimizer = torch.optim.Adam(judge.parameters(), lr=3e-3, betas=(0.5, 0.999), **judge_fused)

    def draw(pixels):
        x = (torch.rand(pixels.shape) < pixels / 255).float()
        mean = encoder(x)
        return x, mean + AAE_SCALE * torch.randn_like(mean)

    def autoencoder(pixels):
        x, z = draw(pixels)
        distortion = binary_cross_entropy_with_logits(decoder(z), x, reduction="sum") / batch
        return distortion + AAE_WEIGHT * softplus(-judge(z)).mean()

    def discriminator(pixels):
        with torch.no_grad():
            _, z = draw(pixels)
        return (softplus(-judge(torch.randn_like(z))) + softplus(judge(z))).mean()

    if model == "aae":
        players = [(autoencoder, optimizer), (discriminator, judge_optimizer)]
        if compiled:
            players = [(torch.compile(one), its) for one, its in players]
        while True:
            for start in range(0, ROWS - batch + 1, batch):
                for one, its in players:
                    judge.requires_grad_(its is judge_optimizer)
                    one(data[start : start + batch]).backward()
                    its.step()
                    its.zero_grad(set_to_none=True)
                yield
    if model == "iwae":
        loss, batch = importance, IWAE_BATCH
    if compiled:
        loss = torch.compile(loss)
    while True:
        for start in range(0, ROWS - batch + 1, batch):
            loss(data[start : start + batch]).backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            yield


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=["mlp", "conv", "iwae", "aae"], required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--fused", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    training = steps(options.model, options.batch, options.compile, options.fused)
    try:
        for _ in range(WARM_UP):
            next(training)
    except Exception as error:  # whatever the compiler or an older torch fails with is the answer here
        say({"ready": False, "error": f"{type(error).__name__}: {error}".splitlines()[0]})
        return
    take_turns(lambda: next(training), f"{torch.__version__}, {blas()}")


if __name__ == "__main__":
    main()
