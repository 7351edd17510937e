"""The program: model, guide and their networks; the shipped one, or the user's own."""

from program.networks import Networks, build
from program.program import SHIPPED, Program, read_program

__all__ = ["SHIPPED", "Networks", "Program", "build", "read_program"]
