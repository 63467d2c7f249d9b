from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One reason why a dialplan is not proven; `extension` is `extension@context`, `line` counts from 1."""

    path: str
    line: int
    extension: str
    reason: str

    def __str__(self) -> str:
        where = f" ({self.extension})" if self.extension else ""
        return f"{self.path}:{self.line}{where}: {self.reason}"
