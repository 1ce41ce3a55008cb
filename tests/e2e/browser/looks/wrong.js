// Run in the page, with `root` inside the widget and `width` of the screen: what of the open panel a person could not
// see, read or hit.
const wrong = [];
const panel = root.querySelector('.panel'), log = root.querySelector('.log');
const box = panel.getBoundingClientRect();
const name = (element) => `${element.localName}.${element.className.baseVal ?? element.className}`;
if (document.documentElement.scrollWidth > width) wrong.push('the page scrolls sideways');
if (box.left < 0 || box.top < 0 || box.right > width || box.bottom > innerHeight) wrong.push('the panel leaves the screen');
if (log.scrollWidth > log.clientWidth) wrong.push('the log scrolls sideways');
if (log.clientHeight < 80) wrong.push(`of the log only ${log.clientHeight} pixels are left`);

const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
const rgb = (color, under = [255, 255, 255]) => {
  canvas.fillStyle = `rgb(${under})`;
  canvas.fillRect(0, 0, 1, 1);
  canvas.fillStyle = color;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)];
};
const behind = (element) => {
  const { backgroundColor } = getComputedStyle(element);
  return rgb(backgroundColor, element === panel ? undefined : behind(element.parentElement));
};
const light = (color) => {
  const [r, g, b] = color.map((it) => (it / 255 <= 0.04045 ? it / 255 / 12.92 : ((it / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a, b) => {
  const [dark, bright] = [light(a), light(b)].sort((x, y) => x - y);
  return (bright + 0.05) / (dark + 0.05);
};
for (const element of panel.querySelectorAll('*')) {
  const { left, right, width, height } = element.getBoundingClientRect();
  if (!width || element.closest('.sr')) continue;
  if (!element.closest('pre') && (left < box.left - 1 || right > box.right + 1)) wrong.push(`${name(element)} leaves the panel`);
  if (element.localName === 'button' && (width < 24 || height < 24)) wrong.push(`${name(element)} is too small to be hit`);
  const paper = behind(element);
  const speaks = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  const inks = [speaks && getComputedStyle(element).color, element.placeholder && getComputedStyle(element, '::placeholder').color];
  for (const ink of inks.filter(Boolean)) {
    const ratio = contrast(rgb(ink, paper), paper);
    if (ratio < 4.5) wrong.push(`${name(element)} is hard to read: ${ratio.toFixed(2)}`);
  }
}
return [...new Set(wrong)];
