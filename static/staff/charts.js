/**
 * Charts, drawn by hand: lines and bars over time, and bars by name.
 *
 * Invariant: what a chart shows a table behind it says, for those who read rather than look.
 */
import { h } from "../widget/dom.js";
import { clock, count, dayAndTime, percent, utcDay } from "./format.js";

const WIDTH = 400;
const HEIGHT = 168;
const LEFT = 50;
const BOTTOM = 24;
const TOP = 10;

/** @param {string} tag @param {Record<string, string | number>} attributes @param {...(Node | string)} children */
const svg = (tag, attributes, ...children) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const name in attributes) element.setAttribute(name, String(attributes[name]));
  element.append(...children);
  return element;
};

/** A round number that is not below. */
const roof = (value = 1) => {
  const size = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((n) => n * size).find((n) => n >= value * 0.999) ?? value;
};

/** @type {(chart: Staff.Chart) => HTMLElement} */
export const makeChart = ({ title, at, series, format, hourly, bars = false }) => {
  const label = (/** @type {string} */ moment) => (hourly ? dayAndTime(moment) : utcDay(moment));
  const most = roof(Math.max(...series.flatMap(({ values }) => values.map((value) => value ?? 0)), 0) || 1);
  const step = (WIDTH - LEFT) / Math.max(at.length, 1);
  const x = (index = 0) => LEFT + step * (index + 0.5);
  const y = (value = 0) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / most);
  const marks = [];

  for (const value of [0, most / 2, most]) {
    marks.push(svg("line", { class: "grid", x1: LEFT, x2: WIDTH, y1: y(value), y2: y(value) }));
    marks.push(svg("text", { class: "axis", x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, format(value)));
  }
  const every = Math.max(1, Math.ceil(at.length / 5));
  at.forEach((moment, index) => {
    if (index % every) return;
    const words = hourly && at.length <= 30 ? clock(moment) : utcDay(moment);
    marks.push(svg("text", { class: "axis", x: x(index), y: HEIGHT - 6, "text-anchor": "middle" }, words));
  });
  for (const { className, values } of series) {
    if (bars) {
      const width = Math.max(1, Math.min(22, step * 0.68));
      values.forEach((value, index) => value && marks.push(svg("rect", { class: className, x: x(index) - width / 2, width, y: y(value), height: y(0) - y(value), rx: Math.min(2, width / 4) })));
    } else {
      // What is not known is a gap, and no zero.
      let path = "";
      values.forEach((value, index) => {
        if (value != null) path += `${values[index - 1] == null ? "M" : "L"}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
      });
      marks.push(svg("path", { class: `line ${className}`, d: path }));
      values.forEach((value, index) => value != null && values[index - 1] == null && values[index + 1] == null && marks.push(svg("circle", { class: `dot ${className}`, cx: x(index), cy: y(value), r: 3 })));
    }
  }
  const cursor = svg("line", { class: "cursor", y1: TOP, y2: HEIGHT - BOTTOM, visibility: "hidden" });
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" }, ...marks, cursor);
  const tip = h("p", { class: "tip", ariaHidden: "true" });
  const legend = h("p", { class: "legend", ariaHidden: "true" }, ...(series.length > 1 ? series.map(({ name, className }) => h("span", { class: className }, name)) : []));

  /** Points out the bucket under the pointer. */
  drawing.addEventListener("pointermove", (event) => {
    const { left, width } = drawing.getBoundingClientRect();
    const index = Math.floor((((event.clientX - left) / width) * WIDTH - LEFT) / step);
    if (!at[index]) return leave();
    tip.textContent = [label(at[index]), ...series.map(({ name, values }) => `${name} ${values[index] == null ? "–" : format(values[index] ?? 0)}`)].join(" · ");
    cursor.setAttribute("x1", String(x(index)));
    cursor.setAttribute("x2", String(x(index)));
    cursor.setAttribute("visibility", "visible");
  });
  const leave = () => {
    tip.textContent = "";
    cursor.setAttribute("visibility", "hidden");
  };
  drawing.addEventListener("pointerleave", leave);

  const table = h("table", null,
    h("caption", null, title),
    h("thead", null, h("tr", null, h("th", { scope: "col" }, "From"), ...series.map(({ name }) => h("th", { scope: "col" }, name)))),
    h("tbody", null, ...at.map((moment, index) => h("tr", null, h("th", { scope: "row" }, label(moment)), ...series.map(({ values }) => h("td", null, values[index] == null ? "–" : format(values[index] ?? 0)))))));
  return figure(title, table, h("div", { class: "chart-head" }, legend, tip), drawing);
};

/** Bars by name, the longest first. @param {string} title @param {[name: string, n: number][]} rows @param {number} total */
export const makeBars = (title, rows, total) => {
  const most = Math.max(1, ...rows.map(([, n]) => n));
  const bars = h("div", { class: "bars", ariaHidden: "true" }, ...rows.map(([name, n]) => {
    const bar = h("i");
    bar.style.setProperty("--share", String(n / most));
    return h("div", null, h("span", { class: "bar-name" }, name), bar, h("span", { class: "bar-value" }, count(n)), h("span", { class: "bar-share" }, percent(total ? n / total : null)));
  }));
  const table = h("table", null, h("caption", null, title), h("thead", null, h("tr", null, ...["Name", "Turns", "Share"].map((words) => h("th", { scope: "col" }, words)))),
    h("tbody", null, ...rows.map(([name, n]) => h("tr", null, h("th", { scope: "row" }, name), h("td", null, count(n)), h("td", null, percent(total ? n / total : null))))));
  return figure(title, table, rows.length ? bars : h("p", { class: "none" }, "Nothing in this period."));
};

/** @param {string} title @param {HTMLElement} table @param {...(Node | string)} seen */
const figure = (title, table, ...seen) => {
  const hidden = h("div", { class: "sr" }, table);
  const toggle = h("button", { class: "link", ariaPressed: "false", ariaLabel: `${title} as a table` }, "Table");
  const drawn = h("div", { class: "drawn" }, ...seen);
  toggle.onclick = () => {
    const on = toggle.ariaPressed !== "true";
    toggle.ariaPressed = String(on);
    hidden.className = on ? "table" : "sr";
    if (on) hidden.tabIndex = 0;
    else hidden.removeAttribute("tabindex");
    drawn.hidden = on;
  };
  return h("figure", { class: "card" }, h("figcaption", null, h("h2", null, title), toggle), drawn, hidden);
};
