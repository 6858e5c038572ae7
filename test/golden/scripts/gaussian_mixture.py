"""gaussian_mixture.json: a mixture of three Normals with full covariances in three dimensions, given to scikit-learn.

For every x: `logProb` by GaussianMixture.score_samples, `posterior` by predict_proba, and `logJoint`, log π_z + log N(x; μ_z, Σ_z),
by SciPy. The last x is far out, where the densities themselves are 0 in float64.

    python test/golden/scripts/gaussian_mixture.py

Written for scikit-learn 1.9, SciPy 1.17, NumPy 2.4, Python 3.11.
"""

import json
import platform
from pathlib import Path

import numpy as np
import scipy
import sklearn
from scipy.stats import multivariate_normal
from sklearn.mixture import GaussianMixture

random = np.random.default_rng(0)
COMPONENTS, D = 3, 3
weights = np.array([0.5, 0.3, 0.2])
means = random.normal(0, 2, (COMPONENTS, D)).round(3)
roots = random.normal(0, 1, (COMPONENTS, D, D))
covariances = (roots @ roots.transpose(0, 2, 1) + 0.3 * np.eye(D)).round(3)

mixture = GaussianMixture(COMPONENTS, covariance_type="full")
mixture.weights_, mixture.means_, mixture.covariances_ = weights, means, covariances
mixture.precisions_cholesky_ = np.linalg.cholesky(np.linalg.inv(covariances))
x = np.concatenate([random.normal(0, 2, (7, D)), [[60, -80, 50]]]).round(3)
joint = np.stack([np.log(weights[z]) + multivariate_normal(means[z], covariances[z]).logpdf(x) for z in range(COMPONENTS)], 1)

content = {
    "versions": {"sklearn": sklearn.__version__, "scipy": scipy.__version__, "numpy": np.__version__, "python": platform.python_version()},
    "weights": weights.tolist(),
    "means": means.tolist(),
    "covariances": covariances.tolist(),
    "x": x.tolist(),
    "logJoint": joint.tolist(),
    "logProb": mixture.score_samples(x).tolist(),
    "posterior": mixture.predict_proba(x).tolist(),
}
file = Path(__file__).parent.parent / "values" / "gaussian_mixture.json"
file.write_text(json.dumps(content, separators=(",", ":")) + "\n")
