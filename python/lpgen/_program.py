"""The program lpgen: where it is, and running it as a process."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import typing

from ._errors import Error

# How long a process that was told to end may take to clean up.
_SECONDS_TO_END = 5


def program() -> str:
    """The path of the program lpgen.

    It is that of the environment variable LPGEN_PROGRAM, else the one in the folder `bin` of the
    installation or build tree that this module is part of, else the one on PATH.
    """
    named = os.environ.get("LPGEN_PROGRAM")
    if named:
        return named
    for folder in pathlib.Path(os.path.abspath(__file__)).parents[1:5]:
        candidate = folder / "bin" / "lpgen"
        if os.access(candidate, os.X_OK):
            return str(candidate)
    found = shutil.which("lpgen")
    if not found:
        raise Error("there is no program lpgen, neither beside this module nor on PATH; remedy: "
                    "install lpgen, or name the program in the environment variable "
                    "LPGEN_PROGRAM")
    return found


@functools.lru_cache(maxsize=None)
def _digest(path: str, size: int, changed: int) -> str:
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def program_digest() -> str:
    """A digest of the program; other programs make other kernels."""
    path = program()
    try:
        facts = os.stat(path)
        return _digest(path, facts.st_size, facts.st_mtime_ns)
    except OSError as error:
        raise Error(f"cannot read the program '{path}': {error.strerror}") from None


class Outcome(typing.NamedTuple):
    """What a program printed, and its exit status."""
    results: str
    messages: str
    status: int


@contextlib.contextmanager
def _interruption_held() -> typing.Iterator[None]:
    """Ctrl-C waits for the end of the block: no child starts that nobody knows."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
    if came and callable(before):
        before(signal.SIGINT, None)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process with all that it has started."""
    process.terminate()
    try:
        process.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def run(*arguments: str, may_fail: bool = False) -> Outcome:
    """Runs lpgen and waits for it. An exception, KeyboardInterrupt too, ends it.

    Raises Error if it fails; with `may_fail` not for the statuses of differences, 1, and of what
    is not supported, 3, if there are results.
    """
    command = [program(), *arguments]
    process = None
    try:
        with _interruption_held():
            # In a session of its own: Ctrl-C reaches this process, which decides.
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, start_new_session=True)
        results, messages = process.communicate()
    except OSError as error:
        raise Error(f"cannot run '{command[0]}': {error.strerror}") from None
    except BaseException:
        if process is not None:
            _end(process)
        raise
    outcome = Outcome(results.decode(errors="replace"), messages.decode(errors="replace"),
                      process.returncode)
    if outcome.status == 0 or (may_fail and outcome.status in (1, 3) and outcome.results):
        return outcome
    raise Error(_failure(arguments, outcome), outcome.status)


def _failure(arguments: tuple[str, ...], outcome: Outcome) -> str:
    text = outcome.messages.strip()
    if outcome.status >= 0:
        text = text or f"lpgen {arguments[0]} failed with status {outcome.status}"
        return text.removeprefix("lpgen: error: ")
    name = signal.Signals(-outcome.status).name
    crash = (f"lpgen {arguments[0]} was ended by signal {-outcome.status} ({name}); this is a "
             "fault of lpgen, not of its input")
    return f"{crash}\n{text}" if text else crash


def run_json(*arguments: str, may_fail: bool = False) -> typing.Any:
    """Runs lpgen and reads the JSON that it prints."""
    outcome = run(*arguments, may_fail=may_fail)
    try:
        return json.loads(outcome.results)
    except ValueError:
        raise Error(f"lpgen {arguments[0]} printed no JSON:\n"
                    f"{outcome.results}{outcome.messages}", outcome.status) from None
