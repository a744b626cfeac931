# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hands our files to the programs that people open them with. Usage: test-readers.py WRITE-SAMPLES WRITE-JOB BUILD INTERPRETERS

Prints TAP. A reader that is missing is a skip by name: scripts/readers fetches those from PyPI and npm."""

import base64
import collections
import contextlib
import gettext
import html
import json
import marshal
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.environ.get("HAP_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "ha-profiler")
READERS = os.environ.get("HAP_READERS") or os.path.join(CACHE, "readers")

Sample = collections.namedtuple("Sample", "name folder samples interval")


class Skip(Exception):
    pass


def need(program):
    path = shutil.which(program)
    if not path:
        raise Skip("no " + program)
    return path


def need_python_reader(module):
    python = os.path.join(READERS, "bin", "python")
    if not os.path.exists(python) or run([python, "-c", "import " + module], check=False).returncode:
        raise Skip("no %s: run scripts/readers" % module)
    return python


def run(argv, check=True, **options):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300, **options)
    if check and done.returncode:
        raise AssertionError("%s: exit %d: %s" % (argv, done.returncode, done.stderr.decode(errors="replace")[-2000:]))
    return done


def path(sample, name):
    return os.path.join(sample.folder, name)


def read_text(sample, name):
    with open(path(sample, name), encoding="utf-8", newline="") as file:
        return file.read()


def read_marshal(sample):
    with open(path(sample, "profile.cprof"), "rb") as file:
        return marshal.load(file)


def equal(found, expected, what):
    if found != expected:
        raise AssertionError("%s: %r, expected %r" % (what, found, expected))


def nearly(found, expected, what):
    if not math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9):
        raise AssertionError("%s: %r, expected %r" % (what, found, expected))


# ---- our own reading: the totals agree, and what holds of every file of cProfile holds ----

def parse_callgrind(text):
    """Own cost by (file, name), and the summary; strict about the lines that we write."""
    own, place, summary, call = collections.Counter(), [None, None], None, False
    for line in text.split("\n"):
        if line.startswith("summary: "):
            summary = int(line[9:])
        elif line.startswith(("fl=", "fn=")):
            place[line.startswith("fn=")] = line[3:]
        elif line.startswith("calls="):
            call = True
        elif re.fullmatch(r"\d+ \d+", line):
            if not call:
                own[tuple(place)] += int(line.split()[1])
            call = False
        else:
            assert re.match(r"(#|cfl=|cfn=|version:|creator:|pid:|cmd:|part:|positions:|events?:|$)", line), line
    return own, summary


def test_totals(sample):
    total = sample.samples * sample.interval
    own, summary = parse_callgrind(read_text(sample, "callgrind.out"))
    equal(sum(own.values()), total, "callgrind, own costs")
    equal(summary, total, "callgrind, summary")
    nearly(math.fsum(row[2] for row in read_marshal(sample).values()), total / 1e9, "pstats, own times")
    speedscope = json.loads(read_text(sample, "profile.speedscope.json"))
    equal(sum(sum(p["weights"]) for p in speedscope["profiles"]), total, "speedscope, weights")
    equal(sum(p["endValue"] - p["startValue"] for p in speedscope["profiles"]), total, "speedscope, ends")
    lines = read_text(sample, "profile.collapsed").splitlines()
    equal(sum(int(re.fullmatch(r"(.*) (\d+)", line).group(2)) for line in lines), sample.samples, "collapsed, counts")
    page = re.search(r'id="profile">(.*?)</script>', read_text(sample, "flamegraph.html"), re.S).group(1)
    data = json.loads(page)
    equal(sum(map(sum, (data["running"], data["blocking"], data["waiting"]))), sample.samples, "page, paths")
    equal(sum(map(sum, data["table"])), sample.samples, "page, table")


def test_like_cprofile(sample):
    stats = read_marshal(sample)
    total = math.fsum(row[2] for row in stats.values())
    for key, (primitive, calls, own, cumulative, callers) in stats.items():
        assert isinstance(key[0], str) and isinstance(key[1], int) and isinstance(key[2], str), key
        equal(primitive, calls, key)
        assert -1e-9 <= own <= cumulative + 1e-9 <= total + 2e-9, key
        assert all(caller in stats and len(edge) == 4 for caller, edge in callers.items()), key
        if callers:
            nearly(math.fsum(edge[2] for edge in callers.values()), own, (key, "callers' own"))
        else:
            equal(key[0], "~", "only a thread has no caller")


def test_names_distinct(sample):
    blocks = re.findall(r"^fl=(.*)\nfn=(.*)$", read_text(sample, "callgrind.out"), re.M)
    equal(len(set(blocks)), len(blocks), "functions")
    called = set(re.findall(r"^cfl=(.*)\ncfn=(.*)$", read_text(sample, "callgrind.out"), re.M))
    assert called <= set(blocks), called - set(blocks)


# ---- pstats of each Python ----

def pythons(interpreters):
    listed = run([interpreters]).stdout.decode().splitlines()
    return [line.split("\t") for line in listed]


def make_test_pstats(python, root):
    def test(sample):
        with open(os.path.join(HERE, "read-pstats.py"), encoding="utf-8") as file:
            program = file.read()
        argv = (["chroot", root] if root else []) + [python, "-c", program]
        with open(path(sample, "profile.cprof"), "rb") as file:
            found = json.loads(run(argv, stdin=file, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}).stdout)
        nearly(found["tt"], sample.samples * sample.interval / 1e9, "total time")
        equal(found["functions"], len(read_marshal(sample)), "functions")
    return test


# ---- readers from PyPI ----

def make_test_gprof2dot(format, name):
    def test(sample):
        done = run([need_python_reader("gprof2dot"), "-m", "gprof2dot", "-n0", "-e0", "-f", format, path(sample, name)])
        dot = done.stdout.decode()
        assert dot.startswith("digraph"), dot[:100]
        if sample.name == "home-assistant":
            share = [line for line in dot.splitlines() if "async_update_data" in line and "label=" in line]
            assert share, "no node for the coordinator"
    return test


def test_pyprof2calltree(sample):
    """What it makes of our .cprof is what we write as callgrind: the same functions with the same own cost."""
    python = need_python_reader("pyprof2calltree")
    with tempfile.NamedTemporaryFile() as out:
        run([python, "-m", "pyprof2calltree", "-i", path(sample, "profile.cprof"), "-o", out.name])
        if sample.name == "hostile":
            return
        with open(out.name, encoding="utf-8") as file:
            theirs, _ = parse_callgrind(file.read())
    ours, _ = parse_callgrind(read_text(sample, "callgrind.out"))
    if sample.samples:
        equal(set(theirs), set(ours), "functions")
    for place, cost in theirs.items():
        assert abs(cost - ours[place]) <= 1, (place, cost, ours[place])


def test_snakeviz(sample):
    program = ("import pstats, sys; from snakeviz.stats import json_stats, table_rows; s = pstats.Stats(sys.argv[1]);"
               "print(len(table_rows(s)), len(json_stats(s)))")
    found = run([need_python_reader("snakeviz"), "-c", program, path(sample, "profile.cprof")]).stdout.split()
    stats = read_marshal(sample)
    linked = {key for key, row in stats.items() if row[4]} | {caller for row in stats.values() for caller in row[4]}
    equal([int(n) for n in found], [len(stats), len(linked)], "rows and functions in the graph")


def test_flameprof(sample):
    svg = run([need_python_reader("flameprof"), "-m", "flameprof", path(sample, "profile.cprof")]).stdout
    assert svg.lstrip().startswith(b"<?xml") or b"<svg" in svg, svg[:100]


# ---- valgrind's and KDE's ----

def test_callgrind_annotate(sample):
    done = run([need("callgrind_annotate"), "--threshold=100", path(sample, "callgrind.out")], cwd="/")
    text = done.stdout.decode(errors="replace")
    total = re.search(r"^\s*([\d,]+)(?: \(100.0%\))?\s+PROGRAM TOTALS$", text, re.M)
    if sample.samples:
        equal(int(total.group(1).replace(",", "")), sample.samples * sample.interval, "program totals")
    assert b"malformed" not in done.stderr and b"line" not in done.stderr, done.stderr
    run([need("callgrind_annotate"), "--inclusive=yes", "--tree=both", path(sample, "callgrind.out")], cwd="/")


@contextlib.contextmanager
def display():
    """A display that nobody sees."""
    reading, writing = os.pipe()
    server = subprocess.Popen([need("Xvfb"), "-displayfd", str(writing), "-nolisten", "tcp"], pass_fds=[writing],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(reading) as number:
            yield ":" + number.readline().strip()
    finally:
        server.terminate()
        server.wait()


# Prints the window's title once it names the program that the file is about: then the file is loaded.
ASK_KCACHEGRIND = """
kcachegrind "$1" &
until gdbus call --session --dest org.kde.kcachegrind-$! --object-path /kcachegrind/MainWindow_1 \
    --method org.freedesktop.DBus.Properties.Get org.qtproject.Qt.QWidget windowTitle 2>/dev/null | grep -F "["; do
  kill -0 $! || exit 1
  sleep 0.2
