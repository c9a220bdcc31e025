"""What the benches share: a pinned server, machine and noise, results beside targets."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"
FOREIGN_LIMIT = 0.12
"""More of a core than this, used by others during a run, marks the run as disturbed."""

SERVER_CORE, LOAD_CORE = 0, 1


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure beside what was to be reached, in words (empty: only shown)."""

    what: str
    result: float
    unit: str
    target: str = ""
    met: bool | None = None


def reference_us() -> float:
    """Return how long a fixed loop takes here and now: the machine's speed, which changes.

    On a shared machine by a factor of two, whoever else has the other half of the core; none of
    that shows in /proc/stat. Rates of two runs compare only where this is about the same.
    """
    numbers, took = {number: number for number in range(100)}, []
    for _ in range(400):
        began = time.perf_counter()
        _ = [numbers[number] + number for number in range(100)]
        took.append(1e6 * (time.perf_counter() - began))
    return quantile(took, 0.5)


@dataclass(slots=True)
class Bench:
    """Collects rows; prints them and writes them when done."""

    name: str
    rows: list[Row] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    reference_us: float = field(default_factory=reference_us)

    def at_least(self, what: str, result: float, target: float, unit: str) -> None:
        """Record a figure that should not be below `target`."""
        self.rows.append(Row(what, result, unit, f"≥ {target:g}", result >= target))

    def at_most(self, what: str, result: float, target: float, unit: str) -> None:
        """Record a figure that should not be above `target`."""
        self.rows.append(Row(what, result, unit, f"≤ {target:g}", result <= target))

    def show(self, what: str, result: float, unit: str) -> None:
        """Record a figure that has no target."""
        self.rows.append(Row(what, result, unit))

    def finish(self, foreign: float, path: Path | None) -> None:
        """Print the table; write the JSON to `path` when given."""
        table = Table(title=f"bench/{self.name}", title_justify="left", title_style="bold")
        for column in ("what", "result", "unit", "target", ""):
            table.add_column(column, justify="right" if column in {"result", "target"} else "left")
        for row in self.rows:
            verdict = "" if row.met is None else ("met" if row.met else "missed")
            table.add_row(row.what, f"{row.result:,.2f}", row.unit, row.target, verdict)
        console = Console()
        console.print(table)
        if foreign > FOREIGN_LIMIT:
            console.print(f"disturbed: others used {foreign:.2f} of a core", style="yellow")
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(self._as_json(foreign), indent=1) + "\n", encoding="utf-8")

    def _as_json(self, foreign: float) -> dict[str, Any]:
        rows = [
            {"what": r.what, "result": round(r.result, 4), "unit": r.unit, "target": r.target,
             "met": r.met}
            for r in self.rows
        ]  # fmt: skip
        return {
            "bench": self.name,
            "rows": rows,
            "foreign_cores": round(foreign, 3),
            "disturbed": foreign > FOREIGN_LIMIT,
            "reference_us": [round(self.reference_us, 2), round(reference_us(), 2)],
            "machine": machine(),
            **self.extra,
        }


def machine() -> dict[str, Any]:
    """Return what the figures were measured on and with."""
    packages = ("aiohttp", "uvloop", "lmdb", "msgspec", "orjson", "xxhash")
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in packages},
        "commit": _git("rev-parse", "--short", "HEAD"),
        "changed_since": bool(_git("status", "--porcelain", "--untracked-files=no", "chirp")),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), "")


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    return done.stdout.strip()


class ForeignCpu:
    """How many cores others than this bench and its children use, by /proc/stat."""

    def __init__(self, pids: Sequence[int] = ()) -> None:
        self._pids = list(pids)
        self._began = (time.monotonic(), _all_cpu_s(), self._own_s())

    def _own_s(self) -> float:
        times = os.times()
        own = times.user + times.system + times.children_user + times.children_system
        return own + sum(process_cpu_s(pid) for pid in self._pids)

    def cores(self) -> float:
        """Return the mean number of cores that others used since the start."""
        began_s, all_s, own_s = self._began
        elapsed_s = time.monotonic() - began_s
        return max(0.0, (_all_cpu_s() - all_s - (self._own_s() - own_s)) / max(elapsed_s, 1e-9))


def _all_cpu_s() -> float:
    fields = Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _iowait, irq, softirq = map(int, fields[:7])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def process_cpu_s(pid: int) -> float:
    """Return the processor time that a process has used: a figure that noise hardly moves."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_kb(pid: int) -> int:
    """Return the memory of a process that is in the machine's; 0 when it has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


