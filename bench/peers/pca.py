"""Principal components in scikit-learn, timed on demand, so that the bench can take turns with it.

After warm-up prints one line of JSON, {"ready": true, "version": …}, or {"ready": false, "error": …} where scikit-learn cannot be
had, and exits 0. Then, for each line `run N` on stdin, fits N times and prints {"ms": [one number a fit]}. Ends with stdin.

A fit: PCA(n_components) of rows of bytes in a file, which are float64 in memory before the time begins; the solver is the one that
scikit-learn chooses, covariance_eigh for 60,000 × 784.

    python bench/peers/pca.py --file images.bin --columns 784 --components 50 --threads 1

Written for scikit-learn 1.9, NumPy 2.4, Python 3.11.
"""

import argparse
import os

from turns import say, take_turns


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--file", required=True)
    for name in ("columns", "components", "threads"):
        parser.add_argument(f"--{name}", type=int, required=True)
    options = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(options.threads)  # read when NumPy is imported
    try:
        import numpy as np
        import sklearn
        from sklearn.decomposition import PCA
    except ImportError as error:
        say({"ready": False, "error": f"scikit-learn cannot be imported: {error}"})
        return

    x = np.fromfile(options.file, np.uint8).reshape(-1, options.columns).astype(np.float64)

    def fit() -> None:
        PCA(options.components).fit(x)

    fit()
    take_turns(fit, f"{sklearn.__version__}, NumPy {np.__version__}")


if __name__ == "__main__":
    main()
