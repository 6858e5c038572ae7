"""ops.json: values and gradients in float64 of operations where an independent reference matters.

conv2d, convTranspose2d: x, weight, c, y and the gradients of Σ y·c with respect to x and weight, over a grid of
    kernel [kh, kw], stride, padding and output padding; conv weight is [out, in, kh, kw], transposed [in, out, kh, kw].
softplus, logSigmoid, erf: value and derivative at points in [−100, 100].
    Beyond ±87.3 an exponential tail is smaller than the smallest normal float32, 1.2e-38.
logsumexp: over the last axis; gradients of Σ y·c. A row of −∞ alone has the value −∞; its gradient is set to 0 here, by
    Reparam's definition, where torch's is NaN.
layerNorm: over the last axis with the biased variance, then weight and bias; gradients of Σ y·c.

    python test/golden/scripts/ops.py

Written for PyTorch 2.15, Python 3.11.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional
from values import array, arrays, float32_exact, normal, write

# kernel, stride, padding and input size
CONV = [
    ((1, 1), 1, 0, (5, 7)),
    ((3, 3), 1, 0, (5, 7)),
    ((3, 3), 1, 1, (5, 7)),
    ((3, 3), 2, 1, (7, 7)),
    ((3, 3), 2, 1, (6, 5)),
    ((4, 4), 2, 1, (8, 8)),
    ((4, 4), 2, 1, (7, 9)),
    ((5, 5), 3, 2, (9, 8)),
    ((2, 2), 2, 0, (7, 5)),
    ((2, 3), 1, 1, (5, 4)),
    ((1, 1), 2, 0, (5, 6)),
]

# kernel, stride, padding, output padding and input size
CONV_TRANSPOSE = [
    ((1, 1), 1, 0, 0, (3, 5)),
    ((3, 3), 1, 0, 0, (3, 5)),
    ((3, 3), 1, 1, 0, (4, 3)),
    ((3, 3), 2, 1, 0, (3, 4)),
    ((3, 3), 2, 1, 1, (3, 4)),
    ((4, 4), 2, 1, 0, (3, 3)),
    ((4, 4), 2, 1, 1, (3, 2)),
    ((5, 5), 3, 2, 2, (3, 2)),
    ((2, 2), 2, 0, 0, (3, 3)),
    ((2, 3), 1, 1, 0, (4, 5)),
    ((1, 1), 2, 0, 1, (3, 4)),
]

MAGNITUDES = [1e-30, 1e-8, 1e-4, 0.01, 0.1, 0.5, 1, 1.5, 2, 3, 4, 5, 8, 12, 15.5]
MAGNITUDES += [17.6, 18, 20, 25, 30, 50, 80, 86, 88, 100]


def gradients(y: Tensor, c: Tensor, inputs: dict) -> dict:
    return dict(zip(inputs, torch.autograd.grad((y * c).sum(), list(inputs.values()))))


def convolution(operation, weight_shape: list, size: tuple, options: dict) -> dict:
    x = normal(2, 3, *size).requires_grad_()
    weight = normal(*weight_shape, std=0.5).requires_grad_()
    y = operation(x, weight, **options)
    c = normal(*y.shape)
    wrt = gradients(y, c, {"x": x, "weight": weight})
    return arrays({"x": x, "weight": weight, "c": c, "y": y}) | {"gradients": arrays(wrt)}


def conv_case(kernel: tuple, stride: int, padding: int, size: tuple) -> dict:
    case = {"kernel": kernel, "stride": stride, "padding": padding}
    options = {"stride": stride, "padding": padding}
    return case | convolution(functional.conv2d, [2, 3, *kernel], size, options)


def conv_transpose_case(kernel: tuple, stride: int, padding: int, output_padding: int, size: tuple) -> dict:
    case = {"kernel": kernel, "stride": stride, "padding": padding, "outputPadding": output_padding}
    options = {"stride": stride, "padding": padding, "output_padding": output_padding}
    return case | convolution(functional.conv_transpose2d, [3, 2, *kernel], size, options)


def pointwise(operation) -> dict:
    magnitudes = torch.tensor(MAGNITUDES, dtype=torch.float64)
    points = torch.cat([-magnitudes.flip(0), torch.zeros(1, dtype=torch.float64), magnitudes])
    x = float32_exact(points).requires_grad_()
    y = operation(x)
    (derivative,) = torch.autograd.grad(y.sum(), x)
    return arrays({"x": x, "y": y, "derivative": derivative})


def softplus(x: Tensor) -> Tensor:
    return functional.softplus(x, threshold=700)  # torch's default, 20, cuts the tail log(1 + exp(−x))


def logsumexp() -> dict:
    rows = normal(8, 5, std=2)
    rows[1] = -math.inf
    rows[2, :4] = -math.inf
    rows[3, ::2] = -math.inf
    rows[4, 2] = 1e30
    rows[5] += 100
    rows[6] -= 100
    rows[7] = rows[7, 0]
    x, c = float32_exact(rows), normal(8)
    y = torch.logsumexp(x, -1)
    some = x[y.isfinite()].requires_grad_()
    gradient = torch.zeros_like(x)
    gradient[y.isfinite()] = gradients(torch.logsumexp(some, -1), c[y.isfinite()], {"x": some})["x"]
    return arrays({"x": x, "c": c, "y": y}) | {"gradients": arrays({"x": gradient})}


def layer_norm_case(shape: list, offset: float, epsilon: float) -> dict:
    x = float32_exact(normal(*shape) + offset).requires_grad_()
    weight = float32_exact(1 + normal(shape[-1], std=0.3)).requires_grad_()
    bias = normal(shape[-1], std=0.3).requires_grad_()
    y = functional.layer_norm(x, shape[-1:], weight, bias, epsilon)
    c = normal(*shape)
    wrt = gradients(y, c, {"x": x, "weight": weight, "bias": bias})
    inputs = arrays({"x": x, "weight": weight, "bias": bias, "c": c})
    return {"epsilon": epsilon} | inputs | {"y": array(y), "gradients": arrays(wrt)}


def main() -> None:
    torch.set_num_threads(1)  # the last bit of a sum depends on it
    torch.manual_seed(4)
    content = {
        "conv2d": [conv_case(*case) for case in CONV],
        "convTranspose2d": [conv_transpose_case(*case) for case in CONV_TRANSPOSE],
        "softplus": pointwise(softplus),
        "logSigmoid": pointwise(functional.logsigmoid),
        "erf": pointwise(torch.erf),
        "logsumexp": logsumexp(),
        "layerNorm": [
            layer_norm_case([4, 7], 0, 1e-5),
            layer_norm_case([2, 3, 5], 10, 1e-5),
            layer_norm_case([3, 6], 0, 1e-2),
        ],
    }
    write("ops", content)


if __name__ == "__main__":
    main()
