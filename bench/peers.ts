import type { Bars, PeerPlan } from "./race.ts";

/** How PyTorch is run: eager with its default Adam, with its fused one, and with the loss compiled. The bars are held against the first. */
export function torchPeers(script: string, options: PeerPlan["options"], bars: Bars): readonly PeerPlan[] {
  const common = { product: "torch", script, options };
  return [
    { ...common, name: "torch eager", bars },
    { ...common, name: "torch eager, fused Adam", flags: ["--fused"] },
    { ...common, name: "torch compiled, fused Adam", flags: ["--compile", "--fused"] },
  ];
}

export const torchRemedy =
  "PyTorch takes no part: put one into a virtual environment (python3 -m venv torch && torch/bin/pip install torch numpy, or apt install python3-torch) and give it as PYTHON=torch/bin/python";

export const scikitRemedy =
  "scikit-learn takes no part: put it into a virtual environment (python3 -m venv peers && peers/bin/pip install scikit-learn, or apt install python3-sklearn) and give it as PYTHON=peers/bin/python";
