"""mlp-vae.json and conv-vae.json: loss, gradients and ten Adam steps of two small Bernoulli VAEs in float64.

loss = −mean over the batch of (Σ_pixels log p(x|z) − KL(q(z|x) ‖ N(0, I))),
z = mean + scale · noise, scale = exp(logScale); the encoder's output is mean, then logScale.
One batch and ten noise draws, one a step; `losses` are taken before each step, so losses[0] is `loss`.
Adam: learning rate 1e-3, betas 0.9 and 0.999, epsilon 1e-8.

Layouts: dense weight [in, out] (x·W + b), conv weight [out, in, kh, kw], transposed conv weight [in, out, kh, kw].

    python test/golden/scripts/vae.py

Written for PyTorch 2.15, Python 3.11.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, conv2d, conv_transpose2d, relu
from values import array, arrays, normal, write

STEPS, LATENTS = 10, 3


def layer(name: str, weight_shape: list, fan_in: int, outputs: int) -> dict:
    return {
        f"{name}/weight": normal(*weight_shape, std=math.sqrt(2 / fan_in)),
        f"{name}/bias": normal(outputs, std=0.1),
    }


def dense_layer(name: str, inputs: int, outputs: int) -> dict:
    return layer(name, [inputs, outputs], inputs, outputs)


def conv_layer(name: str, inputs: int, outputs: int) -> dict:
    return layer(name, [outputs, inputs, 4, 4], inputs * 16, outputs)


def conv_transpose_layer(name: str, inputs: int, outputs: int) -> dict:
    return layer(name, [inputs, outputs, 4, 4], inputs * 4, outputs)  # stride 2: a pixel sees 2 × 2 of the 4 × 4 kernel


def dense(parameters: dict, name: str, x: Tensor) -> Tensor:
    return x @ parameters[f"{name}/weight"] + parameters[f"{name}/bias"]


def conv(parameters: dict, name: str, x: Tensor) -> Tensor:
    return conv2d(x, parameters[f"{name}/weight"], parameters[f"{name}/bias"], stride=2, padding=1)


def conv_transpose(parameters: dict, name: str, x: Tensor) -> Tensor:
    return conv_transpose2d(x, parameters[f"{name}/weight"], parameters[f"{name}/bias"], stride=2, padding=1)


def mlp_parameters() -> dict:
    return {
        **dense_layer("encoder/hidden1", 24, 16),
        **dense_layer("encoder/hidden2", 16, 12),
        **dense_layer("encoder/output", 12, 2 * LATENTS),
        **dense_layer("decoder/hidden1", LATENTS, 12),
        **dense_layer("decoder/hidden2", 12, 16),
        **dense_layer("decoder/output", 16, 24),
    }


def mlp_encoder(parameters: dict, x: Tensor) -> Tensor:
    h = relu(dense(parameters, "encoder/hidden1", x))
    h = relu(dense(parameters, "encoder/hidden2", h))
    return dense(parameters, "encoder/output", h)


def mlp_decoder(parameters: dict, z: Tensor) -> Tensor:
    h = relu(dense(parameters, "decoder/hidden1", z))
    h = relu(dense(parameters, "decoder/hidden2", h))
    return dense(parameters, "decoder/output", h)


def conv_parameters() -> dict:
    return {
        **conv_layer("encoder/conv1", 1, 4),
        **conv_layer("encoder/conv2", 4, 6),
        **dense_layer("encoder/output", 6 * 3 * 3, 2 * LATENTS),
        **dense_layer("decoder/input", LATENTS, 6 * 3 * 3),
        **conv_transpose_layer("decoder/conv1", 6, 4),
        **conv_transpose_layer("decoder/conv2", 4, 1),
    }


def conv_encoder(parameters: dict, x: Tensor) -> Tensor:
    h = relu(conv(parameters, "encoder/conv1", x))  # [batch, 1, 12, 12] → [batch, 4, 6, 6]
    h = relu(conv(parameters, "encoder/conv2", h))  # → [batch, 6, 3, 3]
    return dense(parameters, "encoder/output", h.flatten(1))


def conv_decoder(parameters: dict, z: Tensor) -> Tensor:
    h = relu(dense(parameters, "decoder/input", z)).view(-1, 6, 3, 3)
    h = relu(conv_transpose(parameters, "decoder/conv1", h))  # → [batch, 4, 6, 6]
    return conv_transpose(parameters, "decoder/conv2", h)  # → [batch, 1, 12, 12]


def vae_loss(encoder, decoder, parameters: dict, x: Tensor, noise: Tensor) -> Tensor:
    mean, log_scale = encoder(parameters, x).chunk(2, dim=1)
    scale = log_scale.exp()
    logits = decoder(parameters, mean + scale * noise)
    reconstruction = -binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)
    rate = (0.5 * (mean**2 + scale**2 - 1) - log_scale).sum(1)
    return -(reconstruction - rate).mean()


def golden(seed: int, x_shape: list, initial_parameters, encoder, decoder) -> dict:
    torch.manual_seed(seed)
    initial = initial_parameters()
    x = torch.bernoulli(torch.full(x_shape, 0.4, dtype=torch.float64))
    noise = [normal(x_shape[0], LATENTS) for _ in range(STEPS)]

    parameters = {name: value.clone().requires_grad_() for name, value in initial.items()}
    optimizer = torch.optim.Adam(parameters.values(), lr=1e-3, betas=(0.9, 0.999), eps=1e-8)
    losses, gradients = [], {}
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = vae_loss(encoder, decoder, parameters, x, noise[step])
        loss.backward()
        if step == 0:
            gradients = {name: value.grad.clone() for name, value in parameters.items()}
        optimizer.step()
        losses.append(loss.item())
    return {
        "batch": {"x": array(x)},
        "noise": [array(draw) for draw in noise],
        "parameters": arrays(initial),
        "loss": losses[0],
        "gradients": arrays(gradients),
        "losses": losses,
        "parametersAfter": arrays(parameters),
    }


if __name__ == "__main__":
    torch.set_num_threads(1)  # the last bit of a sum depends on it
    write("mlp-vae", golden(1, [8, 24], mlp_parameters, mlp_encoder, mlp_decoder))
    write("conv-vae", golden(2, [4, 1, 12, 12], conv_parameters, conv_encoder, conv_decoder))
