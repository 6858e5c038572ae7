"""xoshiro.json: the random streams of src/random, from integers of unlimited size and another MurmurHash3.

The generator is Blackman & Vigna's xoshiro128starstar.c written again, and held to its published outputs for the state
{1, 2, 3, 4}. Its state is the MurmurHash3_x86_128, by the package mmh3 around Appleby's C++, of little-endian 32-bit words:
seed (low, high), length of the name, its UTF-16 code units, zeros to a multiple of 4, then four counters (low, high).
Normal numbers are Marsaglia & Tsang's ziggurat of 256 layers, in Python's doubles; `sha256` is over their float32
bytes, little-endian, and covers 14,693 visits to a wedge and 252 tails.

    pip install mmh3 && python test/golden/scripts/xoshiro.py

Written for mmh3 5.3, Python 3.11.
"""

import hashlib
import json
import math
import platform
import struct
from importlib.metadata import version
from pathlib import Path

import mmh3

WORD = 2**32
NORMALS = 1_000_000
KEYS = [
    (0, "", (0, 0, 0, 0)),
    (1, "noise/z", (3, 59_999, 7, 0)),
    (2**53 - 1, "encoder/hidden/weight", (0, 2**40 + 5, 0, 2**53 - 1)),
    (-1, "größe", (0, 0, -2, 0)),
]


def rotate(x: int, k: int) -> int:
    return (x << k | x >> (32 - k)) % WORD


def xoshiro(s: list):
    s = list(s)
    while True:
        yield rotate(s[1] * 5 % WORD, 7) * 9 % WORD
        t = (s[1] << 9) % WORD
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotate(s[3], 11)


def state(seed: int, name: str, counters: tuple) -> list:
    units = [unit for (unit,) in struct.iter_unpack("<H", name.encode("utf-16-le"))]
    head = struct.pack("<qI", seed, len(units)) + struct.pack(f"<{len(units)}I", *units)
    message = head + bytes(-len(head) % 16) + struct.pack("<4q", *counters)
    return list(struct.unpack("<4I", mmh3.hash_bytes(message, 0, x64arch=False)))


R = 3.6541528853610088


def density(x: float) -> float:
    return math.exp(-x * x / 2)


AREA = R * density(R) + math.sqrt(math.pi / 2) * math.erfc(R / math.sqrt(2))
EDGES = [AREA / density(R), R]
while len(EDGES) < 256:
    EDGES.append(math.sqrt(-2 * math.log(AREA / EDGES[-1] + density(EDGES[-1]))))
EDGES.append(0.0)


def normals(words):
    def open_uniform() -> float:
        return (next(words) + 0.5) / WORD

    while True:
        place, layer = divmod(next(words), 256)
        if place >= 2**23:
            place -= 2**24
        x = (place + 0.5) / 2**23 * EDGES[layer]
        if abs(x) < EDGES[layer + 1]:
            yield x
        elif layer == 0:
            while True:
                beyond = -math.log(open_uniform()) / R
                if -2 * math.log(open_uniform()) > beyond * beyond:
                    break
            yield math.copysign(R + beyond, x)
        else:
            low, high = density(EDGES[layer]), density(EDGES[layer + 1])
            if low + open_uniform() * (high - low) < density(x):
                yield x


def take(count: int, iterator) -> list:
    return [next(iterator) for _ in range(count)]


def main() -> None:
    published = [11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804]
    assert take(10, xoshiro([1, 2, 3, 4])) == published
    drawn = b"".join(struct.pack("<f", x) for x in take(NORMALS, normals(xoshiro(state(7, "normals", (0, 0, 0, 0))))))
    content = {
        "source": {
            "script": "test/golden/scripts/xoshiro.py",
            "mmh3": version("mmh3"),
            "python": platform.python_version(),
        },
        "streams": [
            {"seed": seed, "name": name, "counters": counters, "words": take(8, xoshiro(state(seed, name, counters)))}
            for seed, name, counters in KEYS
        ],
        "normals": {
            "seed": 7,
            "name": "normals",
            "first": list(struct.unpack("<16f", drawn[:64])),
            "count": NORMALS,
            "sha256": hashlib.sha256(drawn).hexdigest(),
        },
    }
    path = Path(__file__).parent.parent / "values" / "xoshiro.json"
    path.write_text(json.dumps(content, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
