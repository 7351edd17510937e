"""A decoded frame becomes the square picture that an image network expects."""

import numpy as np

WIDEST = 4  # long side over short side; beyond it the ends are cut off, which a central crop never sees


def square(frame, resize: int, crop: int) -> np.ndarray:
    """Turn, scale and crop one frame.

    Args:
        frame: an `av.VideoFrame`; its rotation is reported, not applied.
        resize: pixels of the short side, bilinear with antialiasing as torchvision does it with PIL images.
        crop: pixels of the sides of the central square kept.

    Returns:
        uint8 (crop, crop, 3), RGB.
    """
    from PIL import Image

    upright = trim(turned(frame))
    height, width = upright.shape[:2]
    short = min(height, width)
    size = (resize * width // short, resize * height // short)
    image = Image.fromarray(np.ascontiguousarray(upright)).resize(size, Image.Resampling.BILINEAR)
    left, top = (round((side - crop) / 2) for side in size)
    return np.asarray(image.crop((left, top, left + crop, top + crop)))


def turned(frame) -> np.ndarray:
    """The frame as it is shown: uint8 (height, width, 3), RGB."""
    pixels = frame.reformat(format="rgb24", threads=1).to_ndarray()
    return np.rot90(pixels, round(frame.rotation / 90) % 4)


def trim(pixels: np.ndarray) -> np.ndarray:
    """Cut the ends off a picture whose long side is more than `WIDEST` times its short side."""
    height, width = pixels.shape[:2]
    tall, wide = min(height, WIDEST * width), min(width, WIDEST * height)
    top, left = (height - tall) // 2, (width - wide) // 2
    return pixels[top : top + tall, left : left + wide]
