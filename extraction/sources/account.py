"""What of a source was used, and what was not: every file, entry, column and clip is counted in one place."""

from dataclasses import dataclass, field

from extraction.sources.media import shown

SUBJECTS = ("files", "entries", "columns", "rows")


@dataclass
class Account:
    """Counts, with one example each, of what was found.

    Attributes:
        found: by one of `SUBJECTS`, by what became of them: how many, and the first.
    """

    found: dict[str, dict[str, tuple[int, str]]] = field(default_factory=dict)

    def add(self, subject: str, what: str, example: str = "", count: int = 1) -> None:
        """Count `count` more of a subject."""
        if count:
            before, first = self.found.setdefault(subject, {}).get(what, (0, shown(example)))
            self.found[subject][what] = before + count, first

    def total(self, subject: str) -> int:
        """How many of a subject there are."""
        return sum(count for count, _ in self.found.get(subject, {}).values())

    def lines(self) -> list[str]:
        """One line a subject: its number, and all of it by what became of it."""
        lines = []
        for subject in SUBJECTS:
            kinds = self.found.get(subject, {})
            told = (f"{count} {what}{f' ({example})' if example else ''}" for what, (count, example) in kinds.items())
            if kinds:
                lines.append(f"{subject:10} {self.total(subject):8}: {', '.join(told)}")
        return lines
