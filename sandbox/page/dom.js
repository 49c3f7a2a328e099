// Small helpers around the DOM. Text only ever becomes a text node.

const SVG = 'http://www.w3.org/2000/svg';

export const $ = (id) => document.getElementById(id);

/**
 * h('p.note', {title: '…'}, 'text', child): an element. `on*` keys are listeners, other keys
 * attributes; false, null and undefined are left out, among the children too.
 */
export function h(selector, ...rest) {
  const [tag, ...classes] = selector.split('.');
  const element = document.createElement(tag);
  const props = rest[0]?.constructor === Object ? rest.shift() : {};
  if (classes.length) element.className = classes.join(' ');
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...rest.flat(2).filter((child) => child || child === 0));
  return element;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.setAttribute('aria-hidden', 'true');
  svg.append(use);
  return svg;
}

export function avatar(name, id, extra = '') {
  const initials = name.split(/\s+/).slice(0, 2).map((word) => [...word][0] ?? '').join('');
  return h('span', { class: `avatar tone${tone(id)} ${extra}`, 'aria-hidden': 'true' }, initials);
}
// One of seven colours; different ones for the people, the bot and the group of the sandbox.
export const tone = (id) => (Math.abs(id) % 18) % 7;

/**
 * Makes the container's children match `items` ({key, sig, build}). An element stays as it is while
 * its `sig` stays, so focus, selection and opened details survive a refresh.
 */
export function sync(container, items) {
  const present = new Map([...container.children].map((child) => [child.dataset.key, child]));
  let place = container.firstElementChild;
  for (const { key, sig, build } of items) {
    let element = present.get(String(key));
    present.delete(String(key));
    if (element?.sig !== sig) {
      const fresh = build();
      fresh.dataset.key = key;
      fresh.sig = sig;
      if (element) {
        if (element === place) place = fresh;
        swap(element, fresh);
      }
      element = fresh;
    }
    if (element === place) place = place.nextElementSibling;
    else container.insertBefore(element, place);
  }
  for (const gone of present.values()) gone.remove();
}

function swap(old, fresh) {
  const focusable = 'button, a[href], summary';
  const index = [...old.querySelectorAll(focusable)].indexOf(document.activeElement);
  old.replaceWith(fresh);
  if (index >= 0) fresh.querySelectorAll(focusable)[index]?.focus({ preventScroll: true });
}

export function toast(text, kind = '') {
  const element = h('div', { class: `toast ${kind}` }, text);
  $('toasts').append(element);
  setTimeout(() => element.remove(), kind === 'bad' ? 7000 : 4500);
}

/** A modal dialog; resolves to true when it was confirmed. */
export function ask(title, body, { ok = 'ОК', cancel = 'Отмена', danger = false } = {}) {
  const kind = danger ? 'danger' : 'primary';
  return new Promise((resolve) => {
    const dialog = h('dialog.modal', { 'aria-label': title },
      h('form', { method: 'dialog' },
        h('h2', title),
        typeof body === 'string' ? h('p', body) : body,
        h('div.choices',
          cancel && h('button', { type: 'button', onclick: () => dialog.close() }, cancel),
          h('button', { value: 'ok', class: kind, autofocus: true }, ok))));
    dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'ok');
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** A menu beside its button; `entries` are [icon, label, action, class] or falsy. */
export function menu(anchor, entries) {
  const close = () => {
    list.remove();
    anchor.setAttribute('aria-expanded', 'false');
  };
  const choose = (action) => {
    close();
    anchor.focus({ preventScroll: true });
    action();
  };
  const list = h('div.menu', { role: 'menu', popover: 'auto' },
    entries.filter(Boolean).map(([name, label, action, kind]) => h('button',
      { type: 'button', role: 'menuitem', class: kind, onclick: () => choose(action) },
      icon(name), label)));
  list.addEventListener('keydown', (event) => moveFocus(event, list));
  list.addEventListener('toggle', (event) => event.newState === 'closed' && close());
  anchor.closest('main, nav, aside').append(list);
  anchor.setAttribute('aria-expanded', 'true');
  list.showPopover();
  place(list, anchor.getBoundingClientRect());
  list.querySelector('button')?.focus({ preventScroll: true });
}

function place(list, at) {
  const { width, height } = list.getBoundingClientRect();
  const below = at.bottom + 4 + height <= innerHeight;
  list.style.left = `${Math.max(8, Math.min(at.right - width, innerWidth - width - 8))}px`;
  list.style.top = `${Math.max(8, below ? at.bottom + 4 : at.top - height - 4)}px`;
}

/** Arrow keys walk through the buttons of a list. */
export function moveFocus(event, list) {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const buttons = [...list.querySelectorAll('button')];
  const next = buttons.indexOf(document.activeElement) + step;
  buttons[(next + buttons.length) % buttons.length]?.focus();
  event.preventDefault();
}

const date = (value) => new Date(typeof value === 'number' ? value * 1000 : value);
export const clock = (value) => date(value).toLocaleTimeString('ru', { timeStyle: 'short' });
export const exact = (value) => date(value).toLocaleString('ru');
export function day(value) {
  const then = date(value);
  if (then.toDateString() === new Date().toDateString()) return 'Сегодня';
  return then.toLocaleDateString('ru', { day: 'numeric', month: 'long' });
}

export function size(bytes) {
  if (bytes < 1024) return `${bytes} Б`;
  const [value, unit] = bytes < 1024 ** 2 ? [bytes / 1024, 'КБ'] : [bytes / 1024 ** 2, 'МБ'];
  return `${value.toLocaleString('ru', { maximumFractionDigits: 1 })} ${unit}`;
}

const plurals = new Intl.PluralRules('ru');
/** count(3, 'файл', 'файла', 'файлов') → «3 файла» */
export const count = (number, one, few, many) =>
  `${number} ${{ one, few }[plurals.select(number)] ?? many}`;

export const phone = (digits) =>
  digits.replace(/^\+?7(\d{3})(\d{3})(\d\d)(\d\d)$/, '+7 $1 $2-$3-$4');
