# SPDX-License-Identifier: LGPL-2.1-or-later
"""Becomes another program of this directory where no frozen copy can be forked off it. Arguments: seccomp (under a filter, which allows
everything; nothing may be injected there) or limit (of processes, of a user that has one), and the program with its own."""
import ctypes
import os
import resource
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
BPF_RET, SECCOMP_RET_ALLOW = 0x06, 0x7fff0000
USER = 61234


class Filter(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32)]


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint16), ("filter", ctypes.POINTER(Filter))]


def enter_seccomp():
    libc = ctypes.CDLL(None, use_errno=True)
    program = Program(1, ctypes.pointer(Filter(BPF_RET, 0, 0, SECCOMP_RET_ALLOW)))
    for arguments in (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0):
        if libc.prctl(*arguments) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


def enter_limit():
    resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)


kind, name, *arguments = sys.argv[1:]
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
with open(path, encoding="utf-8") as file:
    code = compile(file.read(), path, "exec")
{"seccomp": enter_seccomp, "limit": enter_limit}[kind]()
sys.argv[:] = [path, *arguments]
exec(code, {"__name__": "__main__", "__file__": path})
