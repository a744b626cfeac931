// SPDX-License-Identifier: LGPL-2.1-or-later
// What the scripts of all pages use: texts in the reader's language, numbers in its form, elements, the theme.
"use strict";
const $ = (id) => document.getElementById(id);

// ---- words: what is said in _() and ngettext() by the scripts of a page comes with it in #words (hap-page.c) ----

const words = JSON.parse($("words").textContent);
const LANGUAGE = document.documentElement.lang;
const COUNTS = 200; // a form is known for each number below; of larger ones the last two digits decide
const _ = (text) => words[text];

function ngettext (one, many, n) {
  const [forms, which] = words[one];
  return forms[which[n < COUNTS ? n : COUNTS / 2 + n % (COUNTS / 2)]];
}

// Puts the values in place of each %s, or of %1$s by their number.
function format (text, ...values) {
  let next = 0;
  return text.replace(/%(?:(\d)\$)?s/g, (_match, place) => values[place ? place - 1 : next++]);
}

const numbers = [0, 1, 2].map((digits) => new Intl.NumberFormat(LANGUAGE, {minimumFractionDigits: digits, maximumFractionDigits: digits}));
const number = (x, digits = 0) => numbers[digits].format(x);
const percent = (part, whole) => (whole > 0 ? number(100 * part / whole, part * 10 >= whole ? 0 : 1) : "0") + " %";
const time = (microseconds) => new Date(microseconds / 1000).toLocaleString(LANGUAGE, {dateStyle: "medium", timeStyle: "medium"});

const KINDS = {integration: _("integration"), custom: _("custom integration"), core: _("core"), application: _("application"),
  library: _("library"), stdlib: _("standard library"), shared: _("held by several, nobody's alone")};
const BRIEFLY = {custom: _("custom"), library: _("library")};

// ---- the document ----

function element (tag, className, ...content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

function showRows (limit) {
  const list = [...$("origins").tBodies[0].rows], hidden = list.length - limit;
  list.forEach((row, i) => { row.hidden = i >= limit && hidden > 2; });
  $("more").hidden = hidden <= 2;
  $("more").textContent = format(_("Show %s more"), number(hidden));
}

function placeTip (event) {
  const tip = $("tip"), right = event.clientX + 16 + tip.offsetWidth < window.innerWidth;
  tip.style.left = Math.max(8, right ? event.clientX + 14 : event.clientX - tip.offsetWidth - 14) + "px";
  tip.style.top = Math.max(8, Math.min(event.clientY + 16, window.innerHeight - tip.offsetHeight - 8)) + "px";
}

// ---- colours ----

const HUES = [24, 262, 146, 336, 46, 182, 292, 88, 2, 232, 164, 312];
const NEUTRAL = {core: [205, 48], application: [172, 34], library: [42, 24], stdlib: [220, 9], shared: [220, 4]};
const dark = () => document.documentElement.dataset.theme === "dark";
const isOfIntegration = ([kind]) => kind === "integration" || kind === "custom";

// A hue for each integration, -1 for other origins
function giveHues (origins) {
  let rank = 0;
  return origins.map((origin) => !isOfIntegration(origin) ? -1 : rank < HUES.length ? HUES[rank++] : Math.round(rank++ * 137.5) % 360);
}

function setTheme (theme) {
  document.documentElement.dataset.theme = theme === "dark" ? "dark" : "light";
}
