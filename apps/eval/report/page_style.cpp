#include "apps/eval/report/page_assets_internal.h"

namespace ondes::report {

// Colours: --ref the reference, --s0 and --s1 the systems. Light and dark follow the reader's
// system; on paper it is always light.
const std::string_view kPageStyle = R"css(
:root {
  color-scheme: light dark;
  --page: #ffffff; --ground: #f6f7f9; --line: #d8dce2; --ink: #1b1f24; --soft: #5c6570;
  --ref: #6b7580; --s0: #0a62c4; --s1: #b94a00; --good: #17702f; --bad: #b8232c;
  --good-ground: #e8f5ec; --bad-ground: #fcebec;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #14171b; --ground: #1c2026; --line: #343b45; --ink: #e6e9ed; --soft: #9aa4b1;
    --ref: #a3adb9; --s0: #67b0ff; --s1: #ffa05f; --good: #5fcf80; --bad: #ff8a85;
    --good-ground: #16291d; --bad-ground: #331c1e;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body {
  margin: 0 auto; padding: 1.5rem clamp(.75rem, 3vw, 2rem) 4rem; max-width: 88rem;
  background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
h1, h2, h3 { line-height: 1.25; text-wrap: balance; overflow-wrap: anywhere; }
h1 { font-size: clamp(1.5rem, 4vw, 2.1rem); margin: 0 0 .2rem; }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .6rem; }
h3 { font-size: 1.05rem; margin: 0; display: inline; }
p { margin: .3rem 0 .8rem; max-width: 48rem; }
a { color: var(--s0); text-underline-offset: .15em; }
code { font: .86em/1.4 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.kind { margin: 0; color: var(--soft); letter-spacing: .02em; }
.when, .unit, dt, figcaption { color: var(--soft); }
.unit { font-weight: normal; font-size: .88em; }
.path { overflow-wrap: anywhere; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
:focus-visible { outline: 2px solid var(--s0); outline-offset: 2px; }

dl { margin: .8rem 0; }
dd { margin: 0; }
dl.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr));
  gap: .7rem 2rem; }
dl.values { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr));
  gap: .5rem 1.2rem; }
dl.values dd { font-variant-numeric: tabular-nums; }
dt { font-size: .85em; }
nav { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; padding: .5rem 0;
  border-block: 1px solid var(--line); margin-top: 1.2rem; }

.key { display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin-right: .4em;
  background: var(--own, var(--ref)); }
.ref { --own: var(--ref); } .s0 { --own: var(--s0); } .s1 { --own: var(--s1); }
.undecided { --own: var(--soft); }

#gates { border-left: 5px solid; border-radius: 6px; padding: .8rem 1.2rem; margin: 1.4rem 0; }
#gates h2 { margin: 0 0 .3rem; color: inherit; }
#gates.held { border-color: var(--good); background: var(--good-ground); }
#gates.broken { border-color: var(--bad); background: var(--bad-ground); }
#gates > ul { list-style: none; padding: 0; margin: 0; }
#gates > ul > li { margin: .2rem 0; }
.held > .mark, #gates.held h2 { color: var(--good); }
.broken > .mark, #gates.broken h2 { color: var(--bad); }
.mark { font-weight: 600; }

.wide { overflow-x: auto; }
.tall { max-height: 34rem; overflow: auto; border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: collapse; width: 100%; font-size: .93em; }
th, td { text-align: left; padding: .34rem .6rem; border-bottom: 1px solid var(--line);
  vertical-align: middle; }
th { font-weight: 600; }
.summary thead th:first-child { padding-left: 1.5em; }
thead th { color: var(--soft); font-size: .9em; vertical-align: bottom; }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.summary thead th { white-space: nowrap; }
th.n { text-align: right; }
td.strong { font-weight: 650; }
td.none { color: var(--soft); cursor: help; }
table.narrow { width: auto; }
td.name { overflow-wrap: anywhere; min-width: 7rem; max-width: 16rem; }
.few { border-left: 4px solid var(--s1); padding-left: .7rem; }
.arrow { display: inline-block; width: 1.1em; text-indent: 0; color: var(--s0); }
th.metric { min-width: min(15rem, 45vw); overflow-wrap: anywhere; font-weight: 550; padding-left: 1.5em; text-indent: -1.1em; line-height: 1.35; } th.metric code { color: var(--soft); font-weight: normal; }
.parameters { font-size: .92em; overflow-wrap: anywhere; min-width: 14rem; }
.summary tbody + tbody { border-top: 1px solid var(--line); }

.sortable thead { position: sticky; top: 0; z-index: 2; background: var(--ground); }
.sortable thead th { padding: 0; text-align: right; }
.sortable thead th[colspan] { padding: .38rem .7rem 0; text-align: center; border: 0; }
.sortable thead th:first-child { text-align: left; }
.sortable tbody th { font-weight: 500; overflow-wrap: anywhere; min-width: 9rem; max-width: 22rem; }
.sortable tbody tr:hover { background: var(--ground); }
.sortable button { all: unset; box-sizing: border-box; width: 100%; padding: .45rem .7rem;
  cursor: pointer; white-space: normal; min-width: 5.2rem; line-height: 1.3; color: var(--ink); font-weight: 600; }
