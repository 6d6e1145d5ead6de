"""The first process of a sandbox: it runs one program under limits and says what came of it.

Standard input has the request as one JSON text. The program's output goes to standard output and standard error, the
result, one JSON text, to descriptor 3, which the program never has. When this process ends, the kernel ends every
other one of the sandbox.
"""

import base64
import json
import os
import resource
import signal
import stat
import subprocess
import sys
import time

MNT_DETACH = 2
# MS_REMOUNT, MS_BIND, MS_RDONLY, MS_NOSUID, MS_NODEV
READ_ONLY = 32 | 4096 | 1 | 2 | 4
ROOT, WORK, MAIN = "/", "/work", "/main.py"
# Folders that a file which is given back may lie in: the next program of a session gets it as it is.
DEEPEST = 8


def leave_host(program):
    """Forgets the host's files, and makes everything but the working folder read-only."""
    call("umount2", b"/old", MNT_DETACH)
    os.rmdir("/old")
    with open(MAIN, "w", encoding="utf-8") as file:
        file.write(program)
    call("mount", None, ROOT.encode(), None, READ_ONLY, None)


def place(files):
    for file in files:
        path = os.path.join(WORK, file["path"])
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as target:
            target.write(base64.b64decode(file["content"]))


def limit(limits):
    """In the program's own process, before it begins."""
    os.setsid()
    os.nice(10)
    confine()
    for kind, value in [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_NOFILE, limits["open_files"]),
        (resource.RLIMIT_FSIZE, limits["file_bytes"]),
        (resource.RLIMIT_NPROC, limits["processes"]),
        (resource.RLIMIT_CPU, limits["cpu_seconds"]),
        (resource.RLIMIT_AS, limits["memory_bytes"]),
    ]:
        resource.setrlimit(kind, (value, value))


def run(limits):
    command = [sys.executable, "-I", "-S", "-X", "utf8", MAIN]
    begun = time.monotonic()
    process = subprocess.Popen(
        command, env={}, cwd=WORK, stdin=subprocess.DEVNULL, preexec_fn=lambda: limit(limits)
    )
    timed_out = False
    try:
        process.wait(limits["seconds"])
    except subprocess.TimeoutExpired:
        timed_out = True
    duration = time.monotonic() - begun
    end_all(process)
    exit_code = -signal.SIGKILL if timed_out else process.returncode
    return {"exit_code": exit_code, "timed_out": timed_out, "duration_ms": int(duration * 1000)}


def end_all(process):
    """Ends whatever was started, also what left the program's group, so that nobody writes files any more."""
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass


def gather(limits):
    """The files of the working folder in the order of their names; links and the like are none."""
    found, total = [], 0
    for folder, folders, names in os.walk(WORK):
        folders.sort()
        for name in sorted(names):
            if len(found) == limits["files"]:
                return found
            path = os.path.join(folder, name)
            size = size_of(path)
            relative = os.path.relpath(path, WORK)
            if size is None or not relative.isprintable() or relative.count("/") >= DEEPEST:
                continue
            content = None
            if total + size <= limits["files_bytes"]:
                with open(path, "rb") as file:
                    content = base64.b64encode(file.read()).decode()
                total += size
            found.append({"path": relative, "size": size, "content": content})
    return found


def size_of(path):
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def main():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    request = json.loads(sys.stdin.buffer.read())
    limits = request["limits"]
    leave_host(request["code"])
    place(request["files"])
    with os.fdopen(3, "w") as answer:
        # What goes wrong from here on is the program's doing.
        print("begun", file=answer, flush=True)
        result = run(limits)
        result["files"] = gather(limits)
        json.dump(result, answer)


main()
