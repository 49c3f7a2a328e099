// Webhooks: what arrived at an address of the sandbox, and whether its signature holds.

import { exact, h, sync } from './dom.js';
import { attempt, get, post, remove } from './store.js';

const secret = h('input', {
  id: 'hook-secret', type: 'password', autocomplete: 'off', placeholder: 'whsec_…',
});
const list = h('div');
const address = `${location.origin}/hooks/anna`;
export const page = h('div.page',
  h('p.hint', 'Адрес для вебхука: ', h('code', address), '. Вместо anna годится любое имя.'),
  h('form.head', { onsubmit: keepSecret },
    h('label', { for: 'hook-secret' }, 'Секрет'), secret,
    h('button.plain', 'Проверять подпись'),
    h('button.plain', { type: 'button', onclick: () => attempt(() => remove('/sandbox/hooks')) },
      'Удалить все')),
  list);
let hooks = [];
let hasSecret = false;

export async function load() {
  const found = await get('/sandbox/hooks');
  hooks = found.hooks;
  hasSecret = found.has_secret;
}

function keepSecret(event) {
  event.preventDefault();
  attempt(async () => {
    await post('/sandbox/hooks', { secret: secret.value });
    secret.value = '';
  });
}

export const badge = () => hooks.filter(({ holds }) => holds === false).length;

export function draw() {
  const rows = hooks.map((each) => ({
    key: each.n, sig: `${each.at} ${each.holds}`, build: () => row(each),
  }));
  sync(list, rows.length ? rows : [empty]);
}

const empty = {
  key: 'empty', sig: 1,
  build: () => h('div.empty', h('p', 'Вебхуков пока не было.')),
};

const verdict = (holds) => {
  if (holds === null) return hasSecret ? '—' : 'секрет не задан';
  return holds ? 'подпись верна' : 'подпись не подходит';
};

function row(each) {
  let type = '';
  try {
    type = JSON.parse(each.body).type;
  } catch { /* shown as it is */ }
  return h('details', { class: `request ${each.holds === false ? 'refused' : ''}` },
    h('summary', h('b', type || '—'), h('span.to', each.name), h('small', verdict(each.holds))),
    h('pre', Object.entries(each.headers).map(([name, value]) => `${name}: ${value}`).join('\n')),
    h('pre', pretty(each.body)),
    h('small', exact(each.at)));
}

function pretty(body) {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