done
kill $!
"""


def test_kcachegrind(sample):
    """It loads the file, and says nothing against any line of it."""
    need("kcachegrind")
    with display() as shown, tempfile.TemporaryDirectory() as home:
        with open(os.path.join(home, "kcachegrindrc"), "w", encoding="utf-8") as file:
            file.write("[TipOfDay]\nRunOnStart=false\n")
        environment = dict(os.environ, DISPLAY=shown, HOME=home, XDG_CONFIG_HOME=home, XDG_CACHE_HOME=home,
                           XDG_RUNTIME_DIR=home, LC_ALL="C.UTF-8", QT_LOGGING_RULES="*.debug=true;qt.*=false")
        done = run(["timeout", "90", need("dbus-run-session"), "--", "sh", "-c", ASK_KCACHEGRIND, "sh",
                    path(sample, "callgrind.out")], env=environment)
    complaints = re.findall(r'^Loading ".*" : \d+ :.*$', done.stderr.decode(errors="replace"), re.M)
    assert not complaints, complaints
    assert b"callgrind.out [" in done.stdout, done.stdout


# ---- in a browser ----

def browse(address, *options):
    """The document after its scripts ran, and what they said on the console."""
    with tempfile.TemporaryDirectory() as home:
        done = run([need("chromium"), "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                    "--window-size=1400,900", "--user-data-dir=" + home, "--enable-logging=stderr", *options,
                    "--virtual-time-budget=20000", "--dump-dom", address])
    said = [line for line in done.stderr.decode(errors="replace").splitlines() if ":CONSOLE" in line]
    return done.stdout.decode(errors="replace"), said


def page_facts(document):
    body = re.search(r"<body([^>]*)>", document).group(1)
    return dict(re.findall(r'data-([a-z]+)="([^"]*)"', body))


def open_page(sample, state=""):
    document, said = browse("file://" + path(sample, "flamegraph.html") + state)
    equal(said, [], "console")
    facts = page_facts(document)
    equal(facts.get("ready"), "true", "page drawn")
    return document, facts


def test_page(sample):
    document, facts = open_page(sample, "#time=all")
    assert "owned" not in re.search(r"<title>(.*?)</title>", document, re.S).group(1) or "&lt;script" in document
    assert not re.search(r"<img|<script>document", document), "markup of the target"
    equal(int(facts["samples"]), sample.samples, "samples shown")


def test_page_contents(sample):
    data = json.loads(re.search(r'id="profile">(.*?)</script>', read_text(sample, "flamegraph.html"), re.S).group(1))
    document, facts = open_page(sample)
    equal(int(facts["samples"]), sum(data["running"]) + sum(data["blocking"]), "busy samples")
    assert int(facts["frames"]) > 50 and int(facts["depth"]) >= 13, facts
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", document, re.S)
    texts = [html.unescape(re.sub(r"<[^>]*>", " ", row)) for row in rows]
    assert any(re.search(r"slow_meter\s+custom\s+58 %", text) for text in texts), texts[:5]
    assert any("JSONDecoder.raw_decode" in text and "6.44 s" in text for text in texts), texts
    assert "50 % of the observations were made" in document, "the pace that was not kept"
    for state in ("#time=all&merge=1", "#time=all&invert=1", "#time=all&invert=1&merge=1"):
        _, facts = open_page(sample, state)
        equal(int(facts["samples"]), sample.samples, "samples shown with " + state)
    _, facts = open_page(sample, "#find=raw_decode")
    equal(int(facts["found"]), 643, "samples found")


def test_page_loads_nothing(sample):
    """An injected script, style or request is refused by the page's own policy."""
    page = read_text(sample, "flamegraph.html").replace(
        '<div id="tip"', '<script>document.title="owned"</script><img src="http://192.0.2.1/x"><div id="tip"')
    with tempfile.NamedTemporaryFile("w", suffix=".html", encoding="utf-8") as file:
        file.write(page)
        file.flush()
        document, said = browse("file://" + file.name)
    assert "<title>owned" not in document, "the script ran"
    equal(sum("Content Security Policy" in line for line in said), 2, "refusals")


