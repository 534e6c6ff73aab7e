/* One feature as a card. */
const CONTEXTS_AT_FIRST = 6;

function words(context, max) {
  const line = element('p', {class: 'words', dir: 'auto'});
  if (!context.starts_sentence) line.append(element('span', {class: 'cut'}, '… '));
  context.tokens.forEach((token, i) => {
    const text = i === 0 ? token.trimStart() || token : token;
    const coefficient = context.coefficients[i];
    if (!(coefficient > 0)) {
      line.append(text);
      return;
    }
    const body = text.trimStart() || text;
    line.append(text.slice(0, text.length - body.length));
    const mark = element('span', {class: i === context.focus ? 't focus' : 't'}, body);
    mark.style.setProperty('--s', Math.min(1, coefficient / max).toFixed(3));
    mark.dataset.tip = `${figure(coefficient, 4)}, ${percent(coefficient / max)} of the maximum\nid ${context.ids[i]}`;
    line.append(mark);
  });
  if (!context.ends_sentence) line.append(element('span', {class: 'cut'}, ' …'));
  return line;
}

function contextLine(context, max) {
  const line = element('li', {},
    element('span', {class: 'value'}, aligned(context.coefficient)),
    words(context, max));
  if (context.label !== null) {
    line.append(element('button', {class: 'chip', type: 'button', title: context.label, 'data-search': context.label}, context.label));
  }
  return line;
}

function preferences(labels, contexts) {
  const list = element('ul', {class: 'preferences'});
  const telling = labels.filter((label, i) => i === 0 || label.contexts > 0 || label.lift >= 2);
  telling.forEach(label => {
    const fill = element('div');
    fill.style.width = 100 * label.context_share + '%';
    list.append(element('li', {'data-tip':
        `${label.label}\n${label.contexts} of ${contexts} top contexts\n${percent(label.mass_share)} of the coefficients, ${percent(label.token_share)} of the tokens`},
      element('div', {class: 'line'},
        element('button', {type: 'button', 'data-search': label.label}, label.label),
        element('span', {}, `${label.contexts}/${contexts} · ×${figure(label.lift, 2)}`)),
      element('div', {class: 'track'}, fill)));
  });
  return element('section', {}, element('h3', {}, 'Labels: top contexts · lift'), list);
}

function neurons(list) {
  const max = Math.max(...list.map(neuron => Math.abs(neuron.weight)));
  const rows = element('ul', {class: 'neurons'});
  list.forEach(neuron => {
    const bar = element('div', {class: neuron.weight < 0 ? 'minus' : 'plus'});
    bar.style.width = 50 * Math.abs(neuron.weight) / max + '%';
    rows.append(element('li', {},
      element('span', {}, 'n' + neuron.neuron),
      element('div', {class: 'signed'}, bar),
      element('span', {}, signed(neuron.weight))));
  });
  return element('section', {}, element('h3', {}, 'Strongest neurons'), rows);
}

/** The distinct strongest tokens. */
function heading(feature) {
  const seen = new Map();
  feature.contexts.forEach(context => {
    const token = context.tokens[context.focus].trim();
    if (token && !seen.has(token.toLowerCase())) seen.set(token.toLowerCase(), token);
  });
  const title = element('h2', {dir: 'auto'});
  [...seen.values()].slice(0, 6).forEach((token, i) => {
    if (i > 0) title.append(element('i', {}, '·'));
    title.append(token);
  });
  return title;
}

function figures(feature) {
  const score = feature.legibility.score;
  const fill = element('div');
  fill.style.width = 100 * score + '%';
  const one = (name, tip, ...values) => element('div', {'data-tip': tip},
    element('dt', {}, name), ...values.map(value => element('dd', {}, value)));
  const legibility = feature.legibility;
  return element('dl', {class: 'figures'},
    one('legibility', `token purity ${percent(legibility.token_purity)}`
      + (legibility.label === null ? '' : `\nlabel purity ${percent(legibility.label_purity)}`)
      + `\nselectivity ${percent(legibility.selectivity)}\nspread ${percent(legibility.spread)}`,
      element('div', {class: 'track'}, fill), score.toFixed(2)),
    one('variance', 'share of variance explained', percent(feature.explained_variance)),
    one('density', 'share of tokens that fire the feature', percent(feature.density)),
    one('neurons', 'nonzero entries of the feature', figure(feature.support_size)));
}

function contextList(feature) {
  const max = feature.max_coefficient || 1;
  const list = element('ol', {class: 'contexts'});
  const add = contexts => list.append(...contexts.map(context => contextLine(context, max)));
  add(feature.contexts.slice(0, CONTEXTS_AT_FIRST));
  const rest = feature.contexts.slice(CONTEXTS_AT_FIRST);
  const part = element('div', {}, list);
  if (rest.length > 0) {
    const button = element('button', {type: 'button', class: 'expand', 'aria-expanded': 'false'}, `${rest.length} more contexts`);
    button.addEventListener('click', () => {
      const open = list.children.length > CONTEXTS_AT_FIRST;
      if (open) [...list.children].slice(CONTEXTS_AT_FIRST).forEach(line => line.remove());
      else add(rest);
      button.setAttribute('aria-expanded', String(!open));
      button.textContent = open ? `${rest.length} more contexts` : 'Fewer contexts';
    });
    part.append(button);
  }
  return part;
}

function card(feature) {
  const dead = feature.contexts.length === 0;
  const aside = element('aside');
  if (feature.labels.length > 0 && !dead) aside.append(preferences(feature.labels, feature.contexts.length));
  if (feature.neurons.length > 0) aside.append(neurons(feature.neurons));
  return element('article', {class: 'card', tabindex: 0, 'data-feature': feature.feature, 'aria-label': `Feature ${feature.feature}`},
    element('header', {},
      element('a', {class: 'number', href: '#' + feature.feature, title: 'Link to this feature'}, '#' + feature.feature),
      heading(feature), figures(feature)),
    element('div', {class: 'body'},
      dead ? element('p', {class: 'dead'}, 'Fires on no token.') : contextList(feature), aside));
}
