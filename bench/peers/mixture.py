"""One step of EM in scikit-learn, timed on demand, so that the bench can take turns with it.

After warm-up prints one line of JSON, {"ready": true, "version": …}, or {"ready": false, "error": …} where scikit-learn cannot be
had, and exits 0. Then, for each line `run N` on stdin, takes N steps and prints {"ms": [one number a step]}. Ends with stdin.

A step: GaussianMixture's own E step, M step and bound, as its fit takes them, of so many full covariances on rows drawn from as many
Normals.

    python bench/peers/mixture.py --rows 60000 --columns 16 --components 20 --threads 1

Written for scikit-learn 1.9, NumPy 2.4, Python 3.11.
"""

import argparse
import os

from turns import say, take_turns

WARM_UP = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("rows", "columns", "components", "threads"):
        parser.add_argument(f"--{name}", type=int, required=True)
    options = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(options.threads)  # read when NumPy is imported
    try:
        import numpy as np
        import sklearn
        from sklearn.mixture import GaussianMixture
    except ImportError as error:
        say({"ready": False, "error": f"scikit-learn cannot be imported: {error}"})
        return

    random = np.random.default_rng(0)
    d, count = options.columns, options.components
    centres = random.normal(0, 2, (count, d))
    x = centres[random.integers(0, count, options.rows)] + random.normal(0, 1, (options.rows, d))
    mixture = GaussianMixture(
        count,
        weights_init=np.full(count, 1 / count),
        means_init=centres + random.normal(0, 0.5, centres.shape),
        precisions_init=np.stack([np.eye(d)] * count),
        init_params="random_from_data",
    )
    mixture._initialize_parameters(x, np.random.RandomState(0))

    def step() -> None:
        log_prob_norm, log_resp = mixture._e_step(x)
        mixture._m_step(x, log_resp)
        mixture._compute_lower_bound(log_resp, log_prob_norm)

    for _ in range(WARM_UP):
        step()
    take_turns(step, f"{sklearn.__version__}, NumPy {np.__version__}")


if __name__ == "__main__":
    main()