# A language of three forms, by the last two digits
POLISH = r"""msgid ""
msgstr ""
"Language: pl_PL\n"
"Content-Type: text/plain; charset=UTF-8\n"
"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);\n"
msgid "%s sample"
msgid_plural "%s samples"
msgstr[0] "%s próbka"
msgstr[1] "%s próbki"
msgstr[2] "%s próbek"
msgid "Where the time went"
msgstr "Gdzie <b>&</b> \"kiedy\""
msgid "process %s"
msgstr "</script><script>document.title='owned'</script> %s"
"""


def make_test_polish(write_samples):
    """A page in another language: its own words and numbers, each plural by the language's rule, and no markup of a translation."""
    def test(sample):
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(os.path.join(folder, "pl", "LC_MESSAGES"))
            run([need("msgfmt"), "-o", os.path.join(folder, "pl", "LC_MESSAGES", "ha-profiler.mo"), "-"], input=POLISH.encode())
            environment = dict(os.environ, LC_ALL="C.UTF-8", LANGUAGE="pl", HAP_LOCALES=folder)
            run([write_samples, folder, sample.name], env=environment)
            there = sample._replace(folder=os.path.join(folder, sample.name))
            page = read_text(there, "flamegraph.html")
            document, _ = open_page(there)
        words = json.loads(re.search(r'id="words">(.*?)</script>', page, re.S).group(1))
        forms, which = words["%s sample"]
        rule = gettext.c2py("n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2")
        equal([forms[int(index)] for index in which], [("%s próbka", "%s próbki", "%s próbek")[rule(n)] for n in range(len(which))], "forms")
        expected = ("%s próbka", "%s próbki", "%s próbek")[rule(sample.samples)].replace("%s", format(sample.samples, ",").replace(",", "\N{NO-BREAK SPACE}"))
        found = html.unescape(re.search(r'id="facts">(.*?)</p>', document).group(1))
        assert expected in found.replace("&nbsp;", "\N{NO-BREAK SPACE}"), (expected, found)
        assert "<html lang=\"pl-PL\"" in document and "Gdzie &lt;b&gt;&amp;&lt;/b&gt;" in document, document[:500]
        assert "<title>owned" not in document, "the script ran"
        equal(page.count("</script"), 4, "scripts")
    return test


