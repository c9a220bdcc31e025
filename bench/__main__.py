"""All benches, one after the other: `make bench` for a short dose, `--write` for bench/results."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time

from bench.harness import RESULTS

TWEETS = "tests/data/graphs/tweets.txt.gz"

SHORT: dict[str, list[str]] = {
    "ids": ["--seconds", "1"],
    "text": ["--tweets", TWEETS],
    "cache": [],
    "codec": [],
    "rendering": [],
    "sharding": [],
    "engine": ["--seconds", "0.3"],
    "cold": [],
    "scale": ["--reads", "2", "--rounds", "3"],
    "page": ["--rounds", "2", "--seconds", "1"],
    "web": ["--rounds", "2", "--seconds", "1"],
    "posts": ["--seconds", "2"],
    "fanout": ["--seconds", "4", "--pages", "2000"],
    "convoy": ["--seconds", "4"],
    "streams": ["--hold", "2"],
    "mixed": ["--seconds", "0.2", "--warmup", "0.2", "--people", "30"],
    "celebrity": [],
}
"""Every bench with what makes it short."""

LONG: dict[str, list[str]] = {
    "ids": ["--seconds", "3"],
    "engine": ["--seconds", "0.5"],
    "cache": ["--reads", "400000"],
    "codec": ["--rounds", "200"],
    "rendering": ["--rounds", "400"],
    "sharding": ["--tweets", "300000", "--pages", "1000"],
    "scale": ["--tweets", "1000000", "--viewers", "10", "--rounds", "10", "--reads", "100"],
    "page": ["--rounds", "7", "--seconds", "4"],
    "web": ["--rounds", "7", "--seconds", "4"],
    "posts": ["--seconds", "10"],
    "fanout": ["--rounds", "5"],
    "convoy": ["--seconds", "10"],
    "streams": ["--hold", "35"],
    "mixed": ["--seconds", "3", "--rounds", "3"],
    "celebrity": ["--followers", "1000000", "--seconds", "15"],
}
"""What a result worth keeping takes."""


def main() -> int:
    """Run what was asked for; return how many benches failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    help_words = f"which; all by default: {', '.join(SHORT)}"
    parser.add_argument("names", nargs="*", metavar="name", help=help_words)
    parser.add_argument("--write", action="store_true", help="run long, write bench/results")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in SHORT]
    if unknown:
        parser.error(f"no such bench: {', '.join(unknown)}")
    failed = 0
    for name in given.names or SHORT:
        began = time.monotonic()
        good = written(name) if given.write else ran(name, SHORT[name])
        failed += not good
        print(f"{name}: {time.monotonic() - began:.0f} s\n", flush=True)
    return failed


def ran(name: str, words: list[str]) -> bool:
    """Run a bench; say whether it ended well."""
    command = [sys.executable, "-m", f"bench.{name}", *words]
    return subprocess.run(command, check=False).returncode == 0


def written(name: str) -> bool:
    """Run a bench long and keep its result; once more when others disturbed it, then as it is."""
    path = RESULTS / f"{name}.json"
    words = [*LONG.get(name, SHORT[name]), "--json", str(path)]
    good = ran(name, words)
    if good and json.loads(path.read_text(encoding="utf-8"))["disturbed"]:
        print(f"{name}: disturbed, once more", flush=True)
        good = ran(name, words)
    return good


if __name__ == "__main__":
    sys.exit(main())
