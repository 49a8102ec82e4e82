"""Writes tests/golden/augment.safetensors: what Pillow makes of images with the numbers that we draw.

The draws are those of the library, made here by the same generator; what is made of them (how far, how
strong, which box) follows torchvision's rules, restated, and the pixels are Pillow's. For geometry the
image lies on a black canvas, so that zeros lie outside as in torchvision's transforms of tensors.
tests/golden/README.md says what the tensors hold. Run: python tools/golden/make_augment.py (needs Pillow
and numpy).
"""

import math

import numpy as np
import PIL
from PIL import Image, ImageEnhance, ImageOps

import draws
import tensors
from make_pictures import ROOT

AUGMENT = 3  # the purpose of these draws
SEED, EPOCH = 11, 2
H, W = 21, 18
CROP, MIRROR, SHIFT, ROTATE, COLOUR, TRIVIAL, ERASE, MIX, NOISE = 0, 50, 51, 53, 54, 60, 70, 200, 1000


class Draws:
    """The draws of one sample."""

    def __init__(self, sample):
        self.sample = draws.mix(EPOCH) ^ sample

    def bits(self, number):
        return int(draws.bits(SEED, self.sample, [number], AUGMENT)[0])

    def unit(self, number):
        return (self.bits(number) >> 40) * 2.0**-24

    def between(self, number, low, high):
        return low + (high - low) * self.unit(number)

    def below(self, number, n):
        return (self.bits(number) * n) >> 64


def source(channels):
    stream = 7000 + channels
    low = draws.bits(0, stream, np.arange(H * W * channels)) % np.uint64(190)
    return (30 + low).astype(np.uint8).reshape(H, W, channels)


def as_image(pixels):
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


def of_image(image):
    pixels = np.asarray(image)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def warp(pixels, matrix):
    """Pixel (x, y), seen from the middle, comes from matrix * (x, y)."""
    h, w = pixels.shape[:2]
    canvas = np.pad(pixels, ((40, 40), (40, 40), (0, 0)))
    (a, b), (c, d) = matrix
    mx, my = canvas.shape[1] / 2, canvas.shape[0] / 2
    data = (a, b, mx - a * mx - b * my, c, d, my - c * mx - d * my)
    image = as_image(canvas)
    moved = image.transform(image.size, Image.Transform.AFFINE, data, Image.Resampling.BILINEAR)
    return of_image(moved)[40 : 40 + h, 40 : 40 + w]


def move(pixels, right, down):
    image = as_image(pixels)
    black = Image.new(image.mode, image.size)
    black.paste(image, (right, down))
    return of_image(black)


def turn(pixels, degrees):
    """Against the clock, as Pillow's Image.rotate and torchvision's F.rotate."""
    angle = math.radians(degrees)
    turned = warp(pixels, ((math.cos(angle), -math.sin(angle)), (math.sin(angle), math.cos(angle))))
    return turned


def enhance(pixels, kind, factor):
    return of_image(kind(as_image(pixels)).enhance(factor))


# ---- One operation ----


def mirror(d, pixels):
    return of_image(ImageOps.mirror(as_image(pixels))) if d.unit(MIRROR) < 0.5 else pixels


def shift(d, pixels):
    return move(pixels, down=d.below(SHIFT, 9) - 4, right=d.below(SHIFT + 1, 9) - 4)


def rotate(d, pixels):
    return turn(pixels, d.between(ROTATE, -30, 30))


def brightness(d, pixels):
    return enhance(pixels, ImageEnhance.Brightness, d.between(COLOUR, 0.6, 1.4))


def contrast(d, pixels):
    return enhance(pixels, ImageEnhance.Contrast, d.between(COLOUR + 1, 0, 2.5))


def saturation(d, pixels):
    return enhance(pixels, ImageEnhance.Color, d.between(COLOUR + 2, 0.1, 1.9))


def erase(d, pixels):
    """The rectangle of torchvision's RandomErasing.get_params; the noise is our own."""
    h, w, channels = pixels.shape
    pixels = pixels.copy()
    if d.unit(ERASE) >= 0.75:
        return pixels
    for at in range(ERASE + 1, ERASE + 41, 4):
        area = h * w * d.between(at, 0.02, 0.33)
        ratio = math.exp(d.between(at + 1, math.log(0.3), math.log(3.3)))
        eh, ew = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if not (0 < eh < h and 0 < ew < w):
            continue
        y, x = d.below(at + 2, h - eh + 1), d.below(at + 3, w - ew + 1)
        noise = draws.bits(SEED, d.sample, np.arange(eh * ew * channels) + NOISE, AUGMENT)
        pixels[y : y + eh, x : x + ew] = (noise >> np.uint64(56)).astype(np.uint8).reshape(eh, ew, channels)
        break
    return pixels


# ---- TrivialAugment ----

OPERATIONS = ["Identity", "ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate", "Brightness", "Color",
              "Contrast", "Sharpness", "Posterize", "Solarize", "AutoContrast", "Equalize"]  # fmt: skip


def operation(d):
    return OPERATIONS[d.below(TRIVIAL, len(OPERATIONS))]


