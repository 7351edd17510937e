"""A decoded frame becomes the square picture that an image network expects."""

import numpy as np

EVEN = 1.5  # standard deviation of brightness, of 255, below which a picture shows nothing
WIDEST = 4  # long side over short side; beyond it the ends are cut off, which a central crop never sees


def square(frame, resize: int, crop: int, ratio: float = 1.0) -> np.ndarray:
    """Turn, scale and crop one frame.

    Args:
        frame: an `av.VideoFrame`; its rotation is reported, not applied.
        resize: pixels of the short side, bilinear with antialiasing as torchvision does it with PIL images.
        crop: pixels of the sides of the central square kept.
        ratio: width of a pixel over its height.

    Returns:
        uint8 (crop, crop, 3), RGB.
    """
    from PIL import Image

    upright = trim(turned(frame, ratio))
    height, width = upright.shape[:2]
    short = min(height, width)
    size = (resize * width // short, resize * height // short)
    image = Image.fromarray(np.ascontiguousarray(upright)).resize(size, Image.Resampling.BILINEAR)
    left, top = (round((side - crop) / 2) for side in size)
    return np.asarray(image.crop((left, top, left + crop, top + crop)))


def turned(frame, ratio: float = 1.0) -> np.ndarray:
    """The frame as it is shown, with square pixels: uint8 (height, width, 3), RGB."""
    pixels = frame.reformat(format="rgb24", threads=1).to_ndarray()
    if ratio != 1.0:
        pixels = _with_square_pixels(pixels, min(max(ratio, 1 / WIDEST), WIDEST))
    return np.rot90(pixels, round(frame.rotation / 90) % 4)


def even(pixels: np.ndarray) -> bool:
    """Whether a picture is of one colour all over, as what a decoder shows in place of what it cannot decode."""
    return bool(pixels.std(axis=(0, 1)).max() < EVEN)


def _with_square_pixels(pixels: np.ndarray, ratio: float) -> np.ndarray:
    """The longer side of each pixel made as short as the other, so that no picture grows."""
    from PIL import Image

    height, width = pixels.shape[:2]
    size = (width, max(round(height / ratio), 1)) if ratio > 1 else (max(round(width * ratio), 1), height)
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))


def trim(pixels: np.ndarray) -> np.ndarray:
    """Cut the ends off a picture whose long side is more than `WIDEST` times its short side."""
    height, width = pixels.shape[:2]
    tall, wide = min(height, WIDEST * width), min(width, WIDEST * height)
    top, left = (height - tall) // 2, (width - wide) // 2
    return pixels[top : top + tall, left : left + wide]
