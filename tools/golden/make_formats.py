"""Writes tests/golden/formats.safetensors: small GIF, WebP, TIFF, BMP and PNM files with Pillow's pixels.

For each case NAME: NAME.file the bytes of the file, NAME.rgb and NAME.grey what Pillow decodes of its
first picture (turned upright by EXIF, converted to "RGB" and "L"), NAME.tolerance by how much a pixel
may differ: 0 where the format is lossless. Run: python tools/golden/make_formats.py (needs Pillow and
numpy).
"""

import io
import struct

import numpy as np
import PIL
from PIL import Image, ImageOps, features

import tensors
from make_pictures import ROOT, encode, scene, with_orientation


def bmp(width, height, bits, rows, header=40, compression=0, masks=b"", palette=b""):
    """A file by hand: what Pillow does not write."""
    offset = 14 + header + len(masks) + len(palette)
    data = b"".join(row + b"\0" * (-len(row) % 4) for row in rows)
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(data), 0, 0, 0, 0)
    head = struct.pack("<2sIHHI", b"BM", offset + len(data), 0, 0, offset)
    return head + info + masks + palette + data


def tiff(width, height, bits, samples, data, order="<", tags=()):
    """A file by hand, of one strip or, with tags for tiles and planes, of several parts."""
    parts = data if isinstance(data, list) else [data]
    tile = any(tag == 322 for tag, _, _ in tags)
    offsets, at = [], 8
    for part in parts:
        offsets.append(at)
        at += len(part) + len(part) % 2
    entries = {256: (4, [width]), 257: (4, [height]), 258: (3, [bits] * samples), 259: (3, [1]),
               262: (3, [2 if samples >= 3 else 1]), 277: (3, [samples])}
    entries[324 if tile else 273] = (4, offsets)
    entries[325 if tile else 279] = (4, [len(part) for part in parts])
    if not tile:
        entries[278] = (4, [height])
    for tag, kind, values in tags:
        entries[tag] = (kind, values)
    body = b"".join(part + b"\0" * (len(part) % 2) for part in parts)
    directory, extra = b"", b""
    extra_at = at + 2 + 12 * len(entries) + 4
    for tag in sorted(entries):
        kind, values = entries[tag]
        packed = struct.pack(order + "HI"[kind - 3] * len(values), *values)
        if len(packed) > 4:
            packed, extra = struct.pack(order + "I", extra_at + len(extra)), extra + packed
        directory += struct.pack(order + "HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, at)
    return head + body + struct.pack(order + "H", len(entries)) + directory + b"\0\0\0\0" + extra


def gifs(colour, grey):
    palette = colour.quantize(19)
    yield "gif_palette", encode(palette, "GIF"), 0
    yield "gif_plain", encode(palette, "GIF", interlace=0), 0
    yield "gif_grey", encode(grey, "GIF"), 0
    clear = palette.copy()
    clear.info["transparency"] = 3
    yield "gif_transparent", encode(clear, "GIF", transparency=3), 0
    frames = [scene(17, 21, k).quantize(16) for k in range(3)]
    yield "gif_animated", encode(frames[0], "GIF", save_all=True, append_images=frames[1:]), 0
    small = bytearray(encode(scene(7, 9, 4).quantize(8), "GIF", interlace=0))
    small[6:10] = struct.pack("<HH", 16, 12)  # the screen
    at = small.index(b",\0\0\0\0\x09\0\x07\0")
    small[at + 1 : at + 5] = struct.pack("<HH", 4, 3)  # where the frame lies
    yield "gif_offset", bytes(small), 0


def webps(colour, alpha):
    yield "webp_lossy", encode(colour, "WEBP", quality=80), 0
    yield "webp_lossless", encode(colour, "WEBP", lossless=True), 0
    yield "webp_alpha", encode(alpha, "WEBP", lossless=True, exact=True), 0
    turned = encode(scene(9, 14, 5), "WEBP", lossless=True, exif=with_orientation(8))
    yield "webp_turned", turned, 0
    frames = [scene(15, 12, k) for k in range(2)]
    animated = encode(frames[0], "WEBP", lossless=True, save_all=True, append_images=frames[1:])
    yield "webp_animated", animated, 0


def tiffs(colour, grey, alpha):
    for name, compression in (("plain", None), ("lzw", "tiff_lzw"), ("deflate", "tiff_adobe_deflate"),
                              ("packbits", "packbits")):
        yield f"tiff_{name}", encode(colour, "TIFF", compression=compression), 0
    yield "tiff_jpeg", encode(colour, "TIFF", compression="jpeg", quality=90), 2
    yield "tiff_grey", encode(grey, "TIFF"), 0
    yield "tiff_bits", encode(grey.convert("1"), "TIFF"), 0
    yield "tiff_fax", encode(grey.convert("1"), "TIFF", compression="group4"), 0
    yield "tiff_palette", encode(colour.quantize(19), "TIFF"), 0
    yield "tiff_alpha", encode(alpha, "TIFF"), 0
    yield "tiff_grey_alpha", encode(alpha.convert("LA"), "TIFF"), 0
    yield "tiff_cmyk", encode(colour.convert("CMYK"), "TIFF"), 1
    yield "tiff_turned", encode(scene(8, 11, 9), "TIFF", tiffinfo={0x0112: 6}), 0
    pages = [scene(6, 5, k) for k in range(2)]
    yield "tiff_pages", encode(pages[0], "TIFF", save_all=True, append_images=pages[1:]), 0
    deep = np.random.default_rng(3).integers(0, 65536, (7, 9, 3)).astype(np.uint16)
    yield "tiff_16", tiff(9, 7, 16, 3, deep.astype("<u2").tobytes()), 1
    yield "tiff_16_big_endian", tiff(9, 7, 16, 3, deep.astype(">u2").tobytes(), ">"), 1
    pixels = np.asarray(scene(32, 32, 6))
    tiles = [pixels[y : y + 16, x : x + 16].tobytes() for y in (0, 16) for x in (0, 16)]
    sizes = ((322, 3, [16]), (323, 3, [16]))
    yield "tiff_tiles", tiff(32, 32, 8, 3, tiles, tags=sizes), 0
    planes = [pixels[:, :, k].tobytes() for k in range(3)]
    yield "tiff_planes", tiff(32, 32, 8, 3, planes, tags=((284, 3, [2]),)), 0


def bmps(colour, grey):
    yield "bmp_24", encode(colour, "BMP"), 0
    yield "bmp_8", encode(colour.quantize(19), "BMP"), 0
    yield "bmp_grey", encode(grey, "BMP"), 0
    yield "bmp_1", encode(grey.convert("1"), "BMP"), 0
    yield "bmp_32", encode(colour.convert("RGBA"), "BMP"), 0
    rng = np.random.default_rng(7)
    words = rng.integers(0, 65536, (5, 7)).astype("<u2")
    rows = [row.tobytes() for row in words]
    yield "bmp_555", bmp(7, 5, 16, [(row & 0x7FFF).tobytes() for row in words]), 0
    masks = struct.pack("<III", 0xF800, 0x7E0, 0x1F)
    yield "bmp_565", bmp(7, 5, 16, rows, compression=3, masks=masks), 0
    palette = rng.integers(0, 256, 64).astype(np.uint8).tobytes()
    nibbles = rng.integers(0, 256, (5, 4)).astype(np.uint8)
    yield "bmp_4", bmp(7, 5, 4, [row.tobytes() for row in nibbles], palette=palette), 0
    pixels = np.asarray(scene(6, 5, 3))[:, :, ::-1]
    yield "bmp_top_down", bmp(5, -6, 24, [row.tobytes() for row in pixels]), 0
    yield "bmp_os2", bmp(5, 6, 24, [row.tobytes() for row in pixels], header=12), 0


def pnms(colour, grey):
    yield "pnm_p6", encode(colour, "PPM"), 0
    yield "pnm_p5", encode(grey, "PPM"), 0
    yield "pnm_p4", encode(grey.convert("1"), "PPM"), 0
    yield "pnm_p1", b"P1\n# a comment\n7 3\n1010101\n0 1 1 0 1 0 0\n1111000 # the end\n", 0
    yield "pnm_p2", b"P2 4 2 # wide\n15\n0 3 7 15\n1 2 4 8\n", 0
    yield "pnm_p3", b"P3\n2 2\n255\n255 0 0  0 255 0\n0 0 255  9 99 199\n", 0
    samples = np.random.default_rng(8).integers(0, 101, (4, 6)).astype(np.uint8)
    yield "pnm_most_100", b"P5\n6 4\n100\n" + samples.tobytes(), 0
    deep = np.random.default_rng(9).integers(0, 65536, (4, 6, 3)).astype(">u2")
    yield "pnm_16", b"P6 6 4 65535\n" + deep.tobytes(), 0


def cases():
    colour, grey = scene(23, 25, 1), scene(21, 19, 2).convert("L")
    alpha = colour.copy()
    alpha.putalpha(grey.resize(colour.size))
    yield from gifs(colour, grey)
    yield from webps(colour, alpha)
    yield from tiffs(colour, grey, alpha)
    yield from bmps(colour, grey)
    yield from pnms(colour, grey)


def main():
    golden = {}
    for name, data, tolerance in cases():
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        rgb = image.convert("RGB")
        golden[f"{name}.file"] = np.frombuffer(data, np.uint8)
        golden[f"{name}.rgb"] = np.asarray(rgb)
        golden[f"{name}.grey"] = np.asarray(rgb.convert("L"))
        golden[f"{name}.tolerance"] = np.array([tolerance], np.uint8)
    made_by = f"Pillow {PIL.__version__}, " + ", ".join(
        f"{library} {features.version(library)}" for library in ("webp", "libtiff", "libjpeg_turbo")
    )
    tensors.save(ROOT / "tests/golden/formats.safetensors", golden, {"made_by": made_by})


if __name__ == "__main__":
    main()