# ---- memory ----

def heap_data(sample):
    return json.loads(re.search(r'id="profile">(.*?)</script>', read_text(sample, "heap_profile.html"), re.S).group(1))


def test_heap_page(sample):
    data = heap_data(sample)
    for state in ("", "#show=new"):
        document, said = browse("file://" + path(sample, "heap_profile.html") + state)
        equal(said, [], "console")
        facts = page_facts(document)
        equal(facts.get("ready"), "true", "page drawn")
        assert not re.search(r"<img|<script>document|<b>markup", document), "markup of the target"
        assert "<title>owned" not in document, "the script ran"
        equal(int(facts["shown"]), sum(len(data[table]) for table in ("types", "objects", "duplicates")), "rows shown")
        if data["cells"]:
            assert int(facts["boxes"]) > len(data["cells"]), facts
    document, said = browse("file://" + path(sample, "heap_profile.html") + "#find=holder")
    equal(said, [], "console")
    shown = int(page_facts(document)["shown"])
    assert shown == 3 or sample.name != "home-assistant", shown


LOAD_HPY = """import sys
from guppy import hpy
stat = hpy().load(sys.argv[1])
rows = list(stat.get_rows())
print(stat.count, stat.size, len(rows))
for row in rows: print(row.count, row.size, row.name)
"""

