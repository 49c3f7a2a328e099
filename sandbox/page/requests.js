// The log of what the bot asked of the Bot API.

import { exact, h, sync } from './dom.js';
import { get } from './store.js';

const KEPT = 400;
const quiet = h('input', { type: 'checkbox', checked: true });
const badOnly = h('input', { type: 'checkbox' });
const list = h('div');
export const page = h('div.page',
  h('div.head', { onchange: () => draw() },
    h('label.check', quiet, 'без getUpdates'), h('label.check', badOnly, 'только ошибки')),
  list);
let requests = [];

export async function load() {
  const fresh = await get(`/sandbox/requests?after=${requests.at(-1)?.n ?? 0}`);
  requests = [...requests, ...fresh].slice(-KEPT);
}

/** The sandbox was emptied or started anew: its numbers begin again. */
export function forget() {
  requests = [];
}

export const badge = () => requests.filter(({ refused }) => refused).length;

export function draw() {
  const rows = requests.filter(isWanted).reverse().map((each) => ({
    key: each.n, sig: each.at, build: () => row(each),
  }));
  sync(list, rows.length ? rows : [empty]);
}

const empty = {
  key: 'empty', sig: 1, build: () => h('div.empty', h('p', 'Бот ещё ничего не запрашивал.')),
};

const isBad = ({ status, refused, fault }) => refused || fault || status !== 200;
const isWanted = (each) => isBad(each)
  || !(badOnly.checked || (quiet.checked && each.method === 'getUpdates'));

function row(each) {
  const { description, method, ms, params, status } = each;
  const kind = isBad(each) ? 'failed' : '';
  return h('details', { class: `request ${each.refused ? 'refused' : kind}` },
    h('summary', h('span.code', status || '—'), h('b', method), h('span.to', gist(each)),
      h('small', `${Math.round(ms)} мс`)),
    description && h('p', description),
    h('pre', JSON.stringify(params, null, 2)),
    h('small', exact(each.at)));
}

function gist({ description, fault, params }) {
  if (description || fault) return description || `сбой: ${fault}`;
  return String(params.text ?? params.caption ?? '').replace(/<[^>]*>/g, '');
}
