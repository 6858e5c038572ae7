"""Small image files as Pillow writes them, in values/images/, and images.json with the pixels that Pillow reads from them.

Pixels are base64 of [height, width, channels] in bytes: upright (ImageOps.exif_transpose), on white
(Image.alpha_composite), the first frame, grey where the file has no colour, at the file's own size.
Of 16 bits the high byte is taken, by NumPy: Pillow would clip. CMYK goes through the file's own profile by LittleCMS
(ImageCms). That profile is made below, from 16 corners of ink, since the ones that printers use are large.

    python test/golden/scripts/images.py

Written for Pillow 13.0 (LittleCMS 2), NumPy 2.4, Python 3.11.
"""

import base64
import io
import json
import platform
import struct
from pathlib import Path

import numpy as np
import PIL
from PIL import Image, ImageCms, ImageOps

folder = Path(__file__).parent.parent / "values" / "images"
random = np.random.default_rng(0)


def noise(*shape: int) -> np.ndarray:
    return random.integers(0, 256, shape, dtype=np.uint8)


def corners(height: int = 16, width: int = 24) -> np.ndarray:
    """A slope of colours with four corners that tell the eight orientations apart."""
    y, x = np.mgrid[0:height, 0:width]
    image = np.stack([x * 200 // width + 20, y * 200 // height + 20, 220 - x * 100 // width], -1).astype(np.uint8)
    for at_y, at_x, colour in [(0, 0, "ff0000"), (0, 1, "00ff00"), (1, 0, "0000ff"), (1, 1, "ffffff")]:
        rows, columns = slice(at_y * (height - 8), at_y * (height - 8) + 8), slice(at_x * (width - 8), at_x * (width - 8) + 8)
        image[rows, columns] = list(bytes.fromhex(colour))
    return image


def curved(signature: bytes, body: bytes) -> bytes:
    return signature + bytes(4) + body


def cmyk_profile() -> bytes:
    """An ICC profile, version 2, whose only table (lut8) runs between the 16 corners of ink."""
    inks = {(0, 0, 0): (100, 0, 0), (1, 0, 0): (62, -25, -40), (0, 1, 0): (50, 60, -3), (0, 0, 1): (89, -5, 70)}
    inks |= {(1, 1, 0): (30, 17, -40), (1, 0, 1): (52, -45, 27), (0, 1, 1): (50, 55, 40), (1, 1, 1): (25, 0, 0)}
    table = bytearray()
    for c in (0, 1):
        for m in (0, 1):
            for y in (0, 1):
                for k in (0, 1):
                    lightness, a, b = (value * (0.15 if k else 1) for value in inks[c, m, y])
                    table += bytes([round(lightness * 2.55), round(a) + 128, round(b) + 128])
    unchanged = bytes(range(256))
    identity = struct.pack(">9i", *(65536 if i % 4 == 0 else 0 for i in range(9)))
    lut = curved(b"mft1", bytes([4, 3, 2, 0]) + identity + 4 * unchanged + bytes(table) + 3 * unchanged)
    white = struct.pack(">3i", 63190, 65536, 54061)  # D50
    name = b"Reparam test inks\0"
    tags = {
        b"desc": curved(b"desc", struct.pack(">I", len(name)) + name + bytes(78)),
        b"cprt": curved(b"text", b"No rights reserved\0"),
        b"wtpt": curved(b"XYZ ", white),
        b"A2B0": lut,
    }
    offset = 128 + 4 + 12 * len(tags)
    directory, body = struct.pack(">I", len(tags)), b""
    for tag, content in tags.items():
        directory += tag + struct.pack(">II", offset + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    header = struct.pack(">I4sI4s4s4s12x4s", offset + len(body), bytes(4), 0x02100000, b"prtr", b"CMYK", b"Lab ", b"acsp")
    return header + bytes(68 - len(header)) + white + bytes(128 - 80) + directory + body


def on_white(image: Image.Image) -> Image.Image:
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")


files = {}


def save(name: str, image: Image.Image, grey: bool = False, alpha: bool = False, **options) -> None:
    path = folder / name
    image.save(path, **options)
    read = ImageOps.exif_transpose(Image.open(path))
    sixteen_bit = read.mode.startswith("I;16")
    if sixteen_bit:
        pixels = (np.asarray(read) >> 8).astype(np.uint8)
    elif read.mode == "CMYK":
        profile = ImageCms.ImageCmsProfile(io.BytesIO(read.info["icc_profile"]))
        pixels = np.asarray(ImageCms.profileToProfile(read, profile, ImageCms.createProfile("sRGB"), outputMode="RGB"))
    else:
        pixels = np.asarray(on_white(read))
        if grey:
            assert (pixels == pixels[..., :1]).all()
            pixels = pixels[..., 0]
    files[name] = {
        "width": read.width,
        "height": read.height,
        "grey": grey,
        "alpha": alpha,
        "sixteenBit": sixteen_bit,
        "animated": getattr(read, "n_frames", 1) > 1 or "append_images" in options,
        "format": Image.open(path).format.lower(),
        "pixels": base64.b64encode(pixels.tobytes()).decode(),
    }


if __name__ == "__main__":
    folder.mkdir(exist_ok=True)
    save("grey.png", Image.fromarray(noise(6, 8)), grey=True)
    save("rgb.png", Image.fromarray(noise(7, 5, 3)))
    save("rgba.png", Image.fromarray(noise(6, 8, 4)), alpha=True)
    save("grey-alpha.png", Image.merge("LA", [Image.fromarray(noise(6, 8)), Image.fromarray(noise(6, 8))]), grey=True, alpha=True)
    save("palette.png", Image.fromarray(noise(6, 8, 3)).quantize(16))
    save("palette-transparent.png", Image.fromarray(noise(6, 8, 3)).quantize(16), alpha=True, transparency=3)
    save("sixteen-bit.png", Image.fromarray(random.integers(0, 65536, (6, 8)).astype(np.uint16)), grey=True)
    save("one-bit.png", Image.fromarray(noise(6, 8) > 127), grey=True)
    save("rgb.tiff", Image.fromarray(noise(6, 8, 3)), compression="tiff_lzw")
    save("alpha.webp", Image.fromarray(noise(6, 8, 4)), alpha=True, lossless=True, exact=True)
    frames = [Image.fromarray(noise(6, 8, 3)).quantize(16) for _ in range(3)]
    # transparent is, in the frames after the first, what stays as it was
    save("animated.gif", frames[0], alpha=True, save_all=True, append_images=frames[1:], duration=100)
    save("animated.webp", Image.fromarray(noise(6, 8, 3)), save_all=True, append_images=[Image.fromarray(noise(6, 8, 3))], lossless=True)
    save("colour.jpg", Image.fromarray(corners(17, 23)), quality=90)
    save("grey.jpg", Image.fromarray(corners()).convert("L"), grey=True, quality=90)
    save("inks.jpg", Image.fromarray(corners()).convert("CMYK"), quality=95, subsampling=0, icc_profile=cmyk_profile())

    # stored so that each, once turned as its tag says, shows the same upright picture
    stored_from_upright = [None, 0, 3, 1, 5, 2, 6, 4]  # Image.Transpose that undoes what each orientation asks for
    for orientation, transposition in enumerate(stored_from_upright, 1):
        upright = Image.fromarray(corners())
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored = upright if transposition is None else upright.transpose(Image.Transpose(transposition))
        save(f"orientation-{orientation}.jpg", stored, exif=exif, quality=95, subsampling=0)
        shown = np.frombuffer(base64.b64decode(files[f"orientation-{orientation}.jpg"]["pixels"]), np.uint8)
        assert np.abs(shown.reshape(16, 24, 3).astype(int) - corners()).mean() < 8, orientation

    # floats have no known white
    Image.fromarray(random.random((4, 4), dtype=np.float32)).save(folder / "float.tiff")

    content = {"versions": {"pillow": PIL.__version__, "numpy": np.__version__, "littlecms": ImageCms.core.littlecms_version, "python": platform.python_version()}, "files": files, "refused": {"float.tiff": "float"}}
    (folder / "images.json").write_text(json.dumps(content, indent=1) + "\n")
