/**
 * The page's style. Colours are Okabe & Ito's (2008), told apart with any colour vision; in the dark their lighter
 * members stand for the darker ones. System fonts, nothing loaded.
 */
export const style = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1b1d21; --muted: #5c626b; --rule: #dfe2e6; --gap: #ffffff;
  --training: #0072b2; --validation: #d55e00; --learning-rate: #009e73; --kl-weight: #cc79a7;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15171b; --ink: #e8eaed; --muted: #a0a6af; --rule: #31353c; --gap: #3a3f47;
    --training: #56b4e9; --validation: #e69f00;
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
figcaption b, caption b { color: var(--ink); font-weight: 600; }
svg { display: block; width: 100%; max-width: 26rem; height: auto; }
.panels { display: grid; gap: 1.5rem 2rem; }
.panels p { margin: 0 0 0.25rem; font-size: 0.9rem; }
.panels span { color: var(--muted); }
.picture { display: grid; gap: 0.4rem; }
.picture img { display: block; max-width: 100%; height: auto; background: var(--gap); }
.picture .crisp { image-rendering: pixelated; }
.picture ol { margin: 0; padding: 0; list-style: none; font-size: 0.8rem; color: var(--muted); }
.picture li { display: inline; }
.picture li::before { content: " · "; }
.picture li:first-child::before { content: "Rows: "; }
table { width: 100%; border-collapse: collapse; }
caption { padding-bottom: 0.6rem; }
tbody { border-top: 1px solid var(--rule); }
tbody:last-child { border-bottom: 1px solid var(--rule); }
th, td { padding: 0.5rem 0 0; vertical-align: top; text-align: left; }
th { font-weight: 600; }
td { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td.stamp { padding: 0 0 0.5rem; text-align: left; white-space: normal; }
details { margin-top: 3rem; }
summary { cursor: pointer; font-weight: 600; }
pre { overflow-x: auto; font: 0.8rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--rule); color: var(--muted); font-size: 0.85rem; }
@media (min-width: 44rem) {
  .panels { grid-template-columns: 1fr 1fr; }
  .labelled { grid-template-columns: max-content auto; justify-content: start; gap: 0.75rem; }
  .labelled ol { display: grid; grid-auto-rows: 1fr; align-items: center; text-align: right; }
  .picture li { display: block; }
  .picture li:nth-child(n)::before { content: none; }
}
`;
