#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""No English is left in another language: every command, and every refusal at hand, in a language in which each letter of a text is a
Cyrillic one. Latin words that are seen nevertheless are names, or have no translation.

Usage: test-languages.py SOURCE BUILD LOCALEDIR. Speaks TAP. As root, in a mount namespace of its own, where the texts of de_DE.UTF-8 are
those; the service itself speaks C, so that what is seen is the caller's language."""

import glob
import html.parser
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

SOURCE, BUILD, LOCALEDIR = sys.argv[1:4]
SYSTEM_LOCALEDIR = "/usr/share/locale"
DIRECTIVE = re.compile(r"%[-+ #0-9.*]*(?:hh|h|ll|l|z|j|t|L)?[a-zA-Z%]|\$\([a-z-]+\)|\\n")

# What is the same in every language: names of programs, methods, attributes, values, formats; and words of the machine.
NAMES = set(
    """ha profiler profilerd notifier worker tracer Home Assistant Python CPython D-Bus polkit pid uid target targets jobs JOB org homeassistant
    python3 python busy idle py wait sleep lru cache stats json host bus sys hex MiB KiB GiB kB ms us ns s
    callgrind cprofile speedscope collapsed flamegraph hpy html heapy out prof cprof txt page
    sampling tracing wall cpu gil all main auto exact fast system session
    start memory cancel artifacts open remove BUS HOST
    main MainThread Thread root nobody
    """.split()
)


class Skip(Exception):
    """The reason why nothing can be run here."""


def disguise(text):
    """Return the text with each letter outside of directives changed."""
    result, at = [], 0
    for match in DIRECTIVE.finditer(text):
        result += [change(text[at : match.start()]), match.group()]
        at = match.end()
    return "".join(result) + change(text[at:])


def change(text):
    """Return the text in other letters, as wide as it was."""
    return "".join(chr(0x430 + ord(c.lower()) - 97) if c.isascii() and c.isalpha() else c for c in text)


def read_texts(path):
    """Return the originals in a catalogue, with their plurals."""
    with open(path, "rb") as file:
        data = file.read()
    count, originals = struct.unpack_from("<II", data, 8)
    texts = []
    for number in range(count):
        length, offset = struct.unpack_from("<II", data, originals + 8 * number)
        texts.append(data[offset : offset + length].decode())
    return texts


def write_catalogue(path, texts):
    """Write a catalogue in which each text is disguised."""
    pairs = []
    for text in sorted(texts, key=str.encode):
        forms = text.split("\4")[-1].split("\0")
        head = "Language: de\nContent-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=(n != 1);\n"
        translated = "\0".join(map(disguise, forms)) if text else head
        pairs.append((text.encode(), translated.encode()))
    tables, strings, at = [], b"", 28 + 16 * len(pairs)
    for column in (0, 1):
        for pair in pairs:
            tables.append(struct.pack("<II", len(pair[column]), at + len(strings)))
            strings += pair[column] + b"\0"
    os.makedirs(os.path.dirname(path))
    with open(path, "wb") as file:
        file.write(struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0) + b"".join(tables) + strings)


def set_up(directory):
    """Show the disguised texts where programs look for German ones: ours, GLib's and the C library's."""
    write_catalogue(f"{directory}/ours/de/LC_MESSAGES/ha-profiler.mo", read_texts(f"{BUILD}/po/de/LC_MESSAGES/ha-profiler.mo"))
    for domain in ("glib20", "libc"):
        real = f"{SYSTEM_LOCALEDIR}/de/LC_MESSAGES/{domain}.mo"
        if os.path.exists(real):
            write_catalogue(f"{directory}/{domain}/x/{domain}.mo", read_texts(real))
            mount("--bind", f"{directory}/{domain}/x/{domain}.mo", real)
    if os.path.isdir(LOCALEDIR):
        mount("--bind", f"{directory}/ours", LOCALEDIR)
    else:
        parent = LOCALEDIR
        while not os.path.isdir(parent):
            parent = os.path.dirname(parent)
        mount("-t", "tmpfs", "texts", parent)
        shutil.copytree(f"{directory}/ours", LOCALEDIR)


def mount(*arguments):
    """Mount in the namespace of this test."""
    subprocess.run(["mount", *arguments], check=True)


def list_foreign(text, names):
    """Return the words that are in English."""
    text = re.sub(r"https?://\S+|(?<![\w.])/[\w./+-]+|\S+\+0x[0-9a-f]+|[\w-]+(?:[._][\w-]+)+|--[\w\[\]-]+|“[^”]*”|\b[a-z]+(?:-[a-z]+)+\b", " ", text)
    return [word for word in re.findall(r"[A-Za-z]{2,}", text) if word not in NAMES and word not in names]


