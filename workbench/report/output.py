"""How the programs that make pages begin and write: as base/system/OutputFiles does."""

import fcntl
import os
import signal
import stat
import sys

MOST = 64  # Unfinished files of one name.


def end_on_signals():
    """SIGINT, SIGTERM and SIGHUP end the program with 130; what it has not finished goes."""
    def end(_number, _frame):
        sys.exit(130)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN or number != signal.SIGHUP:
            signal.signal(number, end)


def _temporary(path):
    """(name, open file, locked) under a free number; a name without a lock is a leftover."""
    for number in range(MOST):
        name = f"{path}.lpgen-tmp{number}"
        flags = os.O_WRONLY | os.O_NOFOLLOW
        try:
            left = os.open(name, flags)
            try:
                fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(name)
            finally:
                os.close(left)
        except FileNotFoundError:
            pass
        except OSError:
            continue  # In work, or nothing of ours.
        try:
            file = os.open(name, flags | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            continue
        fcntl.flock(file, fcntl.LOCK_EX)
        return name, file
    raise FileExistsError(f"there are {MOST} unfinished files beside it")


def write(path, text):
    """Writes a file, complete or not at all; pipes and devices as they are. OSError if not."""
    path = str(path)
    data = text.encode("utf-8")
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        mode = None
    target = os.path.realpath(path)
    if mode is not None and (not stat.S_ISREG(mode) or target.startswith("/proc/")):
        if stat.S_ISDIR(mode) or stat.S_ISBLK(mode):
            raise IsADirectoryError("it is not a regular file, nor a pipe or terminal")
        with open(path, "ab", buffering=0) as stream:
            stream.write(data)
        return
    name, file = _temporary(target)
    try:
        with os.fdopen(file, "wb") as stream:
            if mode is not None:
                os.fchmod(stream.fileno(), stat.S_IMODE(mode) & 0o777)
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
            os.replace(name, target)
    except BaseException:
        try:
            os.unlink(name)
        except FileNotFoundError:
            pass
        raise
