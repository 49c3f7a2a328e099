// The right column: its tabs, each a module with `page`, `load`, `draw` and `badge`.

import { $, h } from './dom.js';
import { group, shared } from './store.js';
import * as faults from './faults.js';
import * as grouptools from './grouptools.js';
import * as hooks from './hooks.js';
import * as mailbox from './mailbox.js';
import * as requests from './requests.js';

const TABS = {
  mail: ['Почта', mailbox],
  requests: ['Запросы', requests],
  hooks: ['Вебхуки', hooks],
  faults: ['Сбои', faults],
  group: ['Группа', grouptools],
};
let active = sessionStorage.getItem('tab') ?? 'mail';

export function startPanel() {
  for (const [key, [title, tab]] of Object.entries(TABS)) {
    $('panel').append(tab.page);
    $('tabs').append(h('button', {
      role: 'tab', id: `tab-${key}`, 'aria-controls': 'panel', onclick: () => openTab(key),
    }, title, h('b.badge')));
  }
  $('tabs').addEventListener('keydown', walkTabs);
}

export function openTab(key) {
  active = key;
  sessionStorage.setItem('tab', key);
  drawPanel();
}

function walkTabs(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const tabs = [...$('tabs').children].filter((tab) => !tab.hidden);
  const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
  next.focus();
  next.click();
}

export const refreshPanel = shared(
  () => Promise.all([mailbox.load(), requests.load(), hooks.load(), faults.load()]), drawPanel);

export const { forget: forgetRequests } = requests;

export function drawPanel() {
  if (active === 'group' && !group()) active = 'mail';
  $('tab-group').hidden = !group();
  $('panel').setAttribute('aria-labelledby', `tab-${active}`);
  for (const [key, [, tab]] of Object.entries(TABS)) {
    const current = key === active;
    tab.page.hidden = !current;
    tab.draw(current);
    $(`tab-${key}`).setAttribute('aria-selected', String(current));
    $(`tab-${key}`).tabIndex = current ? 0 : -1;
    $(`tab-${key}`).querySelector('.badge').textContent = tab.badge() || '';
  }
}
