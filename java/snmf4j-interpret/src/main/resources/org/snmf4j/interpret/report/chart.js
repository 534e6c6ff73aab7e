/* The loss curve. */
const HEIGHT = 190, LEFT = 50, RIGHT = 10, TOP = 12, BOTTOM = 24;

/** Maps [low, high] to [from, to], linearly or by logarithm. */
function scale(low, high, from, to, logarithmic) {
  const bend = logarithmic ? Math.log : value => value;
  const unbend = logarithmic ? Math.exp : value => value;
  const span = bend(high) - bend(low) || 1;
  const map = value => from + (bend(value) - bend(low)) / span * (to - from);
  map.back = place => unbend(bend(low) + (place - from) / (to - from) * span);
  return map;
}

/** Round numbers within [low, high]. */
function ticks(low, high, logarithmic) {
  if (logarithmic && high / low > 5) {
    const wide = high / low > 1000;
    const found = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
      (wide ? [1] : [1, 2, 5]).forEach(lead => found.push(lead * 10 ** power));
    }
    const inside = found.filter(tick => tick >= low * 0.999 && tick <= high * 1.001);
    const every = Math.ceil(inside.length / 7);
    return inside.filter((tick, i) => i % every === 0);
  }
  const rough = (high - low) / 4 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(lead => lead * power).find(candidate => candidate >= rough);
  const found = [];
  for (let tick = Math.ceil(low / step - 1e-9); tick * step <= high + step * 1e-9; tick++) {
    found.push(Number((tick * step).toPrecision(12)));
  }
  return found;
}

function drawChart(losses) {
  const count = losses.length;
  const width = Math.max(240, byId('plot').clientWidth);
  const logX = byId('logx').checked, logY = byId('logy').checked;
  const low = Math.min(...losses), high = Math.max(...losses);
  const x = scale(1, count, LEFT, width - RIGHT, logX);
  const y = scale(low, high, HEIGHT - BOTTOM, TOP, logY);
  const svg = drawn('svg', {
    viewBox: `0 0 ${width} ${HEIGHT}`, tabindex: 0, role: 'img',
    'aria-label': `Relative loss over ${count} iterations, from ${figure(losses[0])} to ${figure(low)}`
  });
  ticks(low, high, logY).forEach(tick => svg.append(
    drawn('line', {class: 'grid', x1: LEFT, x2: width - RIGHT, y1: y(tick), y2: y(tick)}),
    drawn('text', {x: LEFT - 8, y: y(tick) + 4, 'text-anchor': 'end'}, figure(tick))));
  ticks(1, count, logX).filter(tick => Number.isInteger(tick)).forEach(tick => svg.append(
    drawn('text', {x: x(tick), y: HEIGHT - 6, 'text-anchor': 'middle'}, figure(tick))));
  const points = losses.map((loss, i) => `${x(i + 1).toFixed(1)},${y(loss).toFixed(1)}`);
  const best = losses.indexOf(low);
  const cross = drawn('line', {class: 'cross', y1: TOP, y2: HEIGHT - BOTTOM, visibility: 'hidden'});
  const dot = drawn('circle', {class: 'dot', r: 4, visibility: 'hidden'});
  svg.append(
    drawn('path', {class: 'area', d: `M${x(1)},${HEIGHT - BOTTOM}L${points.join('L')}V${HEIGHT - BOTTOM}Z`}),
    drawn('path', {class: 'curve', d: 'M' + points.join('L')}),
    drawn('circle', {class: 'best', r: 4, cx: x(best + 1), cy: y(low)}),
    cross, dot);

  let shown = best;
  function show(i, pointing) {
    shown = Math.max(0, Math.min(count - 1, i));
    const place = {x: x(shown + 1), y: y(losses[shown])};
    [cross, dot].forEach(mark => mark.setAttribute('visibility', pointing ? 'visible' : 'hidden'));
    cross.setAttribute('x1', place.x);
    cross.setAttribute('x2', place.x);
    dot.setAttribute('cx', place.x);
    dot.setAttribute('cy', place.y);
    const note = shown === best ? ', the best' : '';
    byId('readout').textContent = `${figure(losses[shown], 5)} at iteration ${shown + 1}${note}`;
  }
  svg.addEventListener('pointermove', event => {
    const box = svg.getBoundingClientRect();
    const place = (event.clientX - box.left) / box.width * width;
    show(Math.round(x.back(place)) - 1, true);
  });
  svg.addEventListener('pointerleave', () => show(best, false));
  svg.addEventListener('blur', () => show(best, false));
  svg.addEventListener('keydown', event => {
    const step = {ArrowLeft: -1, ArrowRight: 1, Home: -count, End: count}[event.key];
    if (step) {
      event.preventDefault();
      show(shown + step, true);
    }
  });
  byId('plot').replaceChildren(svg);
  show(best, false);
}

function startChart(fit) {
  const losses = fit.losses.filter(loss => loss !== null).map(loss => loss / (fit.squared_norm || 1));
  if (losses.length < 2) return;
  const low = Math.min(...losses);
  const canLog = low > 0;
  byId('logy').checked = canLog && Math.max(...losses) / low > 8;
  byId('logy').disabled = !canLog;
  byId('logx').checked = losses.length > 60;
  ['logx', 'logy'].forEach(id => byId(id).addEventListener('change', () => drawChart(losses)));
  byId('chart').hidden = false;
  drawChart(losses);
  let drawnWidth = byId('plot').clientWidth;
  window.addEventListener('resize', () => {
    if (byId('plot').clientWidth === drawnWidth) return;
    drawnWidth = byId('plot').clientWidth;
    drawChart(losses);
  });
}
