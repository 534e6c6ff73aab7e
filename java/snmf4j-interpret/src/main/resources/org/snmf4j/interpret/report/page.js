/* The page: facts, search, order, cards by the batch, keys. */
const BATCH = 15;
const report = JSON.parse(byId('data').textContent);
const model = report.model, fit = report.fit;

function startHead() {
  const name = model.name || 'Activations';
  document.title = `${name}, layer ${model.layer}: ${model.rank} features`;
  byId('title').textContent = name;
  byId('lede').textContent =
    `${model.rank} features of layer ${model.layer} (${model.site})`
    + (model.data ? ` on ${model.data}` : '')
    + `: ${figure(model.sentences)} sentences`
    + (model.labels.length > 0 ? ` under ${model.labels.length} labels.` : '.');
  const add = (term, value, note) => byId('facts').append(element('div', {},
    element('dt', {}, term),
    element('dd', {}, value, note ? element('small', {}, ' ' + note) : null)));
  add('Relative loss', figure(fit.relative_loss, 4));
  add('Iterations', figure(fit.iterations), (fit.stop_reason || '').replace(/_/g, ' '));
  add('Time', figure(fit.seconds) + '\u202fs', fit.threads > 0 ? `${fit.threads} thread${fit.threads > 1 ? 's' : ''}` : '');
  add('Backend', fit.backend || '–');
  add('Solver', fit.solver.replace(/_/g, ' '), fit.initialization ? `${fit.initialization.toLowerCase()} start` : '');
  add('Neurons × tokens', `${figure(model.neurons)} × ${figure(model.tokens)}`);
  add('Feature density', percent(model.feature_density));
  add('Features per token', figure(model.coefficients_per_token));
  add('Feature overlap', figure(model.mean_largest_correlation, 3), 'mean largest |cosine|');
  if (model.dead_features > 0) add('Dead features', figure(model.dead_features));
  add('Seed', String(fit.seed));
  byId('legend').textContent =
    'Colour is proportional to a token’s coefficient for the feature. Legibility is the agreement of the top contexts'
    + (model.labels.length > 0 ? ' in label (less so in token)' : ' in token')
    + ', times how selectively the feature fires, times how many different sentences they come from. Lift is the share of'
    + ' the feature’s coefficients on a label over that label’s share of all tokens.';
}

const ORDERS = {
  legibility: feature => feature.legibility.score,
  variance: feature => feature.explained_variance,
  density: feature => feature.density,
  index: feature => -feature.feature
};

/** What a search term is looked for in. */
function searchable(feature) {
  return [
    ...feature.contexts.map(context => context.tokens[context.focus].trim()),
    ...feature.labels.filter((label, i) => i === 0 || label.context_share >= 0.2).map(label => label.label)
  ].map(text => text.toLowerCase());
}
const texts = report.features.map(searchable);

/** Whether a feature has a token or label that contains the text. */
const mentions = (feature, text) => texts[feature.feature].some(entry => entry.includes(text));

