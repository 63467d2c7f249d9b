"""`make bench`: run every benchmark, one after the other, then all goals in one table; exits with 1 when one is missed.

`make bench ARGS="-k draft"` runs those whose name holds the text. A benchmark is a module of this folder that runs as
a program; a line of its output that ends in `met` or `MISSED` is a goal, with what was reached.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

VERDICTS = ("met", "MISSED")


def names(chosen: str) -> list[str]:
    """Return the benchmarks whose name holds `chosen`, in alphabetical order."""
    return [path.stem for path in sorted(Path(__file__).parent.glob("[a-z]*.py")) if chosen in path.stem]


def run(name: str) -> tuple[list[str], bool]:
    """Run one as a program of its own, so that none warms another's caches; return its goals, and whether it failed."""
    goals = []
    command = [sys.executable, "-u", "-m", f"tests.benchmarks.{name}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout or ():
            sys.stdout.write(line)
            sys.stdout.flush()
            if line.rstrip().endswith(VERDICTS):
                goals.append(line.strip())
    return goals, child.returncode != 0


def table(results: Sequence[tuple[str, list[str], bool]]) -> str:
    """Return all goals, one a line, and how each benchmark without a goal ended."""
    lines = []
    for name, goals, failed in results:
        untold = failed and not any(goal.endswith("MISSED") for goal in goals)
        rows = [*goals, *(["failed MISSED"] if untold else []), *(["no goal, ran"] if not goals and not failed else [])]
        lines += [f"  {name:<18}{row}" for row in rows]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen benchmarks and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-k", default="", metavar="TEXT", dest="chosen", help="only benchmarks with this in their name")
    chosen = names(parser.parse_args(arguments).chosen)
    if not chosen:
        parser.error(f"no benchmark has that in its name; there are {', '.join(names(''))}")
    results = []
    for name in chosen:
        sys.stdout.write(f"\n== {name}\n")
        sys.stdout.flush()
        results.append((name, *run(name)))
    missed = [name for name, _, failed in results if failed]
    sys.stdout.write(f"\n== goals\n{table(results)}\n")
    sys.stdout.write(f"missed: {', '.join(missed)}\n" if missed else "every goal met\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