@contextmanager
def process(words: Sequence[str], url: str, core: int | None) -> Iterator[int]:
    """Run a server pinned to a core (None: anywhere) until it answers; stop it after."""
    pinned = [] if core is None else ["taskset", "-c", str(core)]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen([*pinned, *words], stdout=log, stderr=log)
        try:
            _wait_until_up(server, url, log)
            yield server.pid
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=20)


def _wait_until_up(server: subprocess.Popen[bytes], url: str, log: Any) -> None:
    for _ in range(600):
        try:
            with urlopen(url, timeout=2):
                return
        except (URLError, OSError):
            if server.poll() is not None:
                break
            time.sleep(0.05)
    log.seek(0)
    sys.exit(f"the server did not start:\n{log.read().decode()[-2000:]}")


@contextmanager
def chirp_server(
    data: Path, port: int, core: int | None = SERVER_CORE, env: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Run `chirp serve` on a store; give its process id. Its limits work and never refuse."""
    os.environ.update({"CHIRP_RATE_LIMITS": "1000000"} | dict(env or {}))
    words = [sys.executable, "-m", "chirp", "serve", "--data", str(data), "--port", str(port)]
    with process(words, f"http://127.0.0.1:{port}/readyz", core) as pid:
        yield pid


@contextmanager
def demo_store(users: int, *, seed: int = 1) -> Iterator[tuple[Path, dict[str, str]]]:
    """Make a store with a demo community; give its folder and everybody's keys."""
    folder = Path(tempfile.mkdtemp(prefix="chirp-bench-"))
    keys = folder / "keys.json"
    words = [sys.executable, "-m", "chirp", "demo", str(folder / "data"), "--users", str(users)]
    words += ["--seed", str(seed), "--days", "2", "--keys-out", str(keys), "--json"]
    try:
        subprocess.run(words, check=True, capture_output=True)
        yield folder / "data", json.loads(keys.read_text(encoding="utf-8"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class WrkResult:
    """What wrk saw."""

    per_s: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    errors: int


_AT_THE_END = """
done = function(_, latency)
  print(string.format("99.9%% %.0fus", latency:percentile(99.9)))
end
"""


def wrk(url: str, seconds: int, connections: int, *, script: str = "",
        headers: Mapping[str, str] | None = None) -> WrkResult:  # fmt: skip
    """Load `url` from the other core, closed loop, one thread; `script`: wrk's Lua."""
    words = ["taskset", "-c", str(LOAD_CORE), "wrk", "-t1", f"-c{connections}", f"-d{seconds}"]
    words += ["--latency"]
    for name, value in (headers or {}).items():
        words += ["-H", f"{name}: {value}"]
    with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="utf-8") as file:
        file.write(script + _AT_THE_END)
        file.flush()
        words += ["-s", file.name, url]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
    return _parse_wrk(done.stdout)


def _parse_wrk(text: str) -> WrkResult:
    per_s = 0.0
    latencies: dict[str, float] = {}
    errors = 0
    for line in text.splitlines():
        words = line.split()
        if line.startswith("Requests/sec"):
            per_s = float(words[1])
        elif words and words[0] in {"50%", "99%", "99.9%"}:
            latencies[words[0]] = _ms(words[1])
        elif "Non-2xx" in line or "Socket errors" in line:
            errors += sum(int(w.rstrip(",")) for w in words if w.rstrip(",").isdigit())
    return WrkResult(per_s, latencies["50%"], latencies["99%"], latencies["99.9%"], errors)


def _ms(text: str) -> float:
    for unit, factor in (("us", 0.001), ("ms", 1.0), ("s", 1000.0)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    return float(text)


def require(*tools: str) -> None:
    """Stop with one clear line when a tool is missing."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        sys.exit(f"this bench needs {' and '.join(missing)} (Debian: apt install wrk util-linux)")


def quantile(values: Sequence[float], q: float) -> float:
    """Return the q-quantile of measured values; 0 when there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else 0.0


def fetch(url: str, key: str) -> bytes:
    """Return what an address answers to the owner of a key."""
    with urlopen(Request(url, headers={"X-API-Key": key}), timeout=10) as answer:
        return bytes(answer.read())


def busiest(url: str, keys: dict[str, str]) -> str:
    """Return the key of somebody whose first page at `url`, a home timeline, is full."""
    for key in keys.values():
        if fetch(url, key).count(b'"tweet_id"') >= 20:
            return key
    sys.exit("nobody has 20 tweets in their home timeline")
