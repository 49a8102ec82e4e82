"""Writes tests/golden/pictures.safetensors: small JPEG and PNG files with Pillow's pixels.

For each case NAME: NAME.file the bytes of the file, NAME.rgb and NAME.grey what Pillow decodes
(turned upright by EXIF, converted to "RGB" and "L"), NAME.resized the RGB picture resized to 20x20
with BILINEAR. Run: python tools/golden/make_pictures.py (needs Pillow and numpy).
"""

import io
import pathlib
import struct
import zlib

import numpy as np
import PIL
from PIL import Image, ImageOps, features

import tensors

ROOT = pathlib.Path(__file__).resolve().parents[2]


def scene(height, width, seed):
    """Smooth colours with some noise, so that every stage of a decoder has something to do."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / (3 + k) + k) * np.cos(y / (5 - k)) for k in range(3)]
    values = 127 + 100 * np.stack(waves, axis=2) + rng.normal(0, 6, (height, width, 3))
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def encode(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def with_orientation(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]


def png(pixels, colour_type, interlaced=False):
    """A file by hand of what Pillow does not write: 16 bits a sample, rows in seven passes."""
    height, width = pixels.shape[:2]
    passes = [pixels[y::dy, x::dx] for y, x, dy, dx in ADAM7] if interlaced else [pixels]
    rows = [row for part in passes if part.size > 0 for row in part]
    data = b"".join(b"\0" + row.tobytes() for row in rows)  # filter 0

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8 * pixels.dtype.itemsize, colour_type, 0, 0, interlaced)
    parts = (b"IHDR", head), (b"IDAT", zlib.compress(data)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def deep(height, width, channels, seed):
    return np.random.default_rng(seed).integers(0, 65536, (height, width, channels)).astype(">u2")


def cases():
    colour, grey = scene(33, 45, 1), scene(31, 29, 2).convert("L")
    alpha = colour.copy()
    alpha.putalpha(grey.resize(colour.size))
    yield "jpeg_420", encode(colour, "JPEG", quality=85)
    yield "jpeg_444", encode(colour, "JPEG", quality=95, subsampling=0)
    yield "jpeg_progressive", encode(colour, "JPEG", quality=80, progressive=True)
    yield "jpeg_grey", encode(grey, "JPEG", quality=90)
    yield "jpeg_cmyk", encode(colour.convert("CMYK"), "JPEG", quality=90)
    for k in range(1, 9):
        yield f"jpeg_turned_{k}", encode(scene(9, 14, k), "JPEG", exif=with_orientation(k))
    yield "png_rgb", encode(colour, "PNG")
    yield "png_grey", encode(grey, "PNG")
    yield "png_alpha", encode(alpha, "PNG")
    yield "png_grey_alpha", encode(alpha.convert("LA"), "PNG")
    yield "png_palette", encode(colour.quantize(19), "PNG")
    yield "png_bits", encode(grey.convert("1"), "PNG")
    yield "png_16_rgb", png(deep(7, 9, 3, 21), 2)
    yield "png_16_alpha", png(deep(7, 9, 4, 22), 6)
    yield "png_16_grey_alpha", png(deep(7, 9, 2, 23), 4)
    yield "png_interlaced", png(np.asarray(scene(19, 21, 11)), 2, True)
    yield "png_16_interlaced", png(deep(5, 3, 3, 24), 2, True)
    yield "png_turned", encode(scene(8, 11, 9), "PNG", exif=with_orientation(6))


def main():
    golden = {}
    for name, data in cases():
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        rgb = image.convert("RGB")
        golden[f"{name}.file"] = np.frombuffer(data, np.uint8)
        golden[f"{name}.rgb"] = np.asarray(rgb)
        golden[f"{name}.grey"] = np.asarray(rgb.convert("L"))
        golden[f"{name}.resized"] = np.asarray(rgb.resize((20, 20), Image.BILINEAR))
    versions = f"Pillow {PIL.__version__}, libjpeg-turbo {features.version('libjpeg_turbo')}"
    tensors.save(ROOT / "tests/golden/pictures.safetensors", golden, {"made_by": versions})


if __name__ == "__main__":
    main()
