"""Writes the tables that test/golden/table.test.ts reads, by pandas, and tables.json with what pandas reads back from them.

`columns` are those of numbers, `values` their rows without missing ones, `lines` where those begin in the file; `labels` the
texts of the label column. Run: python test/golden/scripts/tables.py. Written for pandas 3.1, NumPy 2.4.
"""

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd

folder = Path(__file__).parent.parent / "values" / "tables"
folder.mkdir(exist_ok=True)
files = {}

draws = np.random.default_rng(1)
count = 12
numbers = pd.DataFrame(
    {
        "length": draws.normal(5.5, 1.25, count).round(6),
        "width": draws.normal(-0.02, 3e-3, count),
        "mass": 10.0 ** draws.integers(-12, 20, count) * draws.uniform(1, 9, count),
        "legs": draws.integers(0, 9, count),
    }
)
kinds = pd.Series([["ash", "oak, red", 'the "tall" one', "über\nmehr"][i % 4] for i in range(count)], name="kind")
mixed = pd.concat([numbers, kinds], axis=1)
gaps = mixed.copy()
gaps.loc[[2, 7], "length"] = np.nan
gaps.loc[7, "mass"] = np.nan


def line_of_rows(text: str, header: bool) -> list:
    """The line in which each row begins: a line break within quotes is one of the file too."""
    lines, quoted, start, at = [], False, 1, 1
    begun = False
    for character in text.replace("\r\n", "\n"):
        if not begun:
            start, begun = at, True
        if character == '"':
            quoted = not quoted
        if character == "\n":
            at += 1
            if not quoted:
                lines.append(start)
                begun = False
    return lines[1:] if header else lines


def save(name, frame, label=None, read=None, drop=(), **write):
    path = folder / name
    frame.to_csv(path, **{"index": False, "lineterminator": "\n", **write})
    options = {"sep": write.get("sep", ","), "decimal": write.get("decimal", "."), "encoding": write.get("encoding", "utf-8")}
    header = write.get("header", True)
    back = pd.read_csv(path, **options, **(read or {}), header=0 if header else None)
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode(options["encoding"])
    features = back.drop(columns=[*drop, *([label] if label else [])]).select_dtypes("number")
    whole = ~features.isna().any(axis=1)
    lines = line_of_rows(text, header)
    files[name] = {
        "label": label,
        "columns": [str(column) for column in features.columns] if header else [f"column {i + 1}" for i in range(features.shape[1])],
        "values": features[whole].to_numpy(dtype="float64").tolist(),
        "lines": [line for line, keep in zip(lines, whole) if keep],
        "labels": back.loc[whole, label].astype(str).tolist() if label else None,
    }


save("comma.csv", numbers)
save("semicolon-decimal-comma.csv", mixed, label="kind", sep=";", decimal=",")
save("tab.tsv", mixed, label="kind", sep="\t")
save("bar.txt", numbers, sep="|")
save("quotes.csv", mixed, label="kind")
save("all-quoted.csv", mixed, quoting=1, lineterminator="\r\n")
save("crlf.csv", mixed.assign(kind=kinds.str.replace("\n", "\r\n")), label="kind", lineterminator="\r\n")
save("bom.csv", mixed, encoding="utf-8-sig")
save("index.csv", numbers, index=True, drop=["Unnamed: 0"])
save("gaps.csv", gaps, label="kind")
save("gaps-na.csv", gaps, na_rep="NA", label="kind")
save("gaps-text.tsv", gaps, sep="\t", na_rep="NaN")
save("headless.csv", numbers, header=False)
save("numbered.csv", pd.DataFrame(numbers.to_numpy()))
save("scientific.csv", numbers, float_format="%.9E")
save("zipped.csv.gz", numbers, compression={"method": "gzip", "mtime": 1})

np.savetxt(folder / "savetxt.txt", numbers.to_numpy())
files["savetxt.txt"] = {
    "label": None,
    "columns": [f"column {i + 1}" for i in range(4)],
    "values": np.loadtxt(folder / "savetxt.txt").tolist(),
    "lines": list(range(1, count + 1)),
    "labels": None,
}
(folder / "aligned.txt").write_text(numbers.to_string(index=False) + "\n")
back = pd.read_csv(folder / "aligned.txt", sep=r"\s+")
files["aligned.txt"] = {
    "label": None,
    "columns": list(back.columns),
    "values": back.to_numpy(dtype="float64").tolist(),
    "lines": list(range(2, count + 2)),
    "labels": None,
}

source = {"script": "test/golden/scripts/tables.py", "pandas": pd.__version__, "numpy": np.__version__}
(folder / "tables.json").write_text(json.dumps({"source": source, "files": files}, indent=1, allow_nan=False) + "\n")
