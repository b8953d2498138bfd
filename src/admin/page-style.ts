// The style of the pages, in each page itself: nothing is loaded from elsewhere.
export const style = `
:root { color-scheme: light dark; --ground: #f5f7f8; --card: #fff; --line: #dfe5e8; --ink: #17242b; --soft: #5d6f79;
  --accent: #0f6f80; --good: #1c7a4a; --wait: #8a5a00; --bad: #b3261e; --good-bg: #e2f3e9; --wait-bg: #fdf0d5;
  --bad-bg: #fbe4e2; --calm-bg: #e8eef1; }
@media screen and (prefers-color-scheme: dark) { :root { --ground: #0f1518; --card: #172024; --line: #2a373d; --ink: #e5edf0;
  --soft: #93a5ae; --accent: #5cc3d4; --good: #7fd8a6; --wait: #f0c36a; --bad: #ff9b92; --good-bg: #17352a;
  --wait-bg: #3a2f15; --bad-bg: #43211f; --calm-bg: #243138; } }
@media print { :root { color-scheme: light; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 80rem; margin: 0 auto; padding: 1.5rem 1.25rem 3rem; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1rem; margin-bottom: 1.25rem; overflow-wrap: anywhere; }
header > * { min-width: 0; }
h1 { margin: 0; font-size: 1.5rem; font-weight: 650; letter-spacing: -.01em; }
h1 span, h1 a { color: var(--accent); }
h1 a { text-decoration: none; } h1 code { font-size: .8em; overflow-wrap: anywhere; white-space: normal; }
h2 { margin: 0; padding: .85rem 1rem .6rem; font-size: 1rem; font-weight: 600; }
.soft { color: var(--soft); }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: 1rem; margin-bottom: 1rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; overflow: hidden; }
section.card { margin-bottom: 1rem; overflow-x: auto; }
.figure { padding: .85rem 1rem; }
.figure b { display: block; font-size: 1.6rem; font-weight: 600; line-height: 1.2; font-variant-numeric: tabular-nums; }
table { width: 100%; border-collapse: collapse; }
th { text-align: left; font-size: .8rem; font-weight: 500; color: var(--soft); white-space: nowrap; }
th, td { padding: .45rem 1rem; border-top: 1px solid var(--line); vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.says { width: 100%; min-width: 14rem; overflow-wrap: anywhere; } .name { min-width: 10rem; } .from { min-width: 8rem; }
.address { min-width: 12rem; }
td.role { white-space: nowrap; }
code { font: .85em/1.4 ui-monospace, "DejaVu Sans Mono", monospace; white-space: nowrap; }
code.command, .address code { white-space: normal; overflow-wrap: anywhere; }
.word { display: inline-block; padding: .05rem .55rem; border-radius: 1rem; font-size: .82rem; white-space: nowrap;
  background: var(--calm-bg); color: var(--ink); }
.good { background: var(--good-bg); color: var(--good); } .wait { background: var(--wait-bg); color: var(--wait); }
.bad { background: var(--bad-bg); color: var(--bad); }
.empty { padding: .2rem 1rem 1rem; color: var(--soft); margin: 0; }
.part { padding: .5rem 1rem; border-top: 1px solid var(--line); } .part p { margin: 0; overflow-wrap: anywhere; }
p.part { margin: 0; border: 0; } .code { font-size: .9em; } .code code { color: var(--wait); }
/* Names stay on one line where there is room; a unit may break. */
.figures td { padding-block: .2rem; } .figures td:first-child { min-width: 11rem; } .figures .says { font-size: .9em; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 0; padding: .85rem 1rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 40rem) { main { padding-inline: .75rem; } th, td { padding-inline: .5rem; }
  th:first-child, td:first-child { padding-inline-start: 1rem; } .says { min-width: 0; } }
@media (max-width: 54rem) {
  .figures td:first-child { min-width: 0; }
  /* What a figure tells goes below it. */
  .figures, .figures thead, .figures tbody { display: block; } .figures th:last-child, .figures .says:empty { display: none; }
  .figures tr { display: grid; grid-template-columns: minmax(0, 1fr) 5.1rem 5.1rem 5.3rem; border-top: 1px solid var(--line); }
  .figures th, .figures td { border: 0; padding-inline: .3rem; } .figures .soft { font-size: .85em; }
  .figures th:first-child, .figures td:first-child, .figures .says { padding-inline-start: 1rem; }
  .figures .says { grid-column: 1 / -1; } }
@media (max-width: 30rem) {
  /* Its unit too: a word as long as degradation needs the room. */
  .figures tr { grid-template-columns: minmax(0, 1fr) 5.1rem 5.8rem; }
  .figures th:nth-child(3), .figures td:nth-child(3) { padding-inline-end: 1rem; } .figures th:nth-child(4), .figures td:nth-child(4):empty { display: none; }
  .figures td:nth-child(4) { grid-column: 1 / -1; padding-block: 0; padding-inline-start: 1rem; } }
@media (max-width: 70rem) {
  /* A wide table becomes a list: each row wraps, and what is no text of its own says what it is. */
  .rows, .rows tbody { display: block; } .rows thead { position: absolute; clip-path: inset(50%); }
  .rows tr { display: flex; flex-wrap: wrap; gap: .1rem .75rem; padding: .5rem 1rem; border-top: 1px solid var(--line); }
  .rows td { padding: 0; border: 0; } .rows td:empty { display: none; } .rows .says { flex-basis: 100%; }
  .rows .says, .rows .name, .rows .from, .rows .address { min-width: 0; } .rows .says { order: 1; } .rows .when { margin-inline-start: auto; }
  .rows td[data-of]::before { content: attr(data-of) " "; color: var(--soft); font-size: .85em; } }
a { color: var(--accent); } a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; } footer { color: var(--soft); font-size: .85rem; }
`;
