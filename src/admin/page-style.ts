// The style of the start page, in the page itself: nothing is loaded from elsewhere.
export const style = `
:root { color-scheme: light dark; --ground: #f5f7f8; --card: #fff; --line: #dfe5e8; --ink: #17242b; --soft: #5d6f79;
  --accent: #0f6f80; --good: #1c7a4a; --wait: #8a5a00; --bad: #b3261e; --good-bg: #e2f3e9; --wait-bg: #fdf0d5;
  --bad-bg: #fbe4e2; --calm-bg: #e8eef1; }
@media (prefers-color-scheme: dark) { :root { --ground: #0f1518; --card: #172024; --line: #2a373d; --ink: #e5edf0;
  --soft: #93a5ae; --accent: #5cc3d4; --good: #7fd8a6; --wait: #f0c36a; --bad: #ff9b92; --good-bg: #17352a;
  --wait-bg: #3a2f15; --bad-bg: #43211f; --calm-bg: #243138; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 1.5rem 1.25rem 3rem; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1rem; margin-bottom: 1.25rem; }
h1 { margin: 0; font-size: 1.5rem; font-weight: 650; letter-spacing: -.01em; }
h1 span { color: var(--accent); }
h2 { margin: 0; padding: .85rem 1rem .6rem; font-size: 1rem; font-weight: 600; }
.soft { color: var(--soft); }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 1rem; margin-bottom: 1rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; overflow: hidden; }
section.card { margin-bottom: 1rem; overflow-x: auto; }
.figure { padding: .85rem 1rem; }
.figure b { display: block; font-size: 1.6rem; font-weight: 600; line-height: 1.2; font-variant-numeric: tabular-nums; }
table { width: 100%; border-collapse: collapse; }
th { text-align: left; font-size: .8rem; font-weight: 500; color: var(--soft); white-space: nowrap; }
th, td { padding: .45rem 1rem; border-top: 1px solid var(--line); vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.says { width: 100%; min-width: 14rem; }
code { font: .85em/1.4 ui-monospace, "DejaVu Sans Mono", monospace; white-space: nowrap; }
.word { display: inline-block; padding: .05rem .55rem; border-radius: 1rem; font-size: .82rem; white-space: nowrap;
  background: var(--calm-bg); color: var(--ink); }
.good { background: var(--good-bg); color: var(--good); } .wait { background: var(--wait-bg); color: var(--wait); }
.bad { background: var(--bad-bg); color: var(--bad); }
.empty { padding: .2rem 1rem 1rem; color: var(--soft); margin: 0; }
@media (max-width: 40rem) { main { padding-inline: .75rem; } th, td { padding-inline: .5rem; } .says { min-width: 9rem; } }
a { color: var(--accent); } footer { color: var(--soft); font-size: .85rem; }
`;
