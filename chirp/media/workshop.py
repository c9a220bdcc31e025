"""Where files are taken apart: a process for each, a few at a time, each with an end."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import chirp
from chirp.errors import Unavailable, Unprocessable, UnsupportedMedia
from chirp.media.shapes import MediaLimits, Processed, ProducedFile
from chirp.model import MediaKind

log = logging.getLogger(__name__)

_ROOT = str(Path(chirp.__file__).parent.parent)
_BOOT = "import sys; sys.path.append(sys.argv[1]); from chirp.media.worker import main; main()"
_REFUSALS = {kind.__name__: kind for kind in (UnsupportedMedia, Unprocessable)}
_FAILED = "the file could not be read: it is broken, or takes too much to unpack"


class Workshop:
    """Processes files, `limits.workers` at once."""

    def __init__(self, limits: MediaLimits) -> None:
        self._limits = limits
        self._free = asyncio.Semaphore(limits.workers)

    async def process(self, source: Path, folder: Path) -> Processed:
        """Make of the file `source` what is stored, in `folder`, which is emptied when that fails.

        Raises: UnsupportedMedia; Unprocessable; Unavailable: no process could be started.
        """
        async with self._free:
            try:
                return _made(await self._answer(source, folder))
            except BaseException:
                _empty(folder)
                raise

    async def _answer(self, source: Path, folder: Path) -> dict[str, Any]:
        limits = asdict(self._limits)
        task = json.dumps({"source": str(source), "folder": str(folder), "limits": limits})
        worker = await self._start()
        try:
            async with asyncio.timeout(self._limits.wall_s):
                out, errors = await worker.communicate(task.encode() + b"\n")
        except TimeoutError:
            raise Unprocessable("the file takes too long to unpack") from None
        finally:
            with suppress(ProcessLookupError):
                worker.kill()
            await worker.wait()
        if worker.returncode != 0 or not out:
            last = errors.decode(errors="replace").strip().rpartition("\n")[2]
            log.warning("a media worker ended with %s: %s", worker.returncode, last[:200])
            raise Unprocessable(_FAILED)
        answer: dict[str, Any] = json.loads(out)
        return answer

    async def _start(self) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        # -I: neither the environment nor the working directory has a say in what it imports.
        command = (sys.executable, "-I", "-c", _BOOT, _ROOT)
        try:
            return await asyncio.create_subprocess_exec(
                *command, stdin=pipe, stdout=pipe, stderr=pipe, env={"LC_ALL": "C.UTF-8"}
            )
        except OSError as error:
            log.warning("a media worker could not be started", exc_info=True)
            raise Unavailable("media cannot be processed now", retry_after_s=30) from error


def _empty(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink(missing_ok=True)


def _made(answer: dict[str, Any]) -> Processed:
    refused = answer.get("refused")
    if refused is not None:
        raise _REFUSALS.get(refused, Unprocessable)(answer["message"])
    made = answer["made"]
    return Processed(
        MediaKind(made["kind"]),
        _file(made["original"]),
        _file(made["preview"]),
        made["width"],
        made["height"],
        made["duration_ms"],
        made["blurhash"],
    )


def _file(fields: dict[str, Any]) -> ProducedFile:
    return ProducedFile(
        Path(fields["path"]), fields["content_type"], fields["extension"], fields["size_bytes"]
    )
