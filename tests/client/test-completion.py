# SPDX-License-Identifier: LGPL-2.1-or-later
"""Completion as who types sees it: bash, zsh and fish, each in a terminal (tmux) with our completion, say what the command proposes.

Usage: unshare --pid --fork --mount-proc --kill-child scripts/sandbox python3 test-completion.py SOURCE. Speaks TAP. Asked for are
actions, options and their values, a target, jobs and artifacts of a service that has them, and a directory. Of a list each word must be
seen; a word that can only become one thing must become it."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

SOURCE = sys.argv[1]
PATIENCE = 30
# Nothing is proposed where the service does not answer within two seconds: who types presses Tab again.
TAB_AGAIN = 5
PROMPT = "ready>"

# Of each: how it is started, the file that it reads then, what it is told there, and how many Tabs make it show a whole list.
SHELLS = {
    "bash": ("bash --noprofile --rcfile .bashrc -i", ".bashrc", f"PS1='{PROMPT} '; bind 'set completion-query-items 0'; bind 'set page-completions off'; . COMPLETION/ha-profiler.bash", 2),
    "zsh": ("zsh -d -i", ".zshrc", f"PS1='{PROMPT} '; LISTMAX=1000; fpath=(COMPLETION $fpath); autoload -U compinit; compinit -u -d ~/.zcompdump", 1),
    "fish": ("fish -i", ".config/fish/config.fish", f"function fish_prompt; echo -n '{PROMPT} '; end; set fish_greeting; set -g fish_autosuggestion_enabled 0; source COMPLETION/ha-profiler.fish", 2),
}  # fmt: skip


def tmux(*arguments):
    """Run a command of tmux on a server of this test's own."""
    return subprocess.run(["tmux", "-L", f"hap-{os.getpid()}", "-f", "/dev/null", *arguments], check=True, capture_output=True, text=True).stdout


def wait(condition, again=None):
    """Wait until the lines on the screen meet the condition; do something again where they do not for long."""
    begin = last = time.monotonic()
    while not condition(lines := [line.rstrip() for line in tmux("capture-pane", "-p", "-t", "shell").splitlines()]):
        now = time.monotonic()
        assert now < begin + PATIENCE, "\n".join(line for line in lines if line)
        if again and now > last + TAB_AGAIN:
            again()
            last = now
        time.sleep(0.02)


def is_fresh(lines):
    """Return whether there is nothing but a prompt."""
    return [line for line in lines if line] == [PROMPT]


def open_shell(name, home):
    """Start a shell that nobody has settings for, in a terminal that is so large that no list is cut."""
    command, file, settings, _ = SHELLS[name]
    path = os.path.join(home, file)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    # Where fish finds nothing it fills them, by a program in Python that would be one target more for a while.
    for place in (".local/share", ".cache"):
        os.makedirs(os.path.join(home, place, "fish", "generated_completions"), exist_ok=True)
    with open(path, "w", encoding="utf-8") as out:
        out.write(settings.replace("COMPLETION", f"{SOURCE}/data/completion") + "\n")
    clean = f"env HOME={home} ZDOTDIR={home} XDG_CONFIG_HOME={home}/.config XDG_DATA_HOME={home}/.local/share XDG_CACHE_HOME={home}/.cache LC_ALL=C.UTF-8 {command}"
    tmux("new-session", "-d", "-x", "160", "-y", "200", "-s", "shell", "-c", home, clean)
    wait(is_fresh)


def list_words(line):
    """Return what the command proposes, each as what is to be seen."""
    end = time.monotonic() + PATIENCE
    while True:
        said = subprocess.run(["ha-profiler", "complete", "--", *line.split(" ")[1:]], check=True, capture_output=True, text=True).stdout
        if len(said.splitlines()) > 1:
            return [re.compile(rf"(?<![\w-]){re.escape(proposal.split(chr(9))[0])}(?![\w-])") for proposal in said.splitlines()]
        assert time.monotonic() < end, said


