"""optimizers.json: parameters after 1 and 10 steps of torch.optim, and clipping by global norm, in float64.

37 parameters. Their gradients, given for each step, have magnitudes from 1e-3 to 10, and four are special: parameter 0
has none, 1 has gradients about Adam's epsilon, 2 has one at the first step only, 3 has a constant one.
`options` are torch.optim's: `lr`, `betas`, `eps`, `weight_decay` (decoupled in AdamW), `momentum`, `nesterov`.

Clipping multiplies every gradient by coefficient = min(1, maxNorm / (norm + 1e-6)), norm over all of them together.

    python test/golden/scripts/optimizers.py

Written for PyTorch 2.15, Python 3.11.
"""

import torch
from torch import Tensor
from torch.optim import SGD, Adam, AdamW
from values import array, arrays, float32_exact, normal, write

PARAMETERS, STEPS = 37, 10
ADAM = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8}
CASES = {
    "sgd": (SGD, {"lr": 0.01}),
    "momentum": (SGD, {"lr": 0.01, "momentum": 0.9}),
    "nesterov": (SGD, {"lr": 0.01, "momentum": 0.9, "nesterov": True}),
    "adam": (Adam, {**ADAM, "weight_decay": 0}),
    "adamw": (AdamW, {**ADAM, "weight_decay": 0.01}),
}


def given_gradients() -> list:
    magnitude = 10 ** torch.linspace(-3, 1, PARAMETERS, dtype=torch.float64)
    gradients = torch.randn(STEPS, PARAMETERS, dtype=torch.float64) * magnitude
    gradients[:, 0] = 0
    gradients[:, 1] = 1e-8 * torch.randn(STEPS, dtype=torch.float64)
    gradients[1:, 2] = 0
    gradients[:, 3] = 0.25
    return list(float32_exact(gradients))


def steps(optimizer_class, options: dict, initial: Tensor, gradients: list) -> dict:
    parameters = initial.clone().requires_grad_()
    optimizer = optimizer_class([parameters], **options)
    after = {}
    for step, gradient in enumerate(gradients, 1):
        parameters.grad = gradient.clone()
        optimizer.step()
        if step in (1, STEPS):
            after[str(step)] = array(parameters)
    return {"options": options, "after": after}


def clipping(gradients: dict, max_norm: float) -> dict:
    parameters = {name: torch.zeros_like(value, requires_grad=True) for name, value in gradients.items()}
    for name, parameter in parameters.items():
        parameter.grad = gradients[name].clone()
    norm = torch.nn.utils.clip_grad_norm_(parameters.values(), max_norm)
    coefficient = (max_norm / (norm + 1e-6)).clamp(max=1.0)  # not returned by torch: the same expression, checked below
    clipped = {name: parameter.grad for name, parameter in parameters.items()}
    assert all(torch.equal(clipped[name], gradients[name] * coefficient) for name in gradients)
    return {
        "maxNorm": max_norm,
        "gradients": arrays(gradients),
        "norm": norm.item(),
        "coefficient": coefficient.item(),
        "clipped": arrays(clipped),
    }


def main() -> None:
    torch.manual_seed(3)
    initial, gradients = normal(PARAMETERS), given_gradients()
    to_clip = {"a/weight": normal(3, 4), "a/bias": normal(4), "b/weight": normal(5, std=3)}
    three_four = {"a": torch.tensor([3.0], dtype=torch.float64), "b": torch.tensor([4.0], dtype=torch.float64)}
    content = {
        "parameters": array(initial),
        "gradients": [array(gradient) for gradient in gradients],
        "optimizers": {name: steps(kind, options, initial, gradients) for name, (kind, options) in CASES.items()},
        "clipping": {
            "above": clipping(to_clip, 1.0),
            "below": clipping(to_clip, 100.0),
            "equal": clipping(three_four, 5.0),
        },
    }
    write("optimizers", content)


if __name__ == "__main__":
    main()