/** The features that a query means: by number, by the query as a whole, or else by all its words. */
function find(query) {
  if (query === '') return [...report.features];
  const number = query.match(/^#?(\d+)$/);
  const numbered = report.features.filter(feature => number && Number(number[1]) === feature.feature);
  if (number && query.startsWith('#')) return numbered;
  const whole = report.features.filter(feature => mentions(feature, query) || numbered.includes(feature));
  return whole.length > 0 ? whole
    : report.features.filter(feature => query.split(/\s+/).every(word => mentions(feature, word)));
}

let found = [];
let shown = 0;

function showMore() {
  const next = found.slice(shown, shown + BATCH);
  byId('features').append(...next.map(card));
  shown += next.length;
  byId('more').hidden = shown >= found.length;
  byId('more').textContent = `Show more (${found.length - shown} left)`;
}

function refresh() {
  const query = byId('search').value.trim().toLowerCase();
  const key = ORDERS[byId('sort').value];
  const direction = byId('order').textContent === '↓' ? 1 : -1;
  found = find(query).sort((a, b) => direction * (key(b) - key(a)) || a.feature - b.feature);
  shown = 0;
  byId('features').replaceChildren();
  byId('count').textContent = found.length === model.rank
    ? `${model.rank} features` : `${found.length} of ${model.rank} features`;
  if (found.length === 0) {
    byId('features').append(element('p', {class: 'empty'}, `No feature matches “${byId('search').value.trim()}”.`));
  }
  showMore();
}

function search(text) {
  byId('search').value = text;
  refresh();
  byId('features').scrollIntoView();
}

function searchFromAddress() {
  const number = location.hash.match(/^#(\d+)$/);
  if (number) search('#' + number[1]);
}

function startList() {
  model.labels.forEach(label => byId('labels').append(element('option', {value: label})));
  byId('search').addEventListener('input', refresh);
  byId('sort').addEventListener('change', refresh);
  byId('order').addEventListener('click', () => {
    byId('order').textContent = byId('order').textContent === '↓' ? '↑' : '↓';
    refresh();
  });
  byId('more').addEventListener('click', showMore);
  byId('features').addEventListener('click', event => {
    const chip = event.target.closest('[data-search]');
    if (chip) search(chip.dataset.search);
  });
  if ('IntersectionObserver' in window) {
    new IntersectionObserver(entries => {
      if (entries.some(entry => entry.isIntersecting) && shown < found.length) showMore();
    }, {rootMargin: '1200px'}).observe(document.querySelector('.more'));
  }
  window.addEventListener('hashchange', searchFromAddress);
  refresh();
  searchFromAddress();
}

function startTip() {
  const tip = byId('tip');
  document.addEventListener('pointerover', event => {
    const target = event.target.closest && event.target.closest('[data-tip]');
    tip.hidden = !target;
    if (!target) return;
    tip.textContent = target.dataset.tip;
    const box = target.getBoundingClientRect(), own = tip.getBoundingClientRect();
    const above = box.top - own.height - 6;
    tip.style.left = Math.max(6, Math.min(innerWidth - own.width - 6, box.left + box.width / 2 - own.width / 2)) + 'px';
    tip.style.top = (above > 6 ? above : box.bottom + 6) + 'px';
  });
  document.addEventListener('scroll', () => { tip.hidden = true; }, {passive: true});
}

function startTheme() {
  // A page opened as a file may have no storage.
  const kept = () => { try { return localStorage.getItem('snmf4j-theme'); } catch (e) { return null; } };
  const keep = theme => { try { localStorage.setItem('snmf4j-theme', theme); } catch (e) { /* not kept then */ } };
  const system = matchMedia('(prefers-color-scheme: dark)');
  const root = document.documentElement;
  const apply = theme => {
    root.dataset.theme = theme;
    byId('theme').textContent = theme === 'dark' ? 'Light' : 'Dark';
  };
  const fromSystem = () => apply(kept() || (system.matches ? 'dark' : 'light'));
  system.addEventListener('change', fromSystem);
  byId('theme').addEventListener('click', () => {
    const theme = root.dataset.theme === 'dark' ? 'light' : 'dark';
    keep(theme);
    apply(theme);
  });
  fromSystem();
}

function focusCard(step) {
  const cards = [...document.querySelectorAll('.card')];
  const at = cards.indexOf(document.activeElement.closest('.card'));
  const next = cards[at < 0 ? 0 : at + step];
  if (!next) return;
  next.focus({preventScroll: true});
  next.scrollIntoView({block: 'start'});
}

function startKeys() {
  document.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape') {
      byId('search').blur();
      if (byId('search').value !== '') {
        byId('search').value = '';
        if (location.hash) history.replaceState(null, '', location.pathname + location.search);
        refresh();
      }
      return;
    }
    if (event.target.closest('input, select')) return;
    const actions = {
      '/': () => byId('search').focus(),
      j: () => focusCard(1),
      k: () => focusCard(-1),
      t: () => byId('theme').click(),
      e: () => {
        const button = document.activeElement.closest('.card')?.querySelector('.expand');
        if (button) button.click();
      }
    };
    if (actions[event.key]) {
      event.preventDefault();
      actions[event.key]();
    }
  });
}

startTheme();
startHead();
startChart(fit);
startList();
startTip();
startKeys();
