/**
 * How the widget looks. Pages set `--switchboard-…`. What goes along a line is logical, for lines
 * from right to left.
 */

const dark = `color-scheme: dark;
  --paper: #131b18; --ink: #e6ede9; --dim: #93a59d; --line: #2a3831; --fill: #1f2b26;
  --own: var(--switchboard-accent, #6cc9b1);
  --strong: oklch(from var(--own) max(l, .8) c h); --head: color-mix(in oklab, var(--own) 24%, #0b1210); --on-head: #eef7f3;
  --lamp: #f4b04f; --person: #f0b35d; --bad: #ff9a8f; --shadow: 0 0 0 1px #fff2, 0 16px 60px #0009;`;

export const css = `
:host { all: initial; color-scheme: light;
  --paper: #fcfdfb; --ink: #16211d; --dim: #5a6963; --line: #dde5e0; --fill: #edf2ee;
  --own: var(--switchboard-accent, #0d5c50);
  /* Black on a light one, white on a dark one. */
  --on-own: var(--switchboard-on-accent, oklch(from var(--own) clamp(0, (.7 - l) * 999, 1) 0 0));
  --strong: oklch(from var(--own) min(l, .5) c h); --head: var(--own); --on-head: var(--on-own);
  --lamp: #f2a531; --person: #a85f00; --bad: #b3261e; --shadow: 0 2px 6px #10201a1f, 0 16px 60px #10201a38;
  --gap: var(--switchboard-inset, 20px);
  position: fixed; bottom: var(--gap); inset-inline-end: var(--gap); z-index: var(--switchboard-z, 2147483000);
  font: 15px/1.47 var(--switchboard-font, "Avenir Next", "Segoe UI", Inter, "Noto Sans", system-ui, sans-serif); color: var(--ink); }
@media (prefers-color-scheme: dark) { :host(:not([theme=light])) { ${dark} } }
:host([theme=dark]) { ${dark} }
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; }
button, textarea { font: inherit; color: inherit; border: 0; background: none; padding: 0; }
button { cursor: pointer; }
:focus { outline: none; }
:focus-visible { outline: 2px solid var(--strong); outline-offset: 2px; }
svg { width: 22px; display: block; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
.mark path + path, .launcher path + path { fill: currentColor; stroke: none; }
.sr { position: absolute; width: 1px; height: 1px; overflow: hidden; white-space: nowrap; clip-path: inset(50%); }
.day, .note, .earlier, .empty, .meta, .sources, .notice, .ended, .stars button, ::placeholder { color: var(--dim); }
.failed .meta, .bad, .menu .sure { color: var(--bad); }
.badge, .status, .day, .note, .earlier, .name, .sources, .notice, .jump { font-size: 13px; }
.in a, .in .cite, .name { color: var(--strong); }
.launcher, .send, .main, .out .text { background: var(--own); color: var(--on-own); }
.name, .status button, .act, .sure, .main, h2 { font-weight: 650; }
.launcher, .tool, .send { display: grid; place-items: center; }

.launcher { position: relative; width: 60px; height: 60px; border-radius: 20px; box-shadow: var(--shadow); }
.launcher svg { width: 34px; }
.badge { position: absolute; top: -6px; inset-inline-end: -6px; min-width: 24px; padding: 0 6px; border-radius: 12px; background: var(--lamp); color: #241500; font-weight: 700; line-height: 24px; }

.panel { position: fixed; inset: auto; bottom: var(--gap); inset-inline-end: var(--gap); margin: 0; padding: 0; border: 0; overflow: hidden;
  width: var(--switchboard-width, 400px); max-width: calc(100vw - 2 * var(--gap)); height: var(--switchboard-height, 660px); max-height: calc(100vh - 2 * var(--gap));
  background: var(--paper); color: inherit; border-radius: 20px; box-shadow: var(--shadow); }
.panel[open] { display: flex; flex-direction: column; animation: enter .2s; }
.panel::backdrop { background: none; }

header { position: relative; display: flex; align-items: center; gap: 12px; padding: 15px; background: var(--head); color: var(--on-head); --strong: currentColor; }
/* Rows of jacks, as on a switchboard. */
header::before { content: ""; position: absolute; inset: 0; opacity: .16; background: radial-gradient(currentColor 2px, #0000 2.6px) 0 0 / 15px 15px; mask: linear-gradient(-75deg, #000, #0000 60%); }
[dir=rtl] header::before { scale: -1 1; }
header > * { position: relative; }
.mark svg { width: 36px; }
.mark path:first-child { stroke-dasharray: 30; transition: stroke-dashoffset .5s; }
.mark path:last-child { fill: var(--lamp); }
[data-state$=connecting] .mark path { stroke-dasharray: 2 4.2; animation: current 1.2s linear infinite; }
:is([data-state=idle], [data-state=offline], [data-state=stopped]) .mark path { stroke-dashoffset: 18; fill: none; stroke: currentColor; }
.who { flex: 1; line-height: 1.3; overflow-wrap: anywhere; }
h2, .status { margin: 0; }
h2 { font-size: 17px; }
.status button, .act { text-decoration: underline; padding-block: 5px; }
.tool { width: 40px; height: 40px; border-radius: 12px; }
.tool:hover { background: #8883; }
.tool svg { stroke-width: 2.5; }
[part=menu] svg { stroke-width: 4; }
header .menu { position: absolute; top: 90%; inset-inline-end: 12px; z-index: 1; padding: 6px; border-radius: 14px; background: var(--paper); color: var(--ink); box-shadow: var(--shadow); }
.menu button { display: block; width: 100%; padding: 10px 14px; border-radius: 9px; text-align: start; }
.menu button:hover { background: var(--fill); }

.log { flex: 1; min-height: 0; overflow-y: auto; overscroll-behavior: contain; overflow-anchor: none; padding: 18px 16px 8px; }
.log, pre { scrollbar-width: thin; }
.log:focus-visible { outline-offset: -3px; }
.list { list-style: none; margin: 0; padding: 0; min-height: 100%; display: flex; flex-direction: column; justify-content: flex-end; }
.day, .note, .earlier { display: flex; align-items: center; gap: 10px; margin: 12px 0; justify-content: center; text-align: center; }
.day span::first-letter { text-transform: uppercase; }
.day::before, .day::after { content: ""; flex: 1; border-top: 1px solid var(--line); }
.earlier button, .jump { padding: 7px 14px; border-radius: 99px; background: var(--fill); }
.empty { margin: auto; max-width: 250px; text-align: center; }
.empty svg { width: 64px; margin: auto; stroke-width: 1.2; }

/* On a cord from the speaker's jack: hollow for the assistant, lit for a person. */
.in { position: relative; padding: 0 8px 6px; padding-inline-start: 24px; }
.in::before { content: ""; position: absolute; inset-inline-start: 6px; top: 0; bottom: 0; width: 2px; background: var(--line); }
.in.first::before { top: 10px; }
.last { margin-bottom: 14px; }
.jack { position: absolute; inset-inline-start: 0; top: 4px; width: 14px; height: 14px; border-radius: 50%; border: 2.5px solid var(--strong); background: var(--paper); }
.staff .jack { border-color: var(--person); background: var(--person); box-shadow: inset 0 0 0 2.5px var(--paper); }
.name { display: block; overflow-wrap: anywhere; }
.staff .name { color: var(--person); }
.out { align-self: flex-end; max-width: 84%; margin-top: 4px; display: flex; flex-direction: column; align-items: flex-end; }
.out .text { padding: 9px 14px; border-radius: 18px; white-space: pre-wrap; unicode-bidi: plaintext; max-width: 100%; }
.out.last .text { border-end-end-radius: 5px; }
.pending .text { opacity: .65; }
.failed .text { background: none; color: inherit; box-shadow: inset 0 0 0 1.5px var(--bad); }
.meta { margin-top: 3px; font-size: 12px; font-variant-numeric: tabular-nums; }
.out .meta { text-align: end; }
.failed .act { margin-inline-start: 10px; }
.enter { animation: enter .2s; }

.text { overflow-wrap: anywhere; }
.text :is(p, ul, ol, pre) { margin: 0 0 8px; padding: 0; }
.text > :last-child { margin-bottom: 0; }
.in p { white-space: pre-line; }
.text :is(ul, ol) { padding-inline-start: 22px; }
.text ul { list-style: disc; }
.out a, .in .sources a { color: inherit; }
code { font: .87em ui-monospace, Menlo, Consolas, monospace; }
code, .text pre, .cite { background: var(--fill); padding: 1px 5px; border-radius: 6px; }
.text pre { padding: 10px 12px; overflow-x: auto; }
pre code { padding: 0; }
.in .cite { font-size: 11.5px; font-weight: 700; text-decoration: none; margin-inline: 2px; }
.sources { list-style: none; margin: 8px 0 4px; padding: 0; overflow-wrap: anywhere; }
.stream .text > :last-child::after { content: "▍"; color: var(--strong); animation: blink 1s steps(2, jump-none) infinite; }
.typing .text { direction: inherit; }
.dots i { display: inline-block; width: 7px; height: 7px; margin-inline-end: 5px; border-radius: 50%; background: var(--dim); animation: blink .6s infinite alternate; }
.dots i + i { animation-delay: .2s; }
.dots i + i + i { animation-delay: .4s; }

.foot { position: relative; padding: 10px 14px 14px; border-top: 1px solid var(--line); }
.jump { position: absolute; bottom: calc(100% + 10px); left: 50%; translate: -50%; background: var(--ink); color: var(--paper); }
.notice { margin: 0 2px 8px; }
form { display: flex; align-items: flex-end; gap: 6px; padding: 5px; border-radius: 24px; background: var(--fill); }
.contact { display: grid; padding: 12px; margin-bottom: 8px; }
.contact p { margin: 0; }
input { font: inherit; color: inherit; min-width: 0; padding: 8px 12px; border: 1px solid var(--line); border-radius: 10px; background: var(--paper); }
form:focus-within { box-shadow: inset 0 0 0 1.5px var(--strong); }
textarea { flex: 1; min-width: 0; resize: none; padding: 8px 12px; height: 38px; max-height: 150px; line-height: 22px; }
:is(textarea, .panel):focus-visible { outline: none; }
::placeholder { opacity: 1; }
.send { width: 38px; height: 38px; border-radius: 50%; }
.send[aria-disabled=true] { opacity: .35; }
.ended { text-align: center; }
.ended p { margin: 4px 0; }
.stars button { padding: 6px; }
.stars svg { width: 28px; }
.stars :is(.lit, :hover, :has(~ :hover)) svg { color: var(--lamp); fill: currentColor; }
.main { width: 100%; margin-top: 6px; padding: 11px; border-radius: 14px; }

@keyframes enter { from { opacity: 0; transform: translateY(10px); } }
@keyframes blink { to { opacity: .2; } }
@keyframes current { to { stroke-dashoffset: -12.4; } }
@media (max-width: 480px), (max-height: 440px) {
  .panel { inset: var(--top, 0) 0 auto; width: 100%; max-width: none; height: var(--tall, 100vh); max-height: none; border-radius: 0; }
  header { padding-top: max(15px, env(safe-area-inset-top)); }
  .foot { padding-bottom: max(14px, env(safe-area-inset-bottom)); }
  .tool, .send { width: 44px; height: 44px; }
  /* Smaller than 16px, and iOS zooms the page when it is touched. */
  textarea { font-size: 16px; height: 44px; padding-block: 11px; }
}
@media (prefers-reduced-motion: reduce) { *, ::before, ::after { animation: none !important; transition: none !important; } }
@media (forced-colors: active) { .panel, .text, button { border: 1px solid; } }
`;