def check(name, home, line, whole):
    """In a shell of its own, type the line and Tab: it becomes WHOLE, or where that is None, each word is shown that the last one may become."""
    open_shell(name, home)
    tabs = SHELLS[name][3] if whole is None else 1
    if whole is None:
        words = list_words(line)
    tmux("send-keys", "-t", "shell", "-l", line)
    wait(lambda lines: f"{PROMPT} {line}".rstrip() in lines)

    def press():
        for _ in range(tabs):
            tmux("send-keys", "-t", "shell", "Tab")

    press()
    if whole is None:
        wait(lambda lines: all(any(word.search(shown) for shown in lines[1:]) for word in words), press)
    else:
        wait(lambda lines: any(shown.rstrip("/") == f"{PROMPT} {whole}" for shown in lines), press)


def list_checks(target, artifact, home):
    """Return a name, what is typed, and what it becomes; None: a list."""
    return [
        ("command", "ha-profiler log-c", "ha-profiler log-current-tasks"),
        ("commands", "ha-profiler start", None),
        ("option", "ha-profiler start --prec", "ha-profiler start --precision"),
        ("options", "ha-profiler start --", None),
        ("value", "ha-profiler start --precision ex", "ha-profiler start --precision exact"),
        ("values", "ha-profiler start --clock ", None),
        ("list-of-values", "ha-profiler start --formats cprofile,coll", "ha-profiler start --formats cprofile,collapsed"),
        ("target", f"ha-profiler start --target {target[:4]}", f"ha-profiler start --target {target}"),
        ("targets", "ha-profiler start --target ", None),
        ("jobs", "ha-profiler jobs ", None),
        ("artifact", f"ha-profiler open {artifact[:-4]}", f"ha-profiler open {artifact}"),
        ("artifacts", "ha-profiler open ", None),
        ("directory", f"ha-profiler start --output-dir {home}/place", f"ha-profiler start --output-dir {home}/place-of-results"),
    ]


def run_all(home):
    """Run all against a service that has a target, two jobs and their artifacts."""
    sample = subprocess.Popen([sys.executable, "-m", "homeassistant"], cwd=f"{SOURCE}/examples/sample-application", stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    failed = number = 0
    try:
        sample.stdout.readline()
        os.mkdir(f"{home}/place-of-results")
        for form in ("callgrind", "collapsed"):
            command = ["ha-profiler", "start", "--seconds", "0.2", "--formats", form, "--output-dir", f"{home}/place-of-results"]
            subprocess.run(command, check=True, capture_output=True)
        checks = list_checks("home-assistant", sorted(os.listdir(f"{home}/place-of-results"))[0], home)
        print(f"1..{len(checks) * len(SHELLS)}", flush=True)
        for shell in SHELLS:
            for name, line, whole in checks:
                number += 1
                try:
                    if shutil.which(shell):
                        check(shell, home, line, whole)
                    print(f"ok {number} /client/completion/{shell}/{name}{'' if shutil.which(shell) else f' # SKIP {shell} is not installed'}", flush=True)
                except AssertionError as error:
                    failed += 1
                    print(f"not ok {number} /client/completion/{shell}/{name}", *[f"# {text}" for text in str(error).splitlines()], sep="\n", flush=True)
                if shutil.which(shell):
                    tmux("kill-session", "-t", "shell")
    finally:
        sample.kill()
        sample.wait()
        subprocess.run(["tmux", "-L", f"hap-{os.getpid()}", "kill-server"], check=False, capture_output=True)
    return failed > 0


def main():
    """Run all where there is a terminal to be had."""
    if not shutil.which("tmux"):
        print("1..0 # SKIP tmux is not installed")
        return 0
    os.environ["LC_ALL"] = "C.UTF-8"
    tmux("new-session", "-d", "-s", "keeper", "sleep", "1000")  # a server without sessions ends
    with tempfile.TemporaryDirectory() as home:
        return run_all(home)


sys.exit(main())
