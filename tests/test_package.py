"""The package as people install it, a built wheel, and as `make run` leaves it, from elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*words: str | Path, cwd: Path, path: Path | None = None) -> str:
    env = {**os.environ} | ({"PYTHONPATH": str(path)} if path else {})
    done = subprocess.run(
        [*map(str, words)], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a wheel and unpack it into a folder of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    build = ("-m", "build", "--wheel", "--no-isolation", "--outdir", folder / "dist", ROOT)
    run(sys.executable, *build, cwd=folder)
    wheel = next((folder / "dist").glob("*.whl"))
    pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")
    run(sys.executable, *pip, "--target", folder / "site", wheel, cwd=folder)
    return folder / "site"


def test_the_wheel_works_from_elsewhere(installed: Path, tmp_path: Path) -> None:
    where = "import chirp; print(chirp.__file__)"
    assert str(installed) in run(sys.executable, "-c", where, cwd=tmp_path, path=installed)
    chirp = (sys.executable, "-m", "chirp")
    run(*chirp, "demo", "data", "--users", "20", "--days", "1", cwd=tmp_path, path=installed)
    assert "every invariant holds" in run(*chirp, "check", "data", cwd=tmp_path, path=installed)


def test_the_wheel_carries_its_data_and_types(installed: Path) -> None:
    here = {path.relative_to(ROOT) for path in (ROOT / "chirp").rglob("*") if path.is_file()}
    data = {path for path in here if path.suffix not in {".pyc", ".pyo"}}
    assert [str(path) for path in sorted(data) if not (installed / path).exists()] == []


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_run_leaves_a_command_that_works_from_elsewhere(tmp_path: Path) -> None:
    venv, odd = tmp_path / ".venv", tmp_path / "elsewhere" / "chirp"
    (venv / "bin").mkdir(parents=True)
    python = venv / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o700)
    (venv / ".runtime").touch()  # the requirements are there
    # As for `make run`, but without the server.
    run("make", "-s", "-C", ROOT, f"VENV={venv}", venv / "bin" / "chirp", cwd=tmp_path)
    odd.mkdir(parents=True)
    (odd / "__init__.py").write_text("raise SystemExit('another chirp')")
    words = ("init", "a b", "--shards", "1")
    assert "in a b" in run(venv / "bin" / "chirp", *words, cwd=odd.parent)