.sortable button:hover { color: var(--s0); }
.sortable button:focus-visible { outline: 2px solid var(--s0); outline-offset: -2px; }
.sortable button::after { content: " \2195"; color: var(--line); }
[aria-sort=ascending] > button::after { content: " \2191"; color: var(--s0); }
[aria-sort=descending] > button::after { content: " \2193"; color: var(--s0); }
tr.failed { color: var(--bad); }
#pairs > p { max-width: none; }
.only-script { display: none; } .script .only-script { display: inline; }
input { font: inherit; padding: .15rem .4rem; border: 1px solid var(--line); border-radius: 4px;
  background: var(--page); color: inherit; }

.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr));
  gap: .8rem; }
.card { border: 1px solid var(--line); border-radius: 8px; padding: 0 .9rem .2rem; }
.card svg.frame { margin-left: 6px; width: calc(100% - 12px); }
.card .ground { fill: none; }

figure { margin: 0; }
figcaption { font-size: .9em; margin-bottom: .25rem; }
.plot { margin: .9rem 0 0; break-inside: avoid; }
svg { display: block; overflow: visible; color: var(--ink); }
svg svg { overflow: hidden; }
svg.frame { margin: 0 8px 26px 52px; width: calc(100% - 60px); }
svg.square { aspect-ratio: 1; height: auto; }
svg.interval { width: 8rem; height: 22px; }
text { fill: var(--soft); font-size: 11.5px; font-variant-numeric: tabular-nums; }
.ground { fill: var(--ground); }
.grid { stroke: var(--soft); stroke-opacity: .22; shape-rendering: crispEdges; }
.line { fill: none; stroke: var(--own); stroke-width: 1.6px; vector-effect: non-scaling-stroke;
  stroke-linecap: round; stroke-linejoin: round; }
.line.wide { stroke-width: 5px; stroke-opacity: .45; overflow: visible; }
.line.diagonal { stroke: var(--soft); stroke-width: 1px; stroke-dasharray: 4 4; }
.note { stroke: var(--own); stroke-width: 2.5px; }
.note.wide { stroke-width: 8px; stroke-opacity: .45; }
.average { stroke: var(--ink); stroke-dasharray: 5 4; }
.zero { stroke: var(--ink); stroke-dasharray: 2 2; }
.cursor { stroke: var(--ink); stroke-width: 1.5px; visibility: hidden; pointer-events: none; }
.playing .cursor { visibility: visible; }
.playing image ~ .cursor { stroke: #35ff9a; }
.script .timed { cursor: crosshair; }
.span { stroke: var(--own); stroke-width: 1.5px; }
.confidence { stroke: var(--own); stroke-width: 8px; stroke-opacity: .38; }
.median { stroke: var(--own); stroke-width: 2px; }
.mean { fill: var(--own); }
.dot { fill: var(--own); fill-opacity: .6; }
.bin { fill: var(--own); fill-opacity: .6; }
.box { fill: var(--page); stroke: var(--own); stroke-width: 1.5px; }
.scale { float: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.strip { display: inline-block; width: 6.5rem; height: .65em; margin: 0 .4em; }

.pair { border: 1px solid var(--line); border-radius: 8px; margin: 0 0 1rem; padding: 0 1rem; }
.pair > summary { padding: .8rem 0; cursor: pointer; }
.pair[open] { padding-bottom: 1rem; }
.entry { white-space: nowrap; margin-left: .7em; }
.players { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr));
  gap: 1rem; }
.player p { margin: .2rem 0; }
audio { width: 100%; height: 2.5rem; }
.warp { display: grid; grid-template-columns: minmax(9rem, 15rem) minmax(0, 1fr); gap: 1rem; }
.notes { color: var(--soft); padding-left: 1.2rem; margin: .4rem 0; }
.reason { color: var(--bad); }
footer { margin-top: 3rem; color: var(--soft); font-size: .9em; }

@media (max-width: 40rem) {
  .warp { grid-template-columns: 1fr; }
  .scale { float: none; display: block; }
  svg.frame { margin-left: 44px; width: calc(100% - 50px); }
  .pair { padding: 0 .6rem; }
  th, td { padding: .35rem .5rem; }
}
@media print {
  body { max-width: none; font-size: 10.5pt; padding: 0; }
  nav, audio, .only-script, .sortable button::after { display: none; }
  .tall { max-height: none; overflow: visible; border: 0; }
  .wide { overflow: visible; }
  .sortable thead { position: static; }
  .pair, .card { border: 0; padding: 0; }
  h2, h3 { break-after: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
)css";

}  // namespace ondes::report