def test_hpy_guppy(sample):
    text = read_text(sample, "heap_profile.hpy")
    rows = [line[4:].split(" ", 2) for line in text.split("\n") if line.startswith(".r: ")]
    expected = [str(sum(int(row[i]) for row in rows)) for i in (0, 1)] + [str(len(rows))]
    said = run([need_python_reader("guppy"), "-c", LOAD_HPY, path(sample, "heap_profile.hpy")]).stdout.decode().split("\n")
    equal(said[0].split(), expected, "totals")
    equal([line.split(" ", 2) for line in said[1:-1]], rows, "rows")


# What the browser's window shows: the sample, and all texts.
BROWSE_HPY = """import sys, tkinter
from guppy import hpy
prof = hpy()._parent.Prof
app = prof._module.ProfileApp(prof)
browser = app.new_profile_browser(sys.argv[1])
app.root.update()
def texts(widget):
    if isinstance(widget, tkinter.Text):
        yield widget.get("1.0", "end")
    for child in widget.winfo_children():
        yield from texts(child)
print(len(browser.stats), browser.stats[0].count, browser.stats[0].size)
print(*texts(app.root))
"""


def make_test_browser(version):
    """guppy's Profile Browser itself, on one Python."""
    def test(sample):
        python = os.path.join(READERS, "guppy", version, "bin", "python")
        if run([python, "-c", "import tkinter"], check=False).returncode:
            raise Skip("no tkinter for this Python")
        rows = [line[4:].split(" ", 2) for line in read_text(sample, "heap_profile.hpy").split("\n") if line.startswith(".r: ")]
        with display() as shown:
            said = run([python, "-c", BROWSE_HPY, path(sample, "heap_profile.hpy")], env=dict(os.environ, DISPLAY=shown)).stdout.decode()
        equal(said.split("\n", 1)[0].split(), ["1"] + [str(sum(int(row[i]) for row in rows)) for i in (0, 1)], "totals")
        table = re.sub(r"\s", "", said)
        for _, _, name in rows[:3]:
            assert re.sub(r"\s", "", name) in table, (name, said)
    return test


def make_test_speedscope(name, given_name):
    def test(sample):
        release = os.path.join(READERS, "node_modules", "speedscope", "dist", "release")
        if not os.path.isdir(release):
            raise Skip("no speedscope: run scripts/readers")
        bundle = next(entry for entry in os.listdir(release) if re.fullmatch(r"speedscope-.*\.js", entry))
        with open(os.path.join(release, bundle), encoding="utf-8") as file:
            script = file.read()
        # The function that its own "open a local file" calls
        importer = re.search(r"loadFileFromBase64:\(\w+,\w+\)=>\{this\.loadProfile\(\(\)=>(\w+)\(", script).group(1)
        script = script.replace("(()=>{", "(()=>{window.importProfile=(n,b)=>%s(n,b);" % importer, 1)
        with open(path(sample, name), "rb") as file:
            content = base64.b64encode(file.read()).decode()
        ask = """importProfile(%s, "%s").then((group) => {
          document.body.dataset.found = btoa(JSON.stringify(group && group.profiles.map((p) => p.getTotalWeight())));
        }, (error) => { document.body.dataset.failed = btoa(unescape(encodeURIComponent(error.stack))); });
        """ % (json.dumps(given_name), content)
        with tempfile.TemporaryDirectory() as folder:
            for part, text in (("speedscope.js", script), ("ask.js", ask), ("index.html", "<!DOCTYPE html><meta charset=utf-8>"
                               "<body><script src=speedscope.js></script><script src=ask.js></script>")):
                with open(os.path.join(folder, part), "w", encoding="utf-8") as file:
                    file.write(text)
            document, said = browse("file://" + os.path.join(folder, "index.html"))
        facts = page_facts(document)
        assert "found" in facts, (base64.b64decode(facts.get("failed", "")).decode(), said)
        weights = json.loads(base64.b64decode(facts["found"]))
        unit = 1 if name == "profile.collapsed" else sample.interval
        equal(sum(weights), sample.samples * unit, "total weight")
    return test


