"""A sandbox that sleeps over sleep.mp4, and over half.mp4 halfway through a message, and computes without end over spin.mp4, of 4 s."""

import os
import sys
import time

from extraction.decoding import decode, sandbox

read = decode.read_clip


def read_clip(path, *arguments):
    if path.name == "half.mp4":
        os.write(int(sys.argv[1]), (100).to_bytes(4) + b"{")
    while path.name in ("sleep.mp4", "half.mp4"):
        time.sleep(0.3)
    if path.name == "spin.mp4":
        arguments[-1](4.0)  # seconds that the clip lasts
        while True:
            pass
    return read(path, *arguments)


if __name__ == "__main__":
    decode.read_clip = read_clip
    sandbox.main()
