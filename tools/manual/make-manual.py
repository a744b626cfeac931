#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes a manual page from what a program says by --help, and for the command from what the plugins say of their actions.

Usage: make-manual.py SECTION PROGRAM CATALOGUE [ACTIONS-JSON-COMMAND...]. Prints the page. Where a built program looks for its
translations there are none yet: it is asked in English, and what it says is looked up in the catalogue; "-" is none."""

import gettext
import json
import os
import re
import subprocess
import sys


def N_(text):
    """Mark a text for translation."""
    return text


# What a program is, and what else to read.
PAGES = {
    "ha-profiler": (N_("profile a running Home Assistant"), ["ha-profilerd(8)", "ha-profiler-notifier(1)", "busctl(1)"]),
    "ha-profilerd": (N_("the service that profiles Home Assistant for callers on D-Bus"), ["ha-profiler(1)", "polkit(8)"]),
    "ha-profiler-notifier": (N_("shows on the desktop what the profiler does"), ["ha-profiler(1)", "ha-profilerd(8)"]),
}
# The headings of pages, and what GLib says in the help of every program.
HEADINGS = [N_("NAME"), N_("SYNOPSIS"), N_("DESCRIPTION"), N_("SEE ALSO"), N_("Application Options"), N_("Help Options")]
USUAL = [N_("[OPTION…]"), N_("Show help options")]


def set_language(path):
    """Return the function that translates a text."""
    if path == "-":
        return lambda text: text
    with open(path, "rb") as file:
        catalogue = gettext.GNUTranslations(file)
    return lambda text: catalogue.gettext(text) if text else ""


_ = set_language(sys.argv[3])


def run(*command):
    """Return what a command prints, in English, as wide as it likes, without a bus."""
    nowhere = "unix:path=/nonexistent"
    environment = {
        **os.environ,
        "LC_ALL": "C.UTF-8",
        "LANGUAGE": "C",
        "COLUMNS": "100",
        "DBUS_SYSTEM_BUS_ADDRESS": nowhere,
        "DBUS_SESSION_BUS_ADDRESS": nowhere,
    }
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment, stdin=subprocess.DEVNULL).stdout


def escape(text):
    """Return text as troff shows it."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def read_sections(text):
    """Return the headings of a help page with their paragraphs, or pairs of term and help."""
    sections = [("", [])]
    for line in text.splitlines():
        item = re.match(r"  (\S.*?)(?: {2,}(\S.*))?$", line)
        if not line:
            continue
        if not line.startswith(" "):
            if re.fullmatch(r"[A-Z][A-Za-z ]+:?", line):
                sections.append((line.rstrip(":"), []))
            else:
                sections[-1][1].append(line)
        elif item and not line.startswith("   "):
            sections[-1][1].append([item[1], item[2] or ""])
        elif sections[-1][1] and isinstance(sections[-1][1][-1], list):
            sections[-1][1][-1][1] = (sections[-1][1][-1][1] + " " + line.strip()).strip()
    return sections


def print_item(term, text):
    """Print a term and what it means."""
    term = re.sub(r"\b[A-Z]{2,}\b", lambda match: _(match[0]), _(term))
    print(f".TP\n.B {escape(term)}\n{escape(text)}")


def print_usage(text):
    """Print how the program is called."""
    print(f".SH {_('SYNOPSIS')}\n{escape(text.replace('[OPTION…]', _('[OPTION…]')))}")


def print_value(attribute):
    """Return what an attribute may be."""
    facts = []
    if attribute.get("required"):
        facts.append(_("required"))
    if "choices" in attribute:
        facts.append((_("one of %s") if attribute["type"] == "s" else _("some of %s")) % ", ".join(attribute["choices"]))
    if "minimum" in attribute and attribute["type"] != "b":
        facts.append(_("%s to %s") % (attribute["minimum"], attribute["maximum"]))
    if attribute.get("default") not in (None, ""):
        default = attribute["default"]
        if isinstance(default, bool):
            default = _("yes") if default else _("no")
        facts.append(_("default: %s") % (", ".join(default) if isinstance(default, list) else default))
    return f" ({'; '.join(facts)})" if facts else ""


def print_actions(actions):
    """Print a paragraph for each action, with its data attributes as options."""
    print(f".SH {_('Actions').upper()}")
    print(escape(_("Each is a D-Bus method, too; its options are the keys of the method's data, with “_” for “-”.")))
    for action in sorted(actions, key=lambda action: action["method"]):
        name = re.sub(r"(?<!^)(?=[A-Z])", "-", action["method"]).lower()
        print(f".SS {escape(name)}\n{escape(_(action['summary']))}. D\\-Bus: {action['method']}; polkit: {action['authority']}.")
        for attribute in action["attributes"]:
            option = attribute["name"].replace("_", "-")
            print_item(f"--[no-]{option}" if attribute["type"] == "b" else f"--{option}", _(attribute["help"]) + print_value(attribute))


def main():
    """Print the page."""
    section, program, _catalogue, *describe = sys.argv[1:]
    name = os.path.basename(program)
    summary, see_also = PAGES[name]
    version = run(program, "--version").split()[-1]
    print(f'.TH {name.upper()} {section} "" "ha-profiler {version}" "{_("Profiler for Home Assistant")}"')
    print(f".SH {_('NAME')}\n{escape(name)} \\- {escape(_(summary))}")
    for heading, items in read_sections(run(program, "--help")):
        if heading == "Actions":
            continue
        if heading == "Usage":
            print_usage(items[0][0])
            print(f".SH {_('DESCRIPTION')}")
            items = items[1:]
        elif heading:
            print(f".SH {_(heading).upper()}")
        for item in items:
            if isinstance(item, list):
                print_item(item[0], _(item[1]))
            elif heading or not item.startswith("Usage:"):
                print(f"{'.PP' if heading else '.SH ' + _('DESCRIPTION')}\n{escape(_(item))}")
            else:
                print_usage(_(item).split(":", 1)[1].strip())
        if not heading and describe:
            print_actions(json.loads(run(*describe)))
    print(f".SH {_('SEE ALSO')}\n" + ", ".join(map(escape, see_also)))


main()