# ---- ----

USUAL = ("home-assistant", "recursive", "hostile", "single", "job", "idle", "empty")
SAMPLED = USUAL[:5]
HEAPS = ("home-assistant", "hostile", "empty")


def all_tests(interpreters, write_samples):
    """Names, tests, and the samples that each is run with; the big one is for what reads whole trees."""
    yield "/formats/all/totals-agree", test_totals, USUAL + ("big",)
    yield "/formats/pstats/like-cprofile", test_like_cprofile, USUAL + ("big",)
    yield "/formats/callgrind/names-distinct", test_names_distinct, USUAL + ("big",)
    for version, python, root in pythons(interpreters):
        place = "-in-" + os.path.basename(root) if root else ""
        yield "/formats/pstats/python-%s%s" % (version, place), make_test_pstats(python, root), USUAL
    yield "/formats/pstats/gprof2dot", make_test_gprof2dot("pstats", "profile.cprof"), USUAL
    yield "/formats/callgrind/gprof2dot", make_test_gprof2dot("callgrind", "callgrind.out"), USUAL
    yield "/formats/collapsed/gprof2dot", make_test_gprof2dot("collapse", "profile.collapsed"), USUAL
    yield "/formats/pstats/pyprof2calltree", test_pyprof2calltree, USUAL
    yield "/formats/pstats/snakeviz", test_snakeviz, USUAL
    yield "/formats/pstats/flameprof", test_flameprof, SAMPLED  # it divides by the total time
    yield "/formats/callgrind/callgrind_annotate", test_callgrind_annotate, USUAL
    yield "/formats/callgrind/kcachegrind", test_kcachegrind, SAMPLED
    yield ("/formats/speedscope/speedscope",
           make_test_speedscope("profile.speedscope.json", "profile.1.speedscope.json"), USUAL + ("big",))
    yield "/formats/callgrind/speedscope", make_test_speedscope("callgrind.out", "callgrind.out.1"), SAMPLED
    yield "/formats/collapsed/speedscope", make_test_speedscope("profile.collapsed", "profile.1.collapsed"), SAMPLED
    yield "/formats/flamegraph/chromium", test_page, USUAL + ("big",)
    yield "/formats/flamegraph/contents", test_page_contents, ("home-assistant",)
    yield "/formats/flamegraph/polish", make_test_polish(write_samples), ("home-assistant", "single")
    yield "/formats/flamegraph/policy", test_page_loads_nothing, ("single",)
    yield "/formats/heap-page/chromium", test_heap_page, HEAPS
    yield "/formats/hpy/guppy", test_hpy_guppy, HEAPS
    folder = os.path.join(READERS, "guppy")
    for version in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        yield "/formats/hpy/browser-" + version, make_test_browser(version), ("home-assistant",)


def main(write_samples, write_job, build, interpreters, only=""):
    tests = [test for test in all_tests(interpreters, write_samples) if only in test[0]]
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        written = b"".join(run(argv).stdout for argv in ([write_samples, folder], [write_job, build, folder]))
        samples = [Sample(name, os.path.join(folder, name), int(count), int(interval))
                   for name, count, interval in map(str.split, written.decode().splitlines())]
        print("TAP version 13\n1..%d" % len(tests), flush=True)
        for number, (name, test, with_samples) in enumerate(tests, 1):
            try:
                for sample in (sample for sample in samples if sample.name in with_samples):
                    at = sample.name
                    test(sample)
                print("ok %d - %s" % (number, name), flush=True)
            except Skip as reason:
                print("ok %d - %s # SKIP %s" % (number, name, reason), flush=True)
            except Exception as error:
                failed += 1
                print("not ok %d - %s" % (number, name))
                for line in ("%s: %s: %s" % (at, type(error).__name__, error)).splitlines():
                    print("# " + line[:1000], flush=True)
    return failed > 0


sys.exit(main(*sys.argv[1:]))