def run(command, locale="de_DE.UTF-8"):
    """Return what a command says in that language."""
    environment = {**os.environ, "LC_ALL": locale, "COLUMNS": "100", "NO_COLOR": "1"}
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, timeout=60)
    return done.stdout


def check(number, name, command, names=()):
    """Run a command and say which of its words have no translation."""
    output = run(command)
    foreign = list_foreign(output, names)
    print(f"{'not ' if foreign or not output.strip() else ''}ok {number} /languages/{name}", flush=True)
    if foreign or not output.strip():
        print(*[f"# {line}" for line in [f"English: {' '.join(foreign)}", *output.splitlines()[:40]]], sep="\n", flush=True)
    return bool(output.strip()) and not foreign


READ = ("title", "placeholder", "aria-label", "aria-roledescription")
LITERAL = re.compile(r'(\b(?:_|ngettext)\(\s*"[^"]*"(?:,\s*"[^"]*")?)|"([^"\n]*)"|`([^`]*)`')
NO_PROSE = ("use strict", "12px system-ui", "inset 0 0")


class Page(html.parser.HTMLParser):
    """What is read of a page: its texts; its scripts; its data."""

    def __init__(self, document):
        super().__init__()
        self.texts, self.scripts, self.blocks, self.inside = [], [], {}, None
        self.feed(document)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.inside = attributes.get("id", "script") if tag == "script" else "style" if tag == "style" else None
        self.texts += [attributes[name] for name in READ if attributes.get(name)]

    def handle_endtag(self, _tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside == "script":
            self.scripts.append(data)
        elif self.inside in ("profile", "words"):
            self.blocks[self.inside] = json.loads(data)
        elif self.inside is None and data.strip():
            self.texts.append(data)


def list_strings(value):
    """Return all strings below a value of JSON."""
    if isinstance(value, (list, dict)):
        return [text for item in (value.values() if isinstance(value, dict) else value) for text in list_strings(item)]
    return [value] if isinstance(value, str) else []


def list_prose(script):
    """Return the texts of a script that it does not have translated."""
    script = re.sub(r"^\s*//.*$|\\$\{[^{}]*\}", " ", script, flags=re.M)
    said = [match[2] or match[3] or "" for match in LITERAL.finditer(script) if not match[1]]
    return [text for text in said if re.search(r"[A-Za-z]{2,} +[a-z]{2,}", text) and not text.startswith(NO_PROSE)]


def check_page(number, pattern, drawn):
    """A page is in that language, as it is written or as a browser draws it; what is data of the profile may be anything."""
    name = f"/languages/page/{pattern.split('.')[0]}{'/drawn' if drawn else ''}"
    if drawn and not shutil.which("chromium"):
        print(f"ok {number} {name} # SKIP no chromium", flush=True)
        return True
    path = sorted(glob.glob(pattern))[0]
    with open(path, encoding="utf-8") as file:
        document = file.read()
    if drawn:
        with tempfile.TemporaryDirectory() as home:
            options = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={home}", "--virtual-time-budget=10000", "--dump-dom"]
            done = subprocess.run(["chromium", *options, f"file://{os.path.abspath(path)}"], check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=120)
        document = done.stdout
    page = Page(document)
    verdict = page.blocks["profile"].pop("verdict", [])
    data = set(re.findall(r"[A-Za-z]{2,}", " ".join(list_strings(page.blocks["profile"]))))
    foreign = list_foreign(" ".join(page.texts + verdict + list_strings(page.blocks["words"])), data | {"TiB"})
    prose = [text for script in page.scripts for text in list_prose(script)]
    passed = not foreign and not prose and 'lang="de"' in document and (not drawn or 'data-ready="true"' in document)
    print(f"{'' if passed else 'not '}ok {number} {name}", *[] if passed else [f"# English: {foreign} {prose}", f"# {page.texts}"], sep="\n", flush=True)
    return passed


def check_others(number, command):
    """Languages that there is no translation for, or not even a locale, say what C says."""
    said = [re.sub("[“”]", '"', run(command, locale)) for locale in ("C.UTF-8", "es_ES.UTF-8", "xx_YY.UTF-8", "../../etc", "x" * 5000)]
    ok = len(set(said)) == 1 and "ha-profiler: There is no target" in said[0]
    print(f"{'' if ok else 'not '}ok {number} /languages/without-translation", *[] if ok else [f"# {text}" for text in said], sep="\n", flush=True)
    return ok


def list_checks(target, wealthy, exhausted):
    """Return what is run: a name, a command, and words that are data."""
    started = {"Memory", "Growth", "SetAsyncioDebug", "Start"}
    with open(f"{SOURCE}/tests/targets/busy.py", encoding="utf-8") as file:
        code = set(re.findall(r"[A-Za-z]{2,}", file.read()))
    report = {"Application", "module", "number", "dict", "function", "at", "File", "line", "in"} | code
    printed = set("Task pending name coro running at Future cb Scheduled TimerHandle when print None socket fd family type proto Application".split())
    actions = [
        "start", "memory", "start-log-objects", "stop-log-objects", "start-log-object-sources", "stop-log-object-sources", "lru-stats",
        "log-thread-frames", "log-event-loop-scheduled", "log-current-tasks", "set-asyncio-debug", "dump-sockets", "dump-log-objects",
    ]  # fmt: skip
    commands = ["targets", "jobs", "cancel", "artifacts", "open", "remove", "version"]
    of = ["--target", str(target)]
    checks = [
        ("service-help", [f"{BUILD}/src/service/ha-profilerd", "--help"], {"NAME"}),
        ("service-wrong", [f"{BUILD}/src/service/ha-profilerd", "extra"], ()),
        ("notifier-help", [f"{BUILD}/src/notifier/ha-profiler-notifier", "--help"], ()),
        ("help", ["--help"], {"version"}),
    ]
    methods = {"".join(part.capitalize() for part in name.split("-")) for name in actions}
    words = methods | {"Bus", "HA", "PROFILER", "PROFILERD", "NOTIFIER", "observe", "inspect", "profile", "modify", "busctl", "true", "false", "version", "help", "quiet"}
    describe = f"{BUILD}/tools/manual/describe-actions {BUILD}/plugins"
    for section, room, name, more in ((1, "client", "ha-profiler", describe), (8, "service", "ha-profilerd", ""), (1, "notifier", "ha-profiler-notifier", "")):
        made = f"{sys.executable} {SOURCE}/tools/manual/make-manual.py {section} {BUILD}/src/{room}/{name} {LOCALEDIR}/de/LC_MESSAGES/ha-profiler.mo {more}"
        checks.append((f"manual/{name}", ["/bin/sh", "-c", f"{made} | sed 's/^[.][A-Z]*//; s/[\\\\]-/-/g'"], words))
    checks += [(f"help/{name}", [name, "--help"], {"version", "modify"}) for name in actions + commands]
    checks += [
        ("targets", ["targets"], {"bash", "sh", "true", "false", *exhausted}),
        ("none/jobs", ["jobs"], ()),
        ("none/artifacts", ["artifacts"], ()),
        ("start", ["start", *of, "--seconds", "0.5", "--output-dir", "."], report | started | {"snakeviz", "gprof", "KCachegrind", "QCachegrind", "app", "pl"}),
        ("memory", ["memory", *of, "--seconds", "0.5", "--output-dir", "."], started | {"Application", "int", "__main__", "main", "number", "_distutils_hack", "certifi", "distutils", "hack", "guppy", "hpy", "load", "site"}),
        ("report/threads", ["log-thread-frames", *of], report),
        ("report/tasks", ["log-current-tasks", *of], ()),
        ("report/scheduled", ["log-event-loop-scheduled", *of], ()),
        ("report/sockets", ["dump-sockets", *of], {"Sockets", "used", "by"}),
        # Without what is traceback's.
        ("report/threads/native", ["/bin/sh", "-c", f"COLUMNS=1000 ha-profiler log-thread-frames --native --target {wealthy} | grep -v '^Thread\\|^  File\\|^    '"], printed),
        ("report/tasks/some", ["log-current-tasks", "--target", str(wealthy)], printed),
        ("report/scheduled/some", ["log-event-loop-scheduled", "--target", str(wealthy)], printed),
        ("report/dump/failed", ["dump-log-objects", "--type", "Mute", "--limit", "1", "--target", str(wealthy)], printed | set("Mute object in memory Failed to serialize class".split())),
        ("report/dump/cut", ["/bin/sh", "-c", f"ha-profiler dump-log-objects --type ModuleSpec --length 20 --target {wealthy} | grep -v '^ModuleSpec object in memory'"], {"ModuleSpec"}),
        ("report/caches", ["/bin/sh", "-c", f"COLUMNS=1000 ha-profiler lru-stats --target {wealthy} | grep -v '^Cache stats for'"], printed),
        ("report/sockets/lost", ["dump-sockets", "--target", str(wealthy)], printed | {"Sockets", "used", "by"}),
        ("tracing", ["start", *of, "--seconds", "0.5", "--mode", "tracing", "--output-dir", "."], report | started | {"snakeviz", "gprof", "KCachegrind", "QCachegrind", "app", "pl"}),
        ("growth", ["start-log-objects", *of, "--no-wait"], ()),
        ("growth/twice", ["start-log-objects", *of, "--no-wait"], ()),
        ("growth/busy", ["start-log-object-sources", *of, "--no-wait"], ()),
        ("growth/listed", ["jobs"], {"StartLogObjects", "StartLogObjectSources", "Memory", "Start"}),
        ("growth/stopped", ["stop-log-objects", *of], ()),
        ("growth/none", ["stop-log-objects"], ()),
        ("jobs", ["jobs", "1"], report | started | {"snakeviz", "gprof", "KCachegrind", "QCachegrind", "app", "pl"}),
        ("artifacts", ["artifacts"], started),
        ("refused/no-target", ["start", "--target", "nobody-is-called-so"], exhausted),
        ("refused/no-home-assistant", ["start"], exhausted),
        ("refused/gone", ["start", "--target", "4194303"], {"ListTargets"}),
        ("refused/no-process", ["start", "--target", "0"], ()),
        ("refused/name", ["start", "--target", "a b"], {"ListTargets"}),
        ("refused/no-python", ["log-thread-frames", "--target", str(os.getppid())], exhausted),
        ("refused/no-loop", ["set-asyncio-debug", *of], ()),
        ("refused/range", ["start", *of, "--seconds", "0"], ()),
        ("refused/number", ["start", *of, "--rate", "much"], ()),
        ("refused/choice", ["start", *of, "--clock", "sun"], ()),
        ("refused/formats", ["start", *of, "--formats", "gif"], ()),
        ("refused/type", ["start", *of, "--seconds", "1e9"], ()),
        ("refused/artifact", ["open", "nothing"], ()),
        ("refused/artifact-name", ["remove", "../nothing"], ()),
        ("refused/remove", ["remove", "nothing"], {"ListArtifacts"}),
        ("refused/job", ["cancel", "999"], ()),
        ("refused/job-name", ["cancel", "a-b"], ()),
        ("refused/ended", ["cancel", "1"], ()),
        ("refused/option", ["start", "--nothing"], ()),
        ("refused/command", ["nothing"], ()),
        ("refused/too-many", ["targets", "nothing"], ()),
        ("refused/missing", ["cancel"], ()),
        ("refused/bus", ["--bus", "nothing", "targets"], ()),
        ("refused/no-bus", ["--bus", "unix:path=/nothing", "targets"], ()),
        ("refused/nobody", ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "ha-profiler", "start", *of], "The name org freedesktop PolicyKit was not provided by any service files".split()),
    ]
    return checks


