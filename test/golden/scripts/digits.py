"""digits-8x8-idx3-ubyte.gz: the 1,797 optical digits of scikit-learn, 8×8 pixels of 0 to 16, as an IDX file; and
digits_labels.json: which digit each is, one after another.

Alpaydin & Kaynak 1998, "Optical recognition of handwritten digits", UCI Machine Learning Repository, CC BY 4.0.

    python test/golden/scripts/digits.py

Written for scikit-learn 1.9, NumPy 2.4, Python 3.11.
"""

import gzip
import json
import struct
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

digits = load_digits()
images = digits.images.astype(np.uint8)
header = struct.pack(">HBB3I", 0, 8, 3, *images.shape)
values = Path(__file__).parent.parent / "values"
(values / "digits-8x8-idx3-ubyte.gz").write_bytes(gzip.compress(header + images.tobytes(), 9, mtime=0))
labels = "".join(map(str, digits.target))
(values / "digits_labels.json").write_text(json.dumps({"labels": labels}, separators=(",", ":")) + "\n")