def trivial(d, pixels):
    """TrivialAugmentWide of torchvision, but with any strength, and about the middle of the image."""
    name, strength = operation(d), d.unit(TRIVIAL + 1)
    factor = -strength if d.unit(TRIVIAL + 2) < 0.5 else strength
    image, level = as_image(pixels), 0.99 * factor
    made = {
        "Identity": lambda: pixels,
        "ShearX": lambda: warp(pixels, ((1, level), (0, 1))),
        "ShearY": lambda: warp(pixels, ((1, 0), (level, 1))),
        "TranslateX": lambda: move(pixels, round(factor * pixels.shape[1] / 7), 0),  # 32 of 224
        "TranslateY": lambda: move(pixels, 0, round(factor * pixels.shape[0] / 7)),
        "Rotate": lambda: turn(pixels, 135 * factor),
        "Brightness": lambda: enhance(pixels, ImageEnhance.Brightness, 1 + level),
        "Color": lambda: enhance(pixels, ImageEnhance.Color, 1 + level),
        "Contrast": lambda: enhance(pixels, ImageEnhance.Contrast, 1 + level),
        "Sharpness": lambda: enhance(pixels, ImageEnhance.Sharpness, 1 + level),
        "Posterize": lambda: of_image(ImageOps.posterize(image, 8 - int(7 * strength))),
        "Solarize": lambda: of_image(ImageOps.solarize(image, 255 * (1 - strength))),
        "AutoContrast": lambda: of_image(ImageOps.autocontrast(image)),
        "Equalize": lambda: of_image(ImageOps.equalize(image)),
    }
    return made[name]()


def first_of_each(n):
    """Samples that get each operation n times."""
    samples = []
    for name in OPERATIONS:
        samples += [k for k in range(1000) if operation(Draws(k)) == name][:n]
    return samples


# ---- Boxes ----


def crop_box(d, h, w, share):
    """torchvision's RandomResizedCrop.get_params."""
    for at in range(CROP, CROP + 40, 4):
        area = h * w * d.between(at, share, 1)
        ratio = math.exp(d.between(at + 1, math.log(3 / 4), math.log(4 / 3)))
        bw, bh = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < bw <= w and 0 < bh <= h:
            return d.below(at + 2, h - bh + 1), d.below(at + 3, w - bw + 1), bh, bw
    bh, bw = (round(w / (3 / 4)), w) if w / h < 3 / 4 else (h, round(h * (4 / 3))) if w / h > 4 / 3 else (h, w)
    return (h - bh) // 2, (w - bw) // 2, bh, bw


def crop_boxes():
    """Of 20 samples each of a picture of 40x71, and of two in which no part of enough area fits."""
    shapes = [(40, 71, 0.08), (20, 300, 0.9), (301, 19, 0.9)]
    return np.array([crop_box(Draws(k), *shape) for shape in shapes for k in range(20)], np.float32)


def beta(d, a):
    for i in range(100):
        u, v = d.unit(MIX + 8 + 2 * i) ** (1 / a), d.unit(MIX + 9 + 2 * i) ** (1 / a)
        if 0 < u + v <= 1:
            return u / (u + v)
    return 0.5


def cutmix_box(d, h, w):
    """torchvision's CutMix.make_params: y, x, bottom, right and the share of the other image."""
    share = beta(d, 0.7)
    middle_y, middle_x = d.below(MIX + 1, h), d.below(MIX + 2, w)
    half_h, half_w = int(0.5 * math.sqrt(share) * h), int(0.5 * math.sqrt(share) * w)
    y, bottom = max(middle_y - half_h, 0), min(middle_y + half_h, h)
    x, right = max(middle_x - half_w, 0), min(middle_x + half_w, w)
    return y, x, bottom, right, (bottom - y) * (right - x) / (h * w)


# ---- The middle of a picture ----

MIDDLES = [(37, 50, 20, 15), (50, 37, 21, 16), (33, 33, 20, 13), (41, 26, 25, 18), (64, 95, 31, 30), (20, 29, 24, 17)]


def middles(golden):
    """torchvision's resize to `short` and center_crop to `out`: the longer side is rounded down, the
    corner to the nearest, halves to even."""
    for i, (h, w, short, out) in enumerate(MIDDLES):
        pixels = (draws.bits(0, 7100 + i, np.arange(h * w * 3)) & np.uint64(255)).astype(np.uint8)
        sh, sw = (short, int(short * w / h)) if h <= w else (int(short * h / w), short)
        sized = Image.fromarray(pixels.reshape(h, w, 3)).resize((sw, sh), Image.Resampling.BILINEAR)
        top, left = int(round((sh - out) / 2.0)), int(round((sw - out) / 2.0))
        golden[f"middle.{h}x{w}_{short}_{out}"] = np.asarray(sized.crop((left, top, left + out, top + out)))


def main():
    golden = {}
    operations = {"mirror": (mirror, range(6)), "shift": (shift, range(6)), "rotate": (rotate, range(6)),
                  "brightness": (brightness, range(4)), "contrast": (contrast, range(6)),
                  "saturation": (saturation, range(4)), "erase": (erase, range(8)),
                  "trivial": (trivial, first_of_each(2))}  # fmt: skip
    for channels in (1, 3):
        for name, (function, samples) in operations.items():
            if channels == 1 and name == "saturation":
                continue
            golden[f"{name}.{channels}"] = np.stack([function(Draws(k), source(channels)) for k in samples])
            golden[f"{name}.samples"] = np.array(list(samples), np.float32)
    golden["crop.boxes"] = crop_boxes()
    golden["cutmix.boxes"] = np.array([cutmix_box(Draws(k), 32, 20) for k in range(40)], np.float32)
    middles(golden)
    tensors.save(ROOT / "tests/golden/augment.safetensors", golden, {"made_by": f"Pillow {PIL.__version__}"})


if __name__ == "__main__":
    main()
