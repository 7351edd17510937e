"""A sandbox that sleeps over sleep.mp4, and computes without end over spin.mp4, which lasts 4 s."""

import time

from extraction.decoding import decode, sandbox

read = decode.read_clip


def read_clip(path, *arguments):
    while path.name == "sleep.mp4":
        time.sleep(0.3)
    if path.name == "spin.mp4":
        arguments[-1](4.0)  # seconds that the clip lasts
        while True:
            pass
    return read(path, *arguments)


if __name__ == "__main__":
    decode.read_clip = read_clip
    sandbox.main()
