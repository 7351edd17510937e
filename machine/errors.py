"""The exception that means: the input is at fault, not the program."""


class InputError(ValueError):
    """Bad arguments, tables, media or run directories.

    Its text is one sentence that names the file, row, column or number at fault. The commands print it to standard error and
    exit with code 2; nothing is half-written by then.
    """


class NothingToLearnError(InputError):
    """A usable table whose rows tell nothing that could be learned from."""


class InputWarning(UserWarning):
    """The input was usable, but something about it deserves to be known (a repaired count, a part that is missing)."""
