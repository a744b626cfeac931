// SPDX-License-Identifier: LGPL-2.1-or-later
// Draws the memory profile in #profile. Texts of the profile reach the document as text nodes only.
"use strict";
(() => {
const data = JSON.parse(document.getElementById("profile").textContent);
const AREAS = [["python", _("Python objects")], ["slack", _("Free, kept by allocators")], ["files", _("Files: programs, libraries")],
  ["stacks", _("Stacks of threads")], ["native", _("Native: memory of C code")]];

// ---- what is shown: kept in the address, so that a view can be passed on ----

const state = {fresh: false, find: "", origin: -1};

function readAddress () {
  const wanted = new URLSearchParams(location.hash.slice(1));
  state.fresh = wanted.get("show") === "new";
  state.find = wanted.get("find") || "";
  if (wanted.has("theme")) setTheme(wanted.get("theme"));
}

function writeAddress () {
  const shown = new URLSearchParams();
  if (state.fresh) shown.set("show", "new");
  if (state.find) shown.set("find", state.find);
  try {
    history.replaceState(null, "", [...shown].length ? "#" + shown : location.pathname + location.search);
  } catch (refused) { /* some browsers refuse it for local files; the page works without */ }
}

// ---- words and colours ----

const signed = (x) => (x < 0 ? "−" : "+") + size(Math.abs(x));
function size (bytes) {
  const units = [_("B"), _("KiB"), _("MiB"), _("GiB"), _("TiB")];
  let unit = 0;
  for (; bytes >= 1000 && unit < units.length - 1; unit++) bytes /= 1024;
  return number(bytes, unit > 0 && bytes < 100 ? 1 : 0) + " " + units[unit];
}

const originName = (o) => data.origins[o][1] || _("Shared");
const hues = giveHues(data.origins);

function colour (o) {
  const [hue, saturation] = hues[o] >= 0 ? [hues[o], 58] : NEUTRAL[data.origins[o][0]] || NEUTRAL.shared;
  return dark() ? `hsl(${hue} ${saturation * 0.7}% 35%)` : `hsl(${hue} ${saturation}% ${hues[o] >= 0 ? 74 : 82}%)`;
}

// ---- the treemap: squarified, origins outside and classes inside ----

const weight = (count) => state.fresh ? count[3] : count[1];

// Lays out items [{w, ...}], heaviest first, into a rectangle; calls put(item, x, y, width, height).
function squarify (items, x, y, width, height, put) {
  let rest = items.reduce((sum, item) => sum + item.w, 0), first = 0;
  while (first < items.length && rest > 0 && width > 0 && height > 0) {
    const short = Math.min(width, height), scale = width * height / rest;
    let row = 0, last = first, worst = Infinity;
    while (last < items.length) {
      const sum = row + items[last].w, thick = sum * scale / short;
      const small = items[last].w * scale / thick, large = items[first].w * scale / thick;
      const ratio = Math.max(thick / small, large / thick);
      if (last > first && ratio > worst) break;
      worst = ratio;
      row = sum;
      last++;
    }
    const thick = row * scale / short;
    let at = 0;
    for (; first < last; first++) {
      const long = items[first].w * scale / thick;
      if (width >= height) put(items[first], x, y + at, thick, long);
      else put(items[first], x + at, y, long, thick);
      at += long;
    }
    if (width >= height) { x += thick; width -= thick; } else { y += thick; height -= thick; }
    rest -= row;
  }
}

const byWeight = (a, b) => b.w - a.w;
const origins = data.origins.map(([, , ...count], o) => ({o, count, cells: []}));
for (const [o, type, ...count] of data.cells) origins[o].cells.push({o, type, count});

function drawMap () {
  const map = $("map"), boxes = [];
  const shown = origins.map((origin) => ({origin, w: weight(origin.count)})).filter(({w}) => w > 0).sort(byWeight);
  squarify(shown, 0, 0, map.clientWidth, map.clientHeight, ({origin}, x, y, width, height) => {
    const cells = origin.cells.map((cell) => ({cell, w: weight(cell.count)})).filter(({w}) => w > 0).sort(byWeight);
    const head = height > 40 && width > 60 ? 16 : 0;
    if (width < 2 || height < 2) return;
    boxes.push(box(origin.o, originName(origin.o), origin.count, x, y, width - 1, height - 1, "origin"));
    squarify(cells, x + 2, y + head, width - 5, height - head - 3, ({cell}, left, top, wide, high) => {
      if (wide >= 3 && high >= 3) boxes.push(box(cell.o, cell.type, cell.count, left, top, wide - 1, high - 1, "cell"));
    });
  });
  map.replaceChildren(...boxes);
  document.body.dataset.boxes = boxes.length;
}

function box (o, name, count, x, y, width, height, className) {
  const made = element("div", className, width > 24 && height > 12 ? name.slice(0, 200) : "");
  for (const [key, value] of [["left", x], ["top", y], ["width", width], ["height", height]])
    made.style[key] = Math.max(value, 0) + "px";
  made.style.background = colour(o);
  if (className === "cell") made.style.boxShadow = "inset 0 0 0 1px rgba(127, 127, 127, .35)";
  made.classList.toggle("faded", state.origin >= 0 && state.origin !== o);
  made.addEventListener("mousemove", (event) => pointAt(event, o, className === "cell" ? name : "", count));
  made.addEventListener("mouseleave", () => { $("tip").hidden = true; });
  made.addEventListener("click", () => choose(o));
  return made;
}

const countObjects = (n) => format(ngettext("%s object", "%s objects", n), number(n));

function pointAt (event, o, type, [objects, bytes, newObjects, newBytes]) {
  const tip = $("tip"), total = data.total;
  tip.replaceChildren(element("div", "name", type || originName(o)),
    element("div", "place", (type ? originName(o) + ": " : "") + KINDS[data.origins[o][0]]),
    element("div", "figures", element("span", "", _("All")), element("b", "", size(bytes)),
      element("span", "", percent(bytes, total[2]) + ", " + countObjects(objects)),
      element("span", "", _("New")), element("b", "", size(newBytes)), element("span", "", countObjects(newObjects))));
  tip.hidden = false;
  placeTip(event);
}

// ---- the tables ----

function row (words, first, ...cells) {
  const made = element("tr", "", element("td", "", ...first), ...cells.map((cell, i) => element("td", i === 0 ? "strong" : "", cell)));
  made.dataset.words = words.join("\n").toLowerCase();
  return made;
}

function fillSummary () {
  const total = data.total;
  $("facts").textContent = [time(data.start), number(data.duration, 1) + " s", `${countObjects(total[1])}, ${size(total[2])}`,
    format(_("%s new, %s"), number(total[3]), size(total[4])), format(_("process %s"), data.pid), data.generator].join("  ·  ");
  $("verdict").append(...data.verdict.map((text) => element("p", "", text)));
  $("memory").hidden = !data.after.resident;
  for (const [area, name] of AREAS) {
    const part = element("i", area);
    part.style.width = (data.after.resident ? 100 * data.after[area] / data.after.resident : 0) + "%";
    $("split").append(part);
    $("areas").tBodies[0].append(element("tr", "", element("td", "", element("i", "dot " + area), name),
      element("td", "strong", size(data.after[area])), element("td", "", signed(data.after[area] - data.before[area]))));
  }
  $("areas").tBodies[0].append(element("tr", "", element("td", "", data.after.swapped ? format(_("In all; swapped out: %s"), size(data.after.swapped)) : _("In all")),
    element("td", "strong", size(data.after.resident)), element("td", "", signed(data.after.resident - data.before.resident))));
  $("split").setAttribute("aria-label", AREAS.map(([area, name]) => `${name} ${size(data.after[area])}`).join(", "));
}

function originRow ([kind, , , bytes, newObjects, newBytes], o) {
  const dot = element("i", "dot"), name = originName(o);
  const button = element("button", "", dot, element("span", "", name), element("small", "", BRIEFLY[kind] || ""));
  dot.dataset.origin = o;
  button.type = "button";
  button.title = `${name}: ${KINDS[kind]}`;
  button.addEventListener("click", () => choose(o));
  return row([name, KINDS[kind]], [button], size(bytes), newBytes ? "+" + size(newBytes) : "", newObjects ? number(newObjects) : "");
}

const spans = (...texts) => texts.filter(Boolean).map((text, i) => element(i === 0 ? "span" : "small", "", text));

function fillTables () {
  const put = (id, rows) => $(id).tBodies[0].append(...rows);
  put("origins", data.origins.map(originRow));
  put("types", data.types.map(([name, referrers, objects, bytes, , newBytes]) =>
    row([name, referrers], spans(name, referrers && format(_("referred to by %s"), referrers)), number(objects), size(bytes), newBytes ? "+" + size(newBytes) : "")));
  put("objects", data.objects.map(([o, type, chain, fresh, bytes, held]) =>
    row([type, chain, originName(o)], spans(chain, format(fresh ? _("%s, %s, new") : "%s, %s", type, originName(o))), size(held), size(bytes))));
  put("duplicates", data.duplicates.map(([chain, length, copies, bytes]) =>
    row([chain], spans(chain, format(ngettext("%s character", "%s characters", length), number(length))), number(copies), size(bytes))));
  $("shared").textContent = data.duplicates.length ? format(_("All copies but the first take %s. What they say is not shown: that takes the right to inspect."), size(data.shared))
    : _("There are no strings of 16 characters or more that are there twice.");
}

// ---- doing ----

function choose (o) {
  state.origin = state.origin === o ? -1 : o;
  refresh();
}

function refresh () {
  const words = (state.origin >= 0 ? originName(state.origin) : state.find).trim().toLowerCase();
  let shown = 0;
  for (const id of ["types", "objects", "duplicates"])
    for (const line of $(id).tBodies[0].rows) {
      line.hidden = Boolean(words) && !(state.origin >= 0 && id !== "objects") && !line.dataset.words.includes(words);
      if (!line.hidden) shown++;
    }
  $("find").value = state.find;
  $("all").setAttribute("aria-pressed", String(!state.fresh));
  $("new").setAttribute("aria-pressed", String(state.fresh));
  for (const dot of document.querySelectorAll("[data-origin]")) {
    const o = Number(dot.dataset.origin);
    dot.style.background = colour(o);
    dot.parentNode.setAttribute("aria-pressed", String(state.origin === o));
  }
  $("found").textContent = state.origin >= 0 ? format(_("Showing %s. Choose it again to show everything."), originName(state.origin))
    : words ? format(ngettext("%s row matches.", "%s rows match.", shown), number(shown)) : "";
  document.body.dataset.shown = shown;
  drawMap();
  writeAddress();
}

function listen () {
  $("tools").addEventListener("submit", (event) => event.preventDefault());
  $("find").addEventListener("input", () => { state.find = $("find").value; state.origin = -1; refresh(); });
  $("all").addEventListener("click", () => { state.fresh = false; refresh(); });
  $("new").addEventListener("click", () => { state.fresh = true; refresh(); });
  $("more").addEventListener("click", () => showRows(Infinity));
  $("theme").addEventListener("click", () => { setTheme(dark() ? "light" : "dark"); refresh(); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== $("find")) {
      event.preventDefault();
      $("find").focus();
    }
  });
  window.addEventListener("hashchange", () => { readAddress(); refresh(); });
  new ResizeObserver(() => requestAnimationFrame(drawMap)).observe($("map"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => { setTheme(event.matches ? "dark" : "light"); refresh(); });
}

setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
readAddress();
fillSummary();
fillTables();
showRows(12);
listen();
refresh();
document.body.dataset.ready = "true";
})();