def run_all():
    """Run all against a service that speaks C, and speak TAP."""
    targets = []
    for name in ("busy", "wealthy"):
        command = [sys.executable, "-u", f"{SOURCE}/tests/targets/{name}.py"]
        targets.append(subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "LC_ALL": "C.UTF-8"}))
        targets[-1].stdout.readline()
    listed = subprocess.run(["ha-profiler", "--json", "targets"], check=True, capture_output=True, text=True).stdout
    exhausted = set(re.findall(r"[A-Za-z]{2,}", listed))
    checks = list_checks(*[target.pid for target in targets], exhausted)
    pages = [(pattern, drawn) for pattern in ("flamegraph.*.html", "heap_profile.*.html") for drawn in (False, True)]
    print(f"1..{len(checks) + len(pages) + 1}", flush=True)
    passed = True
    try:
        for number, (name, command, names) in enumerate(checks, 1):
            own = command[0].startswith("/") or command[0] == "setpriv"
            passed &= check(number, name, command if own else ["ha-profiler", *command], set(names))
        for number, (pattern, drawn) in enumerate(pages, len(checks) + 1):
            passed &= check_page(number, pattern, drawn)
        passed &= check_others(len(checks) + len(pages) + 1, ["ha-profiler", "start", "--target", "nobody-is-called-so"])
    finally:
        for target in targets:
            target.kill()
            target.wait()
    return 0 if passed else 1


def main():
    """Go where the texts are others, and start the service there."""
    if len(sys.argv) > 4:
        return run_all()
    if os.getuid() != 0:
        raise Skip("only root can show other texts")
    if not shutil.which("msgfmt") or not os.path.exists(f"{BUILD}/po/de/LC_MESSAGES/ha-profiler.mo"):
        raise Skip("the translations are not built: gettext is missing")
    if "de_DE.utf8" not in subprocess.run(["locale", "-a"], check=True, capture_output=True, text=True).stdout.split():
        raise Skip("the locale de_DE.UTF-8 is not installed")
    if not os.environ.get("HAP_UNSHARED"):
        os.execvpe("unshare", ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private", sys.executable, *sys.argv], {**os.environ, "HAP_UNSHARED": "1"})
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        set_up(directory)
        environment = {**os.environ, "HAP_BUILD": BUILD, "LC_ALL": "C.UTF-8"}
        os.mkdir(f"{directory}/results")
        return subprocess.run([f"{SOURCE}/scripts/sandbox", sys.executable, *sys.argv, "inside"], env=environment, check=False, cwd=f"{directory}/results").returncode


try:
    sys.exit(main())
except Skip as reason:
    print(f"1..0 # SKIP {reason}")
