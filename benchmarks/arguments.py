"""Argument types that the benchmarks share."""

import argparse
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def listed(one: Callable[[str], T], separator: str = ",") -> Callable[[str], list[T]]:
    """An argument type: at least one item, separated by commas."""

    def parse(text: str) -> list[T]:
        found = [one(item.strip()) for item in text.split(separator) if item.strip()]
        if not found:
            raise argparse.ArgumentTypeError("is empty")
        return found

    return parse


def among(known: Sequence[str]) -> Callable[[str], str]:
    """An argument type: one of these names."""

    def parse(text: str) -> str:
        if text not in known:
            raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(known)}")
        return text

    return parse
