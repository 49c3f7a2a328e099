// The mailbox: every letter the portal has sent.

import { clock, count, exact, h, icon, size, sync } from './dom.js';
import { copy, follow } from './messages.js';
import { act, attempt, get, remove, store } from './store.js';

const list = h('div');
const reader = h('div.letter');
export const page = h('div.page', list, reader);
let letters = [];
let opened = null; // the id of the letter that is read
let seen = Number(sessionStorage.getItem('mails') ?? 0);

export async function load() {
  letters = await get('/sandbox/mail');
}

export const badge = () => letters.filter(({ id }) => id > seen).length;

export function draw(current) {
  if (current && letters.length) {
    seen = letters[0].id;
    sessionStorage.setItem('mails', seen);
  }
  const open = letters.filter(({ id }) => id === opened);
  list.hidden = open.length > 0;
  reader.hidden = !open.length;
  sync(reader, open.map((letter) => item(letter, letterPage)));
  const rows = letters.map((letter) => item(letter, letterRow));
  sync(list, [letters.length ? head() : empty, ...rows]);
}

const item = (letter, build) => ({ key: letter.id, sig: letter.at, build: () => build(letter) });

const empty = {
  key: 'empty', sig: 1,
  build: () => h('div.empty', icon('mail'), h('p', 'Писем пока нет.'),
    h('p', 'Сюда приходит вся почта портала: ПИН-коды, приглашения, ответы поддержки.')),
};

const head = () => ({
  key: 'head', sig: letters.length,
  build: () => h('div.head', h('span', count(letters.length, 'письмо', 'письма', 'писем')),
    h('button.plain', { onclick: () => attempt(() => remove('/sandbox/mail')) }, 'Удалить все')),
});

/** The six digits of a PIN mail, else null. */
function pinOf({ subject, text }) {
  const whole = `${subject}\n${text}`;
  return /ПИН|код/i.test(whole) ? /(?<!\d)\d{6}(?!\d)/.exec(whole)?.[0] ?? null : null;
}

function letterRow(letter) {
  const pin = pinOf(letter);
  return h('button.mail', { onclick: () => read(letter.id) },
    h('span.line', h('b', letter.subject), h('time', clock(letter.at))),
    h('span.line.muted', `кому: ${letter.to.join(', ')}`),
    pin ? h('span.pin', pin) : h('span.teaser', letter.text.trim().slice(0, 120)));
}

function read(id) {
  opened = id;
  draw(true);
  (id ? reader : list).querySelector('button')?.focus();
}

function letterPage({ html, text, attachments, ...letter }) {
  const pin = pinOf({ text, ...letter });
  const facts = { От: letter.from, Кому: letter.to.join(', '), Когда: exact(letter.at) };
  return h('article',
    h('button.plain', { onclick: () => read(null) }, icon('back'), 'Все письма'),
    h('h2', letter.subject),
    h('dl', Object.entries(facts).map(([name, value]) => [h('dt', name), h('dd', value)])),
    pin && pinCard(pin),
    attachments.map(({ name, size: bytes }) => h('p.attachment', icon('clip'),
      `${name} · ${size(bytes)}`)),
    html ? frame(html) : h('pre', text),
    html && h('details', h('summary', 'Текстовая часть'), h('pre', text)));
}

function pinCard(pin) {
  return h('div.pin-card', h('span', 'ПИН-код'), h('output', pin),
    h('button.primary', { onclick: () => enter(pin) }, 'Отправить боту'),
    h('button', { onclick: () => copy(pin) }, 'Скопировать'));
}

function enter(pin) {
  location.hash = store.person; // never into a group
  follow();
  act('/sandbox/send', { chat: store.person, text: pin });
}

const PLAIN = 'body { margin: 14px; font: 15px/1.5 Arial, sans-serif; overflow-wrap: anywhere; }';

/**
 * The letter's own HTML without scripts or forms; its links open a new tab. The page's policy
 * forbids inline styles in the frame too, so they are taken out of the text and set from here.
 */
function frame(html) {
  const styles = [...html.matchAll(/<style[^>]*>([^]*?)<\/style>/gi)].map(([, text]) => text);
  const plain = html.replace(/<(style|script)\b[^]*?<\/\1>/gi, '')
    .replace(/<[a-z][^>]*>/gi, (tag) => tag.replace(/\sstyle\s*=/gi, ' data-style='));
  return h('iframe', {
    title: 'Письмо',
    sandbox: 'allow-same-origin allow-popups allow-popups-to-escape-sandbox',
    srcdoc: `<base target="_blank">${plain}`,
    onload: ({ target }) => {
      dress(target.contentDocument, [PLAIN, ...styles]);
      target.style.height = `${target.contentDocument.documentElement.scrollHeight + 2}px`;
    },
  });
}

function dress(document, sheets) {
  for (const element of document.querySelectorAll('[data-style]')) {
    element.style.cssText = element.dataset.style;
  }
  document.adoptedStyleSheets = sheets.map((text) => {
    const sheet = new document.defaultView.CSSStyleSheet();
    sheet.replaceSync(text);
    return sheet;
  });
}
