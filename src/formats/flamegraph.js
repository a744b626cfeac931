// SPDX-License-Identifier: LGPL-2.1-or-later
// Draws the profile in #profile. Frames are made when they become wide enough to see, so the size of a profile costs
// little; texts of the profile reach the document as text nodes only.
"use strict";
(() => {
const data = JSON.parse(document.getElementById("profile").textContent);
const N = data.parent.length, F = data.functions.length;
const second = data.interval / 1e9;
const ROW = 20, MIN_WIDTH = 0.7, SMALLER = F, EVERYTHING = -1;

// ---- the profile ----

const threads = data.threads.map(([name, tid, main]) => ({name, tid, main}));
const parent = Int32Array.from(data.parent);
const fn = Int32Array.from(data.function, (f, i) => parent[i] < 0 ? F + 1 + f : f);
const isIntegration = data.origins.map(isOfIntegration);
const originOf = (f) => f >= 0 && f < F ? data.functions[f][3] : -1;
const nameOf = (f) => f === EVERYTHING ? _("All threads") : f < F ? data.functions[f][0]
  : f === SMALLER ? _("(smaller paths)") : threads[f - F - 1].name;

// The innermost integration on each path, else -1; children as linked lists
const inside = new Int32Array(N).fill(-1);
const firstChild = new Int32Array(N).fill(-1), nextChild = new Int32Array(N).fill(-1);
for (let i = 0; i < N; i++) {
  const own = originOf(fn[i]);
  inside[i] = own >= 0 && isIntegration[own] ? own : parent[i] < 0 ? -1 : inside[parent[i]];
}
for (let i = N - 1; i >= 0; i--)
  if (parent[i] >= 0) {
    nextChild[i] = firstChild[parent[i]];
    firstChild[parent[i]] = i;
  }
const sum = (list) => list.reduce((a, b) => a + b, 0);
const activity = {running: sum(data.running), blocking: sum(data.blocking), waiting: sum(data.waiting)};
const anyBusy = activity.running + activity.blocking > 0;

const own = new Float64Array(N), total = new Float64Array(N), busyTotal = new Float64Array(N);
const kinds = ["running", "blocking", "waiting"];
const KIND_NAMES = {running: _("running"), blocking: _("blocking"), waiting: _("waiting")};
const totals = Object.fromEntries(kinds.map((kind) => [kind, Float64Array.from(data[kind])]));
for (let i = N - 1; i >= 0; i--) {
  busyTotal[i] += data.running[i] + data.blocking[i];
  if (parent[i] < 0) continue;
  busyTotal[parent[i]] += busyTotal[i];
  for (const kind of kinds) totals[kind][parent[i]] += totals[kind][i];
}

function weigh () {
  for (let i = 0; i < N; i++)
    total[i] = own[i] = data.running[i] + data.blocking[i] + (state.all ? data.waiting[i] : 0);
  for (let i = N - 1; i >= 0; i--)
    if (parent[i] >= 0) total[parent[i]] += total[i];
}

// ---- what is shown: kept in the address, so that a view can be passed on ----

const state = {all: !anyBusy, merge: false, invert: false, find: "", origin: -1};

function readAddress () {
  const wanted = new URLSearchParams(location.hash.slice(1));
  if (wanted.has("time")) state.all = wanted.get("time") === "all";
  state.merge = wanted.get("merge") === "1";
  state.invert = wanted.get("invert") === "1";
  state.find = wanted.get("find") || "";
  if (wanted.has("theme")) setTheme(wanted.get("theme"));
}

function writeAddress () {
  const shown = new URLSearchParams();
  if (state.all === anyBusy) shown.set("time", state.all ? "all" : "busy");
  if (state.merge) shown.set("merge", "1");
  if (state.invert) shown.set("invert", "1");
  if (state.find) shown.set("find", state.find);
  try {
    history.replaceState(null, "", shown.size || [...shown].length ? "#" + shown : location.pathname + location.search);
  } catch (refused) { /* some browsers refuse it for local files; the page works without */ }
}

// ---- frames ----
// A frame of the picture stands for places in the profile. Top-down: `at` are paths with equal stacks, children are
// grouped by function. Bottom-up: `at` are the callers reached from the paths `from`, whose own time is counted.

let top, zoomed, selected;

function makeFrame (f, up) {
  return {f, up, depth: up ? up.depth + 1 : 0, total: 0, own: 0, busy: 0, all: 0, inside: -1, at: [], from: null, kids: null};
}

function addTo (groups, up, f) {
  let frame = groups.get(f);
  if (!frame) groups.set(f, frame = makeFrame(f, up));
  return frame;
}

function addDown (frame, i) {
  frame.at.push(i);
  frame.total += total[i];
  frame.own += own[i];
  frame.busy += busyTotal[i];
  frame.all += busyTotal[i] + totals.waiting[i];
  frame.inside = inside[i];
}

function addUp (frame, i, from) {
  const busy = data.running[from] + data.blocking[from];
  frame.at.push(i);
  frame.from.push(from);
  frame.total += own[from];
  frame.busy += busy;
  frame.all += busy + data.waiting[from];
  frame.inside = originOf(frame.f) >= 0 && isIntegration[originOf(frame.f)] ? originOf(frame.f) : -1;
}

function kidsDown (frame, groups) {
  for (const i of frame.at)
    for (let c = firstChild[i]; c >= 0; c = nextChild[c])
      if (total[c] > 0) addDown(addTo(groups, frame, fn[c]), c);
}

function kidsUp (frame, groups) {
  for (let k = 0; k < frame.at.length; k++) {
    const i = frame.up ? parent[frame.at[k]] : frame.at[k];
    if (i < 0 || (state.merge && parent[i] < 0 && frame.up)) continue;
    const kid = addTo(groups, frame, state.merge && parent[i] < 0 ? EVERYTHING : fn[i]);
    kid.from = kid.from || [];
    addUp(kid, i, frame.from[k]);
  }
}

function kidsOf (frame) {
  if (frame.kids) return frame.kids;
  const groups = new Map();
  (state.invert ? kidsUp : kidsDown)(frame, groups);
  frame.kids = [...groups.values()].sort((a, b) => b.total - a.total || a.f - b.f);
  if (state.invert && frame.up) frame.own = frame.total - sum(frame.kids.map((kid) => kid.total));
  return frame.kids;
}

function build () {
  weigh();
  top = makeFrame(EVERYTHING, null);
  if (state.invert) top.from = [];
  const threadsBelow = new Map();
  for (let i = 0; i < N; i++)
    if (state.invert) {
      if (own[i] > 0) addUp(top, i, i);
    } else if (parent[i] < 0 && total[i] > 0) {
      addDown(top, i);
      addDown(addTo(threadsBelow, top, fn[i]), i);
    }
  if (!state.invert) {
    top.inside = -1;
    if (!state.merge) {
      top.own = 0;
      top.kids = [...threadsBelow.values()].sort((a, b) => b.total - a.total || a.f - b.f);
    }
  }
  zoomed = selected = top;
}

// ---- colours ----

const hues = giveHues(data.origins);

function colour (origin, within) {
  if (origin < 0 && within < 0) return dark() ? "hsl(220 10% 27%)" : "hsl(220 16% 90%)";
  if (within >= 0) {
    const itself = origin === within;
    return dark() ? `hsl(${hues[within]} ${itself ? 40 : 24}% ${itself ? 40 : 29}%)`
      : `hsl(${hues[within]} ${itself ? 58 : 46}% ${itself ? 72 : 87}%)`;
  }
  const [hue, saturation] = NEUTRAL[data.origins[origin][0]] || NEUTRAL.application;
  return dark() ? `hsl(${hue} ${saturation}% 33%)` : `hsl(${hue} ${saturation}% 80%)`;
}

// ---- words ----

const CLOCKS = {wall: _("wall-clock time"), cpu: _("processor time"), gil: _("time with the interpreter's lock")};
function duration (samples) {
  const s = samples * second;
  return s >= 100 ? number(s) + " s" : s >= 1 ? number(s, 2) + " s" : s >= 1e-3 ? number(s * 1e3, s >= 0.1 ? 0 : 1) + " ms"
    : s > 0 ? number(s * 1e6) + " µs" : "0";
}
const originName = (o) => data.origins[o][1];
const shares = () => kinds.map((kind) => `${KIND_NAMES[kind]} ${percent(activity[kind], activity.running + activity.blocking + activity.waiting)}`);

// Samples of a frame by activity, in what is shown
function activities (frame) {
  const from = frame.from || frame.at, source = frame.from ? data : totals;
  return kinds.map((kind) => [kind, kind === "waiting" && !state.all ? 0 : from.reduce((a, i) => a + source[kind][i], 0)]);
}

function describe (frame, into) {
  into.replaceChildren(element("div", "name", nameOf(frame.f)));
  if (frame.f >= 0 && frame.f < F) {
    const [, file, line, origin, lines] = data.functions[frame.f];
    const whose = `${originName(origin)} (${KINDS[data.origins[origin][0]]})`;
    const called = frame.inside >= 0 && frame.inside !== origin;
    into.append(element("div", "place", file + ":" + line),
      element("div", "place", called ? format(_("%s, called by %s"), whose, originName(frame.inside)) : whose));
    into.append(figures(frame));
    if (lines.length) into.append(element("div", "lines", format(_("Hottest lines, everywhere: %s"), hotLines(lines))));
  } else {
    if (frame.f > SMALLER) into.append(element("div", "place", format(_("Thread %s"), threads[frame.f - F - 1].tid)));
    if (frame.f === SMALLER) into.append(element("div", "place", format(_("Paths with fewer than %s samples, deeper than %s frames"), number(data.smallest), number(data.shallow))));
    into.append(figures(frame));
  }
}

function hotLines (lines) {
  const parts = [];
  for (let i = 0; i < lines.length; i += 2) parts.push(`${lines[i]} (${duration(lines[i + 1])})`);
  return parts.join(", ");
}

function figures (frame) {
  kidsOf(frame);
  const rows = [[_("Total"), frame.total], [_("Self"), frame.own], ...activities(frame).filter(([, n]) => n > 0).map(([kind, n]) => [KIND_NAMES[kind], n])];
  const grid = element("div", "figures");
  for (const [label, samples] of rows)
    grid.append(element("span", "", label.charAt(0).toUpperCase() + label.slice(1)), element("b", "", duration(samples)),
      element("span", "", format(ngettext("%s, %s sample", "%s, %s samples", samples), percent(samples, top.total), number(samples))));
  return grid;
}

// ---- layout: the frames that are wide enough, by rows ----

const canvas = $("graph"), view = $("view"), context = canvas.getContext("2d");
let rows = [], width = 0;

function put (depth, x, w, frame) {
  (rows[depth] = rows[depth] || []).push({x, w, frame});
}

function layout () {
  width = view.clientWidth;
  rows = [];
  for (let f = zoomed.up; f; f = f.up) put(f.depth, 0, width, f);
  const open = [{frame: zoomed, x: 0, w: width}];
  let frames = 0;
  while (open.length) {
    const {frame, x, w} = open.pop();
    put(frame.depth, x, w, frame);
    frames++;
    let at = x;
    const end = x + w;
    for (const kid of kidsOf(frame)) {
      const wide = frame.total > 0 ? w * kid.total / frame.total : 0;
      if (wide < MIN_WIDTH) {
        // Sorted: the rest is as narrow. It is drawn as one, so that nothing looks like time of the caller itself.
        const rest = w * (frame.total - frame.own) / frame.total - (at - x);
        if (rest > MIN_WIDTH) put(frame.depth + 1, at, Math.min(rest, end - at), null);
        break;
      }
      open.push({frame: kid, x: at, w: wide});
      at += wide;
    }
  }
  for (const row of rows) if (row) row.sort((a, b) => a.x - b.x);
  $("tall").style.height = Math.max(rows.length * ROW + 4, view.clientHeight - 2) + "px";
  document.body.dataset.frames = frames;
  document.body.dataset.depth = rows.length - 1;
}

// ---- what is found ----

let hit = null; // of each function, or null

function lookUp () {
  const words = state.find.trim().toLowerCase();
  hit = null;
  if (words) hit = data.functions.map(([name, file, , origin]) =>
    (name + "\n" + file + "\n" + originName(origin)).toLowerCase().includes(words));
}

function isLit (frame) {
  if (state.origin >= 0) return frame.inside >= 0 ? frame.inside === state.origin : originOf(frame.f) === state.origin;
  return !hit || (frame.f >= 0 && frame.f < F && hit[frame.f]);
}

function showFound () {
  const found = $("found");
  found.replaceChildren();
  document.body.dataset.found = "";
  if (state.origin >= 0) {
    found.textContent = format(_("Showing %s. Choose it again to show everything."), originName(state.origin));
    return;
  }
  if (!hit) return;
  const covered = new Uint8Array(N);
  let samples = 0;
  for (let i = 0; i < N; i++) {
    covered[i] = (fn[i] < F && hit[fn[i]]) || (parent[i] >= 0 && covered[parent[i]]) ? 1 : 0;
    if (covered[i]) samples += own[i];
  }
  const functions = hit.filter(Boolean).length;
  found.textContent = format(ngettext("%s, %s in %s function that matches, and what it calls",
    "%s, %s in %s functions that match, and what they call", functions), percent(samples, sum(own)), duration(samples), number(functions));
  document.body.dataset.found = samples;
}

// ---- drawing ----

function draw () {
  const scale = window.devicePixelRatio || 1, height = view.clientHeight;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.style.height = height + "px";
  }
  const style = getComputedStyle(document.documentElement);
  const colours = {text: style.getPropertyValue("--text"), soft: style.getPropertyValue("--soft"), accent: style.getPropertyValue("--accent"), line: style.getPropertyValue("--line")};
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = "12px system-ui, -apple-system, 'Segoe UI', Roboto, Cantarell, 'Noto Sans', sans-serif";
  context.textBaseline = "middle";
  context.direction = "ltr";
  const first = Math.max(0, Math.floor(view.scrollTop / ROW)), last = Math.ceil((view.scrollTop + height) / ROW);
  for (let depth = first; depth <= last && depth < rows.length; depth++)
    for (const box of rows[depth] || []) drawBox(box, 2 + depth * ROW - view.scrollTop, colours);
}

function drawBox ({x, w, frame}, y, colours) {
  const wide = Math.max(w - (w > 3 ? 1 : 0), 0.5);
  if (!frame) {
    context.globalAlpha = 0.5;
    context.fillStyle = colours.line;
    context.fillRect(x, y, wide, ROW - 1);
    context.globalAlpha = 1;
    return;
  }
  const lit = isLit(frame), passed = frame.depth < zoomed.depth;
  // What mostly waits is pale: the eye goes to what is busy.
  const strength = frame.all > 0 ? 0.35 + 0.65 * frame.busy / frame.all : 1;
  context.globalAlpha = (lit ? strength : 0.18) * (passed ? 0.6 : 1);
  context.fillStyle = colour(originOf(frame.f), frame.inside);
  context.beginPath();
  if (context.roundRect && wide > 4) context.roundRect(x, y, wide, ROW - 1, 2.5);
  else context.rect(x, y, wide, ROW - 1);
  context.fill();
  if (frame === selected && frame !== top) {
    context.globalAlpha = 1;
    context.strokeStyle = colours.accent;
    context.lineWidth = 2;
    context.strokeRect(x + 1, y + 1, Math.max(wide - 2, 1), ROW - 3);
  }
  if (wide < 22) return;
  context.globalAlpha = lit ? 1 : 0.45;
  context.fillStyle = colours.text;
  drawText(labelOf(frame), x + 6, y + ROW / 2, wide - 10);
}

// Where the code of an integration begins, the frame says whose it is.
function labelOf (frame) {
  const origin = originOf(frame.f);
  const begins = origin >= 0 && isIntegration[origin] && (!frame.up || originOf(frame.up.f) !== origin);
  return (begins ? originName(origin) + ": " : "") + nameOf(frame.f);
}

// The narrowest letters are about 3 pixels: a longer text is cut before it is measured.
function drawText (text, x, y, room) {
  if (text.length > room / 3) text = [...text.slice(0, Math.ceil(room / 3) + 1)].join("");
  const whole = context.measureText(text).width;
  if (whole > room) {
    let length = Math.floor(text.length * room / whole);
    while (length > 0 && context.measureText(text.slice(0, length) + "…").width > room) length--;
    if (length < 2) return;
    text = text.slice(0, length) + "…";
  }
  context.fillText(text, x, y);
}

// ---- the tables ----

function fillTables () {
  const busyAll = activity.running + activity.blocking, whole = busyAll + activity.waiting;
  $("facts").textContent = [time(data.start), number(data.duration, 1) + " s",
    format(ngettext("%s sample", "%s samples", data.samples), number(data.samples)),
    format(ngettext("%s thread", "%s threads", threads.length), number(threads.length)), format(_("one every %s"), duration(1)),
    CLOCKS[data.clock] || data.clock, format(_("process %s"), data.pid), data.generator].join("  ·  ");
  for (const kind of kinds) {
    const part = element("i", kind);
    part.style.width = (whole > 0 ? 100 * activity[kind] / whole : 0) + "%";
    $("split").append(part);
    $("activities").append(element("span", "", element("i", "dot " + kind), shares()[kinds.indexOf(kind)]));
  }
  $("split").setAttribute("aria-label", shares().join(", "));
  data.table.forEach((row, o) => $("origins").tBodies[0].append(originRow(row, o, busyAll)));
  showRows(12);
  for (const [f, selfBusy, , totalSamples] of data.hot)
    if (selfBusy > 0 || !anyBusy) $("functions").tBodies[0].append(functionRow(f, selfBusy, totalSamples));
  const notes = [];
  if (data.summed) notes.push(format(_("Call paths with fewer than %s samples, deeper than %s frames, are drawn as “(smaller paths)”: %s of them. The tables count them in full."), number(data.smallest), number(data.shallow), number(data.summed)));
  if (data.truncated) notes.push(format(ngettext("%s sample was charged to a shorter stack because the profile was full.", "%s samples were charged to a shorter stack because the profile was full.", data.truncated), number(data.truncated)));
  if (data.kept < 0.97) notes.push(format(_("The machine was too busy for the rate: %s of the observations were made, and each counts for those left out beside it, too."), percent(data.kept, 1)));
  $("note").textContent = notes.join(" ");
}

function originRow ([running, blocking, waiting], o, busyAll) {
  const [kind, name] = data.origins[o];
  const dot = element("i", "dot"), row = element("tr", running + blocking ? "" : "none");
  const button = element("button", "", dot, element("span", "", name), element("small", "", BRIEFLY[kind] || ""));
  dot.dataset.origin = o;
  button.type = "button";
  button.title = `${name}: ${KINDS[kind]}`;
  button.setAttribute("aria-pressed", "false");
  button.addEventListener("click", () => {
    state.origin = state.origin === o ? -1 : o;
    state.find = "";
    refresh();
  });
  row.append(element("td", "", button), element("td", "strong", percent(running + blocking, busyAll)),
    ...[running, blocking, waiting].map((n) => element("td", "", duration(n))));
  return row;
}

function functionRow (f, selfBusy, totalSamples) {
  const [name, file, line] = data.functions[f];
  const short = file.replace(/^.*\/(?:site|dist)-packages\/|^.*\/(?=(?:homeassistant|custom_components)\/)|^.*\/python\d[^/]*\//, "");
  const button = element("button", "", element("span", "", name), element("small", "", `${short}:${line}`));
  button.type = "button";
  button.title = `${file}:${line}`;
  button.addEventListener("click", () => {
    state.find = name;
    state.origin = -1;
    refresh();
  });
  return element("tr", "", element("td", "", button), element("td", "strong", duration(selfBusy)), element("td", "", duration(totalSamples)));
}

// ---- doing ----

function refresh (rebuild) {
  if (rebuild) build();
  lookUp();
  $("find").value = state.find;
  for (const [id, on] of [["busy", !state.all], ["all", state.all], ["merge", state.merge], ["invert", state.invert]])
    $(id).setAttribute("aria-pressed", String(on));
  $("reset").disabled = zoomed === top;
  for (const dot of document.querySelectorAll("[data-origin]")) {
    const o = Number(dot.dataset.origin);
    dot.style.background = colour(o, isIntegration[o] ? o : -1);
    dot.parentNode.setAttribute("aria-pressed", String(state.origin === o));
  }
  showFound();
  layout();
  draw();
  showDetail();
  writeAddress();
  document.body.dataset.samples = top.total;
}

function showDetail () {
  describe(selected, $("detail"));
  if (selected === top) $("detail").append(element("div", "hint", _("Click a frame to zoom in; move with the arrow keys. Pale frames mostly wait.")));
}

function zoom (frame) {
  zoomed = selected = frame;
  view.scrollTop = Math.max(0, (frame.depth - 3) * ROW);
  refresh();
}

function select (frame) {
  selected = frame;
  const y = frame.depth * ROW;
  if (y < view.scrollTop) view.scrollTop = y;
  else if (y + ROW > view.scrollTop + view.clientHeight) view.scrollTop = y + 2 * ROW - view.clientHeight;
  draw();
  showDetail();
}

function boxAt (event) {
  const area = canvas.getBoundingClientRect();
  const x = event.clientX - area.left, row = rows[Math.floor((event.clientY - area.top + view.scrollTop - 2) / ROW)] || [];
  return row.find((box) => x >= box.x && x < box.x + box.w);
}

const tip = $("tip");
function pointAt (event) {
  const box = boxAt(event);
  tip.hidden = !box || !box.frame;
  canvas.style.cursor = tip.hidden ? "default" : "pointer";
  if (tip.hidden) return;
  describe(box.frame, tip);
  placeTip(event);
}

function neighbour (frame, step) {
  const row = (rows[frame.depth] || []).filter((box) => box.frame);
  const at = row.findIndex((box) => box.frame === frame) + step;
  return row[at] ? row[at].frame : frame;
}

const keys = {
  ArrowDown: () => select(kidsOf(selected)[0] || selected),
  ArrowUp: () => select(selected.up || selected),
  ArrowLeft: () => select(neighbour(selected, -1)),
  ArrowRight: () => select(neighbour(selected, 1)),
  Enter: () => zoom(selected),
  " ": () => zoom(selected),
  Escape: () => zoom(zoomed.up && zoomed !== top ? zoomed.up : top),
  Home: () => zoom(top),
};

function listen () {
  canvas.addEventListener("click", (event) => { const box = boxAt(event); if (box && box.frame) zoom(box.frame); });
  canvas.addEventListener("mousemove", pointAt);
  canvas.addEventListener("mouseleave", () => { tip.hidden = true; });
  canvas.addEventListener("keydown", (event) => {
    if (!Object.hasOwn(keys, event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  view.addEventListener("scroll", () => { tip.hidden = true; draw(); });
  $("tools").addEventListener("submit", (event) => event.preventDefault());
  $("find").addEventListener("input", () => { state.find = $("find").value; state.origin = -1; refresh(); });
  $("busy").addEventListener("click", () => { state.all = false; refresh(true); });
  $("all").addEventListener("click", () => { state.all = true; refresh(true); });
  $("merge").addEventListener("click", () => { state.merge = !state.merge; refresh(true); });
  $("invert").addEventListener("click", () => { state.invert = !state.invert; refresh(true); });
  $("reset").addEventListener("click", () => zoom(top));
  $("more").addEventListener("click", () => showRows(Infinity));
  $("theme").addEventListener("click", () => { setTheme(dark() ? "light" : "dark"); refresh(); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== $("find")) {
      event.preventDefault();
      $("find").focus();
    }
  });
  window.addEventListener("hashchange", () => { readAddress(); refresh(true); });
  new ResizeObserver(() => requestAnimationFrame(() => { layout(); draw(); })).observe(view);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => { setTheme(event.matches ? "dark" : "light"); refresh(); });
}

setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
readAddress();
fillTables();
listen();
refresh(true);
document.body.dataset.ready = "true";
})();
