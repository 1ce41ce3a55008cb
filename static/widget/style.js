/**
 * How the widget looks. To change: --switchboard-accent, -on-accent, -font, -width, -height, -inset
 * and -z of the element. Logical properties only, so that it works from right to left.
 */

const dark = `color-scheme: dark;
  --paper: #131b18; --ink: #e6ede9; --dim: #93a59d; --line: #2a3831; --fill: #1f2b26;
  --own: var(--switchboard-accent, #6cc9b1); --on-own: var(--switchboard-on-accent, #06231c);
  --strong: color-mix(in oklab, var(--own) 70%, #fff); --head: color-mix(in oklab, var(--own) 24%, #0b1210); --on-head: #eef7f3;
  --lamp: #f4b04f; --person: #f0b35d; --bad: #ff9a8f; --shadow: 0 0 0 1px #fff2, 0 16px 60px #0009;`;

export const css = `
:host { all: initial; color-scheme: light;
  --paper: #fcfdfb; --ink: #16211d; --dim: #5a6963; --line: #dde5e0; --fill: #edf2ee;
  --own: var(--switchboard-accent, #0d5c50); --on-own: var(--switchboard-on-accent, #fff);
  --strong: var(--own); --head: var(--own); --on-head: var(--on-own);
  --lamp: #f2a531; --person: #a85f00; --bad: #b3261e; --shadow: 0 2px 6px #10201a1f, 0 16px 60px #10201a38;
  --gap: var(--switchboard-inset, 20px);
  position: fixed; inset-block-end: var(--gap); inset-inline-end: var(--gap); z-index: var(--switchboard-z, 2147483000);
  font: 15px/1.47 var(--switchboard-font, "Avenir Next", "Segoe UI Variable Text", "Segoe UI", Inter, "Noto Sans", system-ui, sans-serif); color: var(--ink); }
@media (prefers-color-scheme: dark) { :host(:not([theme=light])) { ${dark} } }
:host([theme=dark]) { ${dark} }
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; }
button, textarea { font: inherit; color: inherit; border: 0; background: none; padding: 0; }
button { cursor: pointer; }
:focus { outline: none; }
:focus-visible { outline: 2px solid var(--strong); outline-offset: 2px; }
svg { inline-size: 22px; display: block; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
.mark path + path, .launcher path + path { fill: currentColor; stroke: none; }
.sr { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); }

.launcher { position: relative; inline-size: 60px; block-size: 60px; border-radius: 20px; background: var(--own); color: var(--on-own); display: grid; place-items: center; box-shadow: var(--shadow); transition: transform .2s; }
.launcher:hover { transform: translateY(-2px); }
.launcher svg { inline-size: 34px; }
.badge { position: absolute; inset-block-start: -6px; inset-inline-end: -6px; min-inline-size: 24px; padding: 0 6px; border-radius: 12px; background: var(--lamp); color: #241500; font-size: 13px; font-weight: 700; line-height: 24px; }

.panel { position: fixed; inset: auto; inset-block-end: var(--gap); inset-inline-end: var(--gap); margin: 0; padding: 0; border: 0; overflow: hidden;
  inline-size: var(--switchboard-width, 400px); max-inline-size: calc(100vw - 2 * var(--gap)); block-size: var(--switchboard-height, 660px); max-block-size: calc(100vh - 2 * var(--gap));
  background: var(--paper); color: inherit; border-radius: 20px; box-shadow: var(--shadow); }
.panel[open] { display: flex; flex-direction: column; animation: enter .2s; }
.panel::backdrop { background: none; }

header { position: relative; display: flex; align-items: center; gap: 12px; padding: 15px 12px 15px 16px; background: var(--head); color: var(--on-head); --strong: currentColor; }
/* Rows of jacks, as on a switchboard. */
header::before { content: ""; position: absolute; inset: 0; opacity: .16; background: radial-gradient(currentColor 2px, #0000 2.6px) 0 0 / 15px 15px; mask: linear-gradient(-75deg, #000, #0000 60%); }
header > * { position: relative; }
.mark svg { inline-size: 36px; }
.mark path:first-child { stroke-dasharray: 30; transition: stroke-dashoffset .5s; }
.mark path:last-child { fill: var(--lamp); }
[data-state$=connecting] .mark path { stroke-dasharray: 2 4.2; animation: current 1.2s linear infinite; }
:is([data-state=idle], [data-state=offline], [data-state=stopped]) .mark path { stroke-dashoffset: 18; fill: none; stroke: currentColor; }
.who { flex: 1; min-inline-size: 0; line-height: 1.3; overflow-wrap: anywhere; }
h2, .status { margin: 0; font-size: 13px; }
h2 { font-size: 17px; font-weight: 650; }
.status { opacity: .85; }
.status button, .act { font-weight: 600; text-decoration: underline; text-underline-offset: 2px; }
.tool { inline-size: 40px; block-size: 40px; border-radius: 12px; display: grid; place-items: center; }
.tool:hover { background: #8883; }
.tool svg { stroke-width: 2.5; }
header .menu { position: absolute; inset-block-start: 90%; inset-inline-end: 12px; z-index: 1; padding: 6px; border-radius: 14px; background: var(--paper); color: var(--ink); box-shadow: var(--shadow); }
.menu button { display: block; inline-size: 100%; padding: 10px 14px; border-radius: 9px; text-align: start; }
.menu button:hover { background: var(--fill); }
.menu .sure { color: var(--bad); font-weight: 600; }

.log { flex: 1; min-block-size: 0; overflow-y: auto; overscroll-behavior: contain; overflow-anchor: none; padding: 18px 16px 8px; scrollbar-width: thin; scrollbar-color: var(--line) #0000; }
.log:focus-visible { outline-offset: -3px; }
.list { list-style: none; margin: 0; padding: 0; min-block-size: 100%; display: flex; flex-direction: column; justify-content: flex-end; }
.day, .note { display: flex; align-items: center; gap: 10px; margin: 12px 0; color: var(--dim); font-size: 12.5px; justify-content: center; text-align: center; }
.day::before, .day::after { content: ""; flex: 1; border-block-start: 1px solid var(--line); }
.earlier { text-align: center; font-size: 13px; }
.earlier button, .jump { padding: 7px 14px; border-radius: 99px; background: var(--fill); }
.empty { margin: auto; max-inline-size: 250px; text-align: center; color: var(--dim); }
.empty svg { inline-size: 64px; margin: 0 auto 10px; stroke-width: 1.2; color: var(--strong); }

/* What a speaker says hangs on a cord from that speaker's jack: hollow for the assistant, lit for a person. */
.in { position: relative; padding-inline: 24px 8px; padding-block-end: 6px; }
.in::before { content: ""; position: absolute; inset-inline-start: 6px; inset-block: 0; inline-size: 2px; background: var(--line); }
.in.first::before { inset-block-start: 10px; }
.last { margin-block-end: 14px; }
.jack { position: absolute; inset-inline-start: 0; inset-block-start: 4px; inline-size: 14px; block-size: 14px; border-radius: 50%; border: 2.5px solid var(--strong); background: var(--paper); }
.staff .jack { border-color: var(--person); background: var(--person); box-shadow: inset 0 0 0 2.5px var(--paper); }
.name { display: block; font-size: 13px; font-weight: 650; color: var(--strong); overflow-wrap: anywhere; }
.staff .name { color: var(--person); }
.out { align-self: flex-end; max-inline-size: 84%; margin-block-start: 4px; display: flex; flex-direction: column; align-items: flex-end; }
.out .text { padding: 9px 14px; border-radius: 18px; background: var(--own); color: var(--on-own); white-space: pre-wrap; max-inline-size: 100%; }
.out.last .text { border-end-end-radius: 5px; }
.pending .text { opacity: .6; }
.failed .text { background: none; color: inherit; box-shadow: inset 0 0 0 1.5px var(--bad); }
.meta { margin-block-start: 3px; font-size: 12px; color: var(--dim); text-align: end; font-variant-numeric: tabular-nums; }
.in .meta { text-align: start; }
.failed .meta { color: var(--bad); }
.failed .act { margin-inline-start: 10px; }
.enter { animation: enter .2s; }

.text { overflow-wrap: anywhere; }
.text :is(p, ul, ol, pre) { margin: 0 0 8px; padding: 0; }
.text > :last-child { margin-block-end: 0; }
.in p { white-space: pre-line; }
.text :is(ul, ol) { padding-inline-start: 22px; }
.text ul { list-style: disc; }
.text a { color: var(--strong); text-underline-offset: 2px; }
.out .text a { color: inherit; }
code { font: .87em ui-monospace, Menlo, Consolas, monospace; }
code, .text pre, .cite { background: var(--fill); padding: 1px 5px; border-radius: 6px; }
.text pre { padding: 10px 12px; overflow-x: auto; }
pre code { padding: 0; }
.in .cite { color: var(--strong); font-size: 11.5px; font-weight: 700; text-decoration: none; margin-inline: 2px; }
a.cite:hover { background: var(--line); }
.sources { list-style: none; margin: 8px 0 4px; padding: 0; font-size: 13px; color: var(--dim); overflow-wrap: anywhere; }
.sources a { color: inherit; }
.stream .text > :last-child::after { content: "▍"; color: var(--strong); animation: blink 1s steps(2, jump-none) infinite; }
.typing .text { direction: inherit; }
.dots i { display: inline-block; inline-size: 7px; block-size: 7px; margin-inline-end: 5px; border-radius: 50%; background: var(--dim); animation: blink .6s infinite alternate; }
.dots i + i { animation-delay: .2s; }
.dots i + i + i { animation-delay: .4s; }

.foot { position: relative; padding: 10px 14px 14px; border-block-start: 1px solid var(--line); }
.jump { position: absolute; inset-block-end: calc(100% + 10px); inset-inline: 0; margin-inline: auto; inline-size: fit-content; background: var(--ink); color: var(--paper); font-size: 13px; }
.notice { margin: 0 2px 8px; font-size: 13px; color: var(--dim); }
.notice.bad { color: var(--bad); }
form { display: flex; align-items: flex-end; gap: 6px; padding: 5px; border-radius: 24px; background: var(--fill); }
form:focus-within { box-shadow: inset 0 0 0 1.5px var(--strong); }
textarea { flex: 1; min-inline-size: 0; resize: none; padding-block: 8px; padding-inline: 12px 4px; block-size: 38px; max-block-size: 150px; line-height: 22px; }
textarea:focus-visible { outline: none; }
textarea::placeholder { color: var(--dim); opacity: 1; }
.send { inline-size: 38px; block-size: 38px; border-radius: 50%; display: grid; place-items: center; background: var(--own); color: var(--on-own); }
.send[aria-disabled=true] { opacity: .35; }
.send svg { stroke-width: 2.4; }
.ended { text-align: center; }
.ended p { margin: 4px 0; color: var(--dim); }
.stars button { padding: 6px; color: var(--dim); }
.stars svg { inline-size: 28px; }
.stars :is(.lit, :hover, :has(~ :hover)) { color: var(--lamp); }
.stars :is(.lit, :hover, :has(~ :hover)) svg { fill: currentColor; }
.main { inline-size: 100%; margin-block-start: 6px; padding: 11px; border-radius: 14px; background: var(--own); color: var(--on-own); font-weight: 600; }

@keyframes enter { from { opacity: 0; transform: translateY(10px); } }
@keyframes blink { to { opacity: .2; } }
@keyframes current { to { stroke-dashoffset: -12.4; } }
@media (max-width: 480px), (max-height: 440px) {
  .panel { inset: var(--top, 0) 0 auto; inline-size: 100%; max-inline-size: none; block-size: var(--tall, 100vh); max-block-size: none; border-radius: 0; }
  header { padding-block-start: max(12px, env(safe-area-inset-top)); }
  .foot { padding-block-end: max(12px, env(safe-area-inset-bottom)); }
  .tool, .send { inline-size: 44px; block-size: 44px; }
  /* Smaller than 16px, and iOS zooms the page when it is touched. */
  textarea { font-size: 16px; block-size: 44px; padding-block: 11px; }
}
@media (prefers-reduced-motion: reduce) { *, ::before, ::after { animation: none !important; transition: none !important; } }
@media (forced-colors: active) { .panel, .out .text, button { border: 1px solid; } }
`;
