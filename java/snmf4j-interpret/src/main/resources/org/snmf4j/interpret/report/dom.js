/* Elements and numbers. Texts enter the page here only, and only as text nodes. */
const byId = id => document.getElementById(id);

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  Object.entries(attributes || {}).forEach(([key, value]) => made.setAttribute(key, value));
  made.append(...children.filter(child => child !== null && child !== ''));
  return made;
}

function drawn(name, attributes, ...children) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  Object.entries(attributes || {}).forEach(([key, value]) => made.setAttribute(key, value));
  made.append(...children);
  return made;
}

function figure(value, digits = 3) {
  if (value === null || value === undefined) return '–';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) return value.toExponential(digits - 1);
  if (size >= 1000) return Math.round(value).toLocaleString('en').replace(/,/g, '\u202f');
  return String(Number(value.toPrecision(digits)));
}

/** For columns: as many digits in every row. */
function aligned(value, digits = 3) {
  const size = Math.abs(value);
  return size >= 0.001 && size < 10 ** digits ? value.toPrecision(digits) : figure(value, digits);
}

const percent = value => value === null ? '–' : figure(100 * value, 2) + '\u202f%';
const signed = value => (value < 0 ? '−' : '+') + Math.abs(value).toFixed(3);
