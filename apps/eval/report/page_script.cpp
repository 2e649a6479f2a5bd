#include "apps/eval/report/page_assets_internal.h"

namespace ondes::report {

// Comfort, and players: without it the page shows everything, in the order it was written in, and
// plays nothing.
const std::string_view kPageScript = R"js(
"use strict";
document.documentElement.classList.add("script");

// --- Tables: a click on a heading sorts; pairs without a number come last either way.
function sortTable(table, button) {
  const heading = button.closest("th");
  const column = Number(button.dataset.column);
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const textOf = row => row.cells[column] ? row.cells[column].textContent.trim() : "";
  const numeric = column > 0;
  const before = heading.getAttribute("aria-sort");
  const descending = before ? before === "ascending" : numeric;
  const keyOf = row => {
    if (!numeric) { return textOf(row); }
    const value = row.classList.contains("failed") ? NaN : Number.parseFloat(textOf(row));
    return value;
  };
  const keyed = rows.map((row, index) => ({row, index, key: keyOf(row)}));
  keyed.sort((a, b) => {
    if (numeric) {
      const lacking = Number.isNaN(a.key) - Number.isNaN(b.key);
      if (lacking !== 0 || Number.isNaN(a.key)) { return lacking || a.index - b.index; }
    }
    const order = numeric ? a.key - b.key
                          : a.key.localeCompare(b.key, undefined, {numeric: true});
    return (descending ? -order : order) || a.index - b.index;
  });
  for (const other of table.querySelectorAll("[aria-sort]")) { other.removeAttribute("aria-sort"); }
  heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
  body.append(...keyed.map(entry => entry.row));
}
for (const table of document.querySelectorAll("table.sortable")) {
  for (const button of table.querySelectorAll("thead button")) {
    button.addEventListener("click", () => sortTable(table, button));
  }
}
const filter = document.getElementById("filter");
if (filter) {
  filter.addEventListener("input", () => {
    const wanted = filter.value.trim().toLowerCase();
    const rows = Array.from(document.getElementById("all").tBodies[0].rows);
    for (const row of rows) { row.hidden = !row.cells[0].textContent.toLowerCase().includes(wanted); }
    const shown = rows.filter(row => !row.hidden).length;
    document.getElementById("shown").textContent = wanted ? `${shown} of ${rows.length}` : "";
  });
}

// --- Sound: one at a time, a line through the pair's plots, a click in a plot seeks.
function drawCursor(pair, seconds) {
  for (const plot of pair.querySelectorAll(".timed")) {
    const low = Number(plot.dataset.low);
    const at = 100 * (seconds - low) / (Number(plot.dataset.high) - low);
    const line = plot.querySelector(":scope > .cursor");
    line.setAttribute("x1", `${at}%`);
    line.setAttribute("x2", `${at}%`);
    line.style.display = at > 100 ? "none" : "";
  }
}
function follow(pair, audio) {
  drawCursor(pair, audio.currentTime);
  if (!audio.paused) { requestAnimationFrame(() => follow(pair, audio)); }
}
// Browsers make few players at a time: a pair has them while it is unfolded, on paper none.
let printing = false;
function loadSounds(pair) {
  for (const audio of pair.querySelectorAll("audio")) {
    if (pair.open && !printing && !audio.hasAttribute("src")) {
      audio.src = audio.dataset.source;
    } else if (!pair.open && audio.hasAttribute("src")) {
      audio.pause();
      audio.removeAttribute("src");
      audio.load();
    }
  }
}
for (const pair of document.querySelectorAll(".pair")) {
  pair.addEventListener("toggle", () => loadSounds(pair));
  loadSounds(pair);
  const sounds = Array.from(pair.querySelectorAll("audio"));
  let current = sounds[sounds.length - 1];
  for (const audio of sounds) {
    audio.addEventListener("play", () => {
      for (const other of document.querySelectorAll("audio")) {
        if (other !== audio) { other.pause(); }
      }
      current = audio;
      pair.classList.add("playing");
      follow(pair, audio);
    });
    audio.addEventListener("seeked", () => {
      pair.classList.add("playing");
      drawCursor(pair, audio.currentTime);
    });
  }
  pair.addEventListener("click", event => {
    const plot = event.target.closest(".timed");
    if (!plot || !current) { return; }
    const box = plot.getBoundingClientRect();
    const part = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    const low = Number(plot.dataset.low);
    current.currentTime = low + part * (Number(plot.dataset.high) - low);
  });
}

// --- Folded details: open what a link leads to, and everything on paper.
function openTarget() {
  const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (target && target.tagName === "DETAILS") { target.open = true; target.scrollIntoView(); }
}
addEventListener("hashchange", openTarget);
openTarget();
let folded = [];
addEventListener("beforeprint", () => {
  printing = true;
  folded = Array.from(document.querySelectorAll("details:not([open])"));
  for (const details of folded) { details.open = true; }
});
addEventListener("afterprint", () => {
  printing = false;
  for (const details of folded) { details.open = false; }
});
)js";

}  // namespace ondes::report
