"""What a program of the sandbox may still ask of the kernel: everything else is refused by a filter that it cannot lift.

The namespaces keep it from files, processes and networks. The filter takes away what they do not cover (sockets of
hypervisors, System V memory that counts for no limit) and the parts of the kernel where most ways out were found.
"""

import ctypes
import os
import platform
import struct

EPERM, ENOSYS = 1, 38
CLONE_NEWUSER = 0x10000000
# Every flag by which `clone` makes a namespace.
CLONE_NAMESPACES = 0x7E020080
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
AF_UNIX = 1

# Offsets in `struct seccomp_data`: the low half of the first argument of a little-endian machine.
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000

# System calls have the same numbers on all machines from 424 on. What is newer than this list is unknown to it.
NEWEST, CLONE3 = 451, 435
COMMON = [
    425, 426, 427,  # io_uring: work that no filter sees
    428, 429, 430, 431, 432, 433, 442,  # the new mount calls
    438,  # pidfd_getfd
    447,  # memfd_secret
]
MACHINES = {
    "x86_64": {
        "audit": 0xC000003E,
        "clone": 56,
        "socket": 41,
        "denied": [
            165, 166, 155, 161, 272, 308,  # mount, umount2, pivot_root, chroot, unshare, setns
            101, 310, 311, 312,  # ptrace, process_vm_readv, process_vm_writev, kcmp
            175, 176, 313, 246, 320,  # init_module, delete_module, finit_module, kexec_load, kexec_file_load
            248, 249, 250,  # add_key, request_key, keyctl
            321, 298, 323,  # bpf, perf_event_open, userfaultfd
            29, 30, 31, 67, 64, 65, 66, 220, 68, 69, 70, 71, 240,  # shm*, sem*, msg*, mq_open
            319, 303, 304,  # memfd_create, name_to_handle_at, open_by_handle_at
            179, 167, 168, 169, 163, 135, 300,  # quotactl, swapon, swapoff, reboot, acct, personality, fanotify_init
        ],
    },
    "aarch64": {
        "audit": 0xC00000B7,
        "clone": 220,
        "socket": 198,
        "denied": [
            40, 39, 41, 51, 97, 268,
            117, 270, 271, 272,
            105, 106, 273, 104, 294,
            217, 218, 219,
            280, 241, 282,
            194, 195, 196, 197, 190, 191, 192, 193, 186, 187, 188, 189, 180,
            279, 264, 265,
            60, 224, 225, 142, 89, 92, 262,
        ],
    },
}  # fmt: skip

libc = ctypes.CDLL(None, use_errno=True)


def call(name, *arguments):
    """Calls libc; a failure is an OSError that names the call."""
    if getattr(libc, name)(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")


def step(code, value, matched=0, otherwise=0):
    return struct.pack("=HBBI", code, matched, otherwise, value)


def filter_program(machine):
    """The filter as the kernel reads it."""
    program = [
        step(LOAD, ARCHITECTURE),
        step(EQUAL, machine["audit"], 1, 0),
        step(RETURN, KILL),
        step(LOAD, NUMBER),
        # Also the x32 calls, whose numbers have a bit of their own.
        step(AT_LEAST, NEWEST, 0, 1),
        step(RETURN, REFUSE | ENOSYS),
        # Its flags lie in memory, where a filter cannot see them; libc falls back to `clone`.
        step(EQUAL, CLONE3, 0, 1),
        step(RETURN, REFUSE | ENOSYS),
        step(EQUAL, machine["clone"], 0, 4),
        step(LOAD, FIRST_ARGUMENT),
        step(ANY_BIT, CLONE_NAMESPACES, 0, 1),
        step(RETURN, REFUSE | EPERM),
        step(RETURN, ALLOW),
        step(EQUAL, machine["socket"], 0, 4),
        step(LOAD, FIRST_ARGUMENT),
        step(EQUAL, AF_UNIX, 0, 1),
        step(RETURN, ALLOW),
        step(RETURN, REFUSE | EPERM),
    ]
    for number in [*COMMON, *machine["denied"]]:
        program += [step(EQUAL, number, 0, 1), step(RETURN, REFUSE | EPERM)]
    return [*program, step(RETURN, ALLOW)]


def confine():
    """Gives up every right of this process and of all that it starts, for ever."""
    machine = MACHINES[platform.machine()]
    # In a namespace of its own without any user in it, it is nobody, and may do nothing to its parent.
    call("unshare", CLONE_NEWUSER)
    call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    program = filter_program(machine)
    code = ctypes.create_string_buffer(b"".join(program))
    # struct sock_fprog: a length, and after its padding a pointer.
    described = struct.pack("@HP", len(program), ctypes.addressof(code))
    call("prctl", PR_SET_SECCOMP, SECCOMP_MODE_FILTER, described, 0, 0)
