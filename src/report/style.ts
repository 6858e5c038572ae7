/**
 * The page's style. Colours are Okabe & Ito's (2008), told apart with any colour vision; in the dark their lighter
 * members stand for the darker ones. System fonts, nothing loaded.
 */
export const style = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1b1d21; --muted: #5c626b; --rule: #dfe2e6; --gap: #ffffff; --on-strong: #1b1d21;
  --training: #0072b2; --validation: #d55e00; --learning-rate: #009e73; --kl-weight: #cc79a7;
  --class-0: #0072b2; --class-1: #d55e00; --class-2: #009e73; --class-3: #cc79a7; --class-4: #e69f00; --class-5: #56b4e9;
  --class-6: #d6c400; --class-7: #1b1d21; --class-8: #882255; --class-9: #6e6e12; --class-10: #332288; --class-11: #8c8c8c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15171b; --ink: #e8eaed; --muted: #a0a6af; --rule: #31353c; --gap: #3a3f47;
    --training: #56b4e9; --validation: #e69f00;
    --class-0: #3a8fd0; --class-1: #e8702a; --class-2: #14b88a; --class-3: #dd9bbf; --class-5: #8fd0f5; --class-6: #f0e442;
    --class-7: #e8eaed; --class-8: #c2578f; --class-9: #a8a83c; --class-10: #8577e0;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; overflow-wrap: break-word;
}
main { max-width: 55rem; margin: 0 auto; padding: 2rem 1.25rem 3rem; }
h1 { margin: 0; font-size: 0.95rem; font-weight: 600; color: var(--muted); }
h2 { margin: 3rem 0 0.75rem; font-size: 1.15rem; font-weight: 600; }
.sentence { margin: 0.25rem 0 1.5rem; font-size: 1.35rem; line-height: 1.35; text-wrap: pretty; }
.headline { margin: 0; font-variant-numeric: tabular-nums; }
.headline strong { font-size: 2.4rem; line-height: 1.2; font-weight: 600; letter-spacing: -0.01em; }
.stamp { margin: 0; color: var(--muted); font-size: 0.85rem; }
figure { margin: 0 0 2rem; }
figcaption, caption { color: var(--muted); font-size: 0.875rem; line-height: 1.45; text-align: left; }
p, figcaption { max-width: 44rem; }
figcaption { margin-top: 0.6rem; }
sub { font-size: 0.75em; line-height: 0; }
figcaption b, caption b { color: var(--ink); font-weight: 600; }
svg { display: block; width: 100%; max-width: 26rem; height: auto; }
.wide > div > svg { max-width: 34rem; }
img { display: block; max-width: 100%; height: auto; background: var(--gap); outline: 1px solid var(--gap); }
.title { margin: 0 0 0.35rem; font-size: 0.9rem; overflow-wrap: anywhere; }
.title span { color: var(--muted); }
div + div > .title { margin-top: 0; }
figure > div + div { margin-top: 1.25rem; }
.panels { display: grid; gap: 1.5rem 2rem; }
.panels > *, .multiples > * { min-width: 0; }
.multiples { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem 1.25rem; }
.tiles { display: grid; grid-template-columns: repeat(5, minmax(0, 1fr)); gap: 0.6rem 0.4rem; margin: 0; padding: 0; list-style: none; }
.tiles li { font-size: 0.72rem; line-height: 1.3; color: var(--muted); text-align: center; }
.tiles img { width: 100%; margin-bottom: 0.2rem; }
.tiles span { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-variant-numeric: tabular-nums; }
.tiles span + span { white-space: normal; overflow-wrap: anywhere; }
.rows { display: grid; grid-template-columns: max-content auto; justify-content: start; align-items: center; gap: 0.3rem 0.6rem; }
.rows > span { max-width: 7.5rem; overflow-wrap: anywhere; font-size: 0.8rem; color: var(--muted); text-align: right; font-variant-numeric: tabular-nums; }
.rows .axis { grid-column: 2; display: flex; justify-content: space-between; font-size: 0.8rem; color: var(--muted); }
.legend { display: flex; flex-wrap: wrap; gap: 0.2rem 1rem; margin: 0.5rem 0; padding: 0; list-style: none; font-size: 0.8rem; }
.legend li { display: flex; align-items: center; gap: 0.4rem; min-width: 0; overflow-wrap: anywhere; }
.legend svg { flex: none; width: 0.85rem; }
.swatch { width: 1.1rem; height: 0.7rem; }
.filled { background: var(--training); opacity: 0.45; }
.line { height: 0; border-top: 2px solid var(--validation); }
.scale { display: flex; align-items: center; gap: 0.5rem; margin: 0 0 0.75rem; font-size: 0.8rem; color: var(--muted); }
.scale i { width: 9rem; height: 0.7rem; background: linear-gradient(to right, var(--validation), var(--paper), var(--training)); }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; }
caption { padding-bottom: 0.6rem; }
tbody { border-top: 1px solid var(--rule); }
tbody:last-child { border-bottom: 1px solid var(--rule); }
th, td { padding: 0.5rem 0 0; vertical-align: top; text-align: left; }
th { font-weight: 600; }
td { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td.stamp { padding: 0 0 0.5rem; text-align: left; white-space: normal; }
thead th { color: var(--muted); font-weight: 400; }
.small { width: auto; font-size: 0.875rem; }
.small th, .small td { padding: 0.15rem 1.5rem 0.15rem 0; font-weight: 400; }
.small td:last-child, .small th:last-child { padding-right: 0; }
.small td:first-child { text-align: left; }
.small thead th:not(:first-child) { text-align: right; }
.compared td, .compared thead th, .compared thead th:not(:first-child) { min-width: 8rem; white-space: normal; text-align: left; overflow-wrap: anywhere; }
.compared tbody th { position: sticky; left: 0; min-width: 7rem; padding-right: 1rem; background: var(--paper); color: var(--muted); }
.compared .number td { white-space: nowrap; }
.compared thead tr:last-child th { font-weight: 600; color: var(--ink); }
.notes { max-width: 44rem; margin: 1rem 0; padding-left: 1.5rem; color: var(--muted); font-size: 0.85rem; }
sup { font-size: 0.7em; line-height: 0; color: var(--muted); padding-left: 0.15em; }
.rows-of-data { font-size: 0.8rem; }
.rows-of-data th { max-width: 6rem; text-align: right; vertical-align: bottom; line-height: 1.25; }
.rows-of-data th, .rows-of-data td { padding: 0.2rem 0.75rem 0.2rem 0; }
.rows-of-data td:last-child, .rows-of-data th:last-child { padding-right: 0; }
.rows-of-data tbody tr:last-child td { padding-bottom: 0.4rem; }
dl { margin: 0; max-width: 44rem; }
dt { font-weight: 600; }
dd { margin: 0 0 0.75rem; }
details { margin-top: 3rem; }
summary { cursor: pointer; font-weight: 600; }
pre { overflow-x: auto; font: 0.8rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--rule); color: var(--muted); font-size: 0.85rem; }
@media (min-width: 44rem) {
  .panels { grid-template-columns: 1fr 1fr; }
  .multiples { grid-template-columns: repeat(4, 1fr); }
  .tiles { grid-template-columns: repeat(10, minmax(0, 1fr)); }
  .panels .tiles { grid-template-columns: repeat(5, minmax(0, 1fr)); }
  dl { display: grid; grid-template-columns: 9rem 1fr; }
}
`;
