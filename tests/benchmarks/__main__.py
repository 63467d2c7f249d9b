"""`make bench`: run every benchmark, one after the other; exits with 1 when one misses its target."""

import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Run each module of this folder as a program of its own, so that none warms another's caches."""
    missed = []
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        print(f"\n== {path.stem}", flush=True)  # noqa: T201 - it prints tables
        if subprocess.run([sys.executable, "-m", f"tests.benchmarks.{path.stem}"], check=False).returncode:
            missed.append(path.stem)
    print(f"\nmissed: {', '.join(missed)}" if missed else "\nevery target met", flush=True)  # noqa: T201
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
