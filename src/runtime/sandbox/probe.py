"""Tries to get out of the sandbox, and prints as one JSON text which of its claims hold."""

import ctypes
import json
import os
import resource
import socket

with open("probe.json", encoding="utf-8") as file:
    given = json.load(file)


def refused(action):
    try:
        action()
    except (OSError, MemoryError):
        return True
    return False


def connect():
    socket.create_connection(("127.0.0.1", given["port"]), 1).close()


def make_namespace():
    if ctypes.CDLL(None).unshare(0x10000000) != 0:
        raise OSError


def write_too_much():
    with open("large", "wb") as file:
        file.write(bytes(given["file_bytes"] + 1))


def fill_folder():
    for index in range(64):
        with open(f"part-{index}", "wb") as file:
            file.write(bytes(given["file_bytes"]))


def clear_folder():
    for name in os.listdir("."):
        os.unlink(name)


def start_processes():
    for _ in range(given["processes"] + 1):
        if os.fork() == 0:
            os.execv("/bin/sleep", ["sleep", "60"])


# What Python itself says of its language.
own = {"LC_CTYPE"}
claims = {
    "environment": not set(os.environ) - own,
    "network": refused(connect),
    "files": refused(lambda: open(given["secret"])) and not os.path.exists("/proc/self"),
    "read-only": refused(lambda: open("/usr/probe", "w")) and refused(lambda: open("/probe", "w")),
    "privilege": os.geteuid() != 0
    and refused(lambda: os.setuid(0))
    and refused(lambda: os.chroot("/"))
    and refused(make_namespace),
    "processor time": resource.getrlimit(resource.RLIMIT_CPU)[1] <= given["cpu_seconds"],
    "memory": refused(lambda: bytearray(given["memory_bytes"])),
    "file size": refused(write_too_much),
    "disk": refused(fill_folder),
    "processes": refused(start_processes),
}
clear_folder()
print(json.dumps(claims))
