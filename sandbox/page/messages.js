// The log of the open chat: bubbles, formatted text, media and inline keyboards.

import {
  $, ask, avatar, clock, day, exact, h, icon, menu, size, sync, toast, tone,
} from './dom.js';
import { act, actor, find, group, here, isOwn, markSeen, post, store } from './store.js';

const log = $('log');
const positions = new Map(); // chat → scroll position when it was left
let shown = null; // the chat on the screen
let sticky = true; // the newest message is kept in view
let lastTop = 0;
let compose = {}; // what the composer offers: reply, edit, send

export function startLog(composer) {
  compose = composer;
  log.addEventListener('scroll', onScroll);
  log.addEventListener('load', stay, true); // a picture has got its height
  new ResizeObserver(stay).observe(log);
  $('jump').addEventListener('click', follow);
}

const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 60;
const stay = () => { if (sticky) log.scrollTop = log.scrollHeight; };

/** Only scrolling up lets go of the end: a message that grows does not move the view. */
function onScroll() {
  sticky = atEnd() || (sticky && log.scrollTop >= lastTop);
  lastTop = log.scrollTop;
  drawJump();
}

export function follow() {
  sticky = true;
  log.scrollTo({ top: log.scrollHeight });
  drawJump();
}

export function drawLog() {
  const chat = `${store.person}/${store.chat}`;
  if (shown !== chat) leaveFor(chat);
  sync(log, rows());
  log.querySelectorAll('.expandable:not([role])').forEach(offerToExpand);
  if (positions.has(chat)) {
    log.scrollTop = positions.get(chat);
    positions.delete(chat);
  }
  stay();
  drawJump();
}

function leaveFor(chat) {
  if (shown && !sticky) positions.set(shown, log.scrollTop);
  shown = chat;
  sticky = !positions.has(chat);
  log.replaceChildren();
}

function drawJump() {
  const last = here().messages.at(-1)?.message_id ?? 0;
  if (sticky && document.visibilityState === 'visible') {
    markSeen();
    $('jump').dataset.last = last;
  }
  const missed = here().messages.filter((each) => each.message_id > $('jump').dataset.last).length;
  $('jump').hidden = sticky;
  $('jump-count').textContent = missed || '';
}

/** Days, service lines and bubbles in order; the parts of an album share one bubble. */
function rows() {
  const items = [];
  const albums = albumParts();
  albums.forEach((parts, index) => {
    const [message] = parts;
    const previous = albums[index - 1]?.[0];
    const next = albums[index + 1]?.[0];
    if (!previous || day(previous.date) !== day(message.date)) items.push(dayRow(message));
    const edge = { first: !sameSender(previous, message), last: !sameSender(message, next) };
    const answered = byId(message.reply_to_message_id);
    items.push({
      key: message.message_id,
      sig: JSON.stringify([parts, edge, answered && outline(answered), topicOf(message)]),
      build: () => (message.service ? service(message.service) : bubble(parts, edge, answered)),
    });
  });
  return items.length ? items : [greeting()];
}

const byId = (id) => here().messages.find((message) => message.message_id === id);
export const gist = ({ text, caption, media }) => text || caption || label(media);
const outline = (message) => [message.from_name, gist(message)];

function albumParts() {
  const result = [];
  for (const message of here().messages) {
    const album = message.media_group_id;
    if (album && result.at(-1)?.[0].media_group_id === album) result.at(-1).push(message);
    else result.push([message]);
  }
  return result;
}

const sameSender = (one, two) => one && two && !one.service && !two.service
  && one.from_name === two.from_name && day(one.date) === day(two.date);
const service = (text) => h('p.pill', text);
const dayRow = ({ date }) => ({ key: `day ${day(date)}`, sig: 1, build: () => service(day(date)) });

function greeting() {
  const text = group()
    ? 'В группе пока тихо. Бота можно добавить на вкладке «Группа».'
    : store.bot.description || 'Здесь пока ничего нет. Нажмите «Запустить», и бот ответит.';
  const title = group() ? group().title : 'Что умеет этот бот?';
  return {
    key: 'greeting', sig: title + text,
    build: () => h('section.greeting', h('h2', title), h('p', text)),
  };
}

function bubble(parts, edge, answered) {
  const message = parts.find((part) => part.caption) ?? parts[0];
  const own = isOwn(message);
  const text = message.text || message.caption;
  const media = parts.map((part) => part.media).filter(Boolean);
  const kind = [own ? 'own' : 'theirs', edge.first && 'first', edge.last && 'last'];
  const openMenu = (event) => messageMenu(event, parts, own);
  return h('article', { class: `msg ${kind.filter(Boolean).join(' ')}`, oncontextmenu: openMenu },
    group() && !own && sideAvatar(message, edge.last),
    h('div.stack',
      h('div', { class: `bubble ${media.some(isPicture) ? 'pictured' : ''} ${text ? '' : 'bare'}` },
        group() && !own && edge.first && sender(message),
        topicOf(message) && h('div.topic', `# ${topicOf(message)}`),
        message.reply_to_message_id && !answered?.service && quote(answered),
        media.length > 0 && gallery(media),
        h('div.text', { dir: 'auto' },
          text && rich(text, message.entities ?? []), stamp(parts, own)),
        reactions(message)),
      inlineKeyboard(message)),
    h('button.icon.more', {
      'aria-label': 'Действия с сообщением', 'aria-haspopup': 'menu', onclick: openMenu,
    }, icon('more')));
}

const topicOf = ({ topic }) => group()?.topics.find(({ id }) => id === topic)?.title;
const senderId = (message) => message.from_id ?? [...message.from_name].length;
const sideAvatar = (message, last) => (last
  ? avatar(message.from_name, senderId(message), 'small')
  : h('span.avatar.small.empty'));
const sender = (message) => h('div', { class: `sender ink${tone(senderId(message))}` },
  message.from_name);

function reactions({ reactions: given }) {
  return given.length > 0 && h('div.reactions', given.map((emoji) => h('span', emoji)));
}

function stamp(parts, own) {
  const [message] = parts;
  return h('span.stamp',
    parts.some((part) => part.edited) && 'изменено ',
    h('time', { title: exact(message.date) }, clock(message.date)), own && icon('checks'));
}

function quote(answered) {
  const [name, text] = answered ? outline(answered) : ['Сообщение удалено', ''];
  return h('button.quote', { onclick: () => reveal(answered) }, h('b', name), h('span', text));
}

function reveal(message) {
  const element = message && log.querySelector(`[data-key="${message.message_id}"]`);
  if (!element) return;
  element.scrollIntoView({ block: 'center' });
  element.classList.add('flash');
  setTimeout(() => element.classList.remove('flash'), 1400);
}

const label = (media) => ({
  photo: 'Фото', video: 'Видео', audio: 'Аудио', voice: 'Голосовое сообщение', sticker: 'Стикер',
  video_note: 'Видеосообщение', contact: 'Контакт',
}[media?.kind] ?? media?.name ?? '');

// Formatted text

/** Entities as nested nodes; their offsets are UTF-16 like the indexes of a string. */
function rich(text, entities, from = 0, to = text.length) {
  const result = document.createDocumentFragment();
  const waiting = [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
  let done = from;
  while (waiting.length) {
    const entity = waiting.shift();
    const end = entity.offset + entity.length;
    const within = [];
    while (waiting.length && waiting[0].offset < end) within.push(waiting.shift());
    result.append(text.slice(done, entity.offset));
    const content = rich(text, within, entity.offset, end);
    result.append(styled(entity, content, text.slice(entity.offset, end)));
    // A block ends its line itself.
    done = BLOCK.test(entity.type) && text[end] === '\n' ? end + 1 : end;
  }
  result.append(text.slice(done, to));
  return result;
}

const BLOCK = /^pre$|blockquote$/;
const TAGS = {
  bold: 'b', italic: 'i', underline: 'u', strikethrough: 's', code: 'code', pre: 'pre',
  blockquote: 'blockquote',
};

function styled(entity, content, raw) {
  switch (entity.type) {
    case 'text_link': return link(entity.url, content);
    case 'url': return link(/^[a-z]+:/i.test(raw) ? raw : `http://${raw}`, content);
    case 'email': return link(`mailto:${raw}`, content);
    case 'bot_command':
      return h('button.command', { onclick: () => compose.send(raw) }, content);
    case 'mention': case 'text_mention': return h('span.mention', content);
    case 'spoiler': return h('button.spoiler', {
      onclick: (event) => event.currentTarget.classList.add('open'),
    }, content);
    case 'expandable_blockquote': return h('blockquote.expandable', content);
    default: return h(TAGS[entity.type] ?? 'span', {}, content);
  }
}

/** A link to the bot itself presses Start in its private chat; all others open a new tab. */
function link(url, content) {
  const payload = startPayload(url);
  if (payload !== null) {
    const onclick = (event) => {
      event.preventDefault();
      openBot(payload);
    };
    return h('a', { href: url, onclick }, content);
  }
  const safe = /^(https?|mailto|tg):/i.test(url) ? url : null;
  return h('a', { href: safe, target: '_blank', rel: 'noopener noreferrer' }, content);
}

function startPayload(url) {
  const match = /^(?:https?:\/\/)?t\.me\/(\w+)(?:\?start=([\w-]*))?$/i.exec(url);
  const own = match?.[1].toLowerCase() === store.bot.username.toLowerCase();
  return own ? match[2] ?? '' : null;
}

export async function openBot(payload) {
  location.hash = store.person;
  if (payload || !actor().started) await act('/sandbox/start', { chat: store.person, payload });
}

function offerToExpand(element) {
  if (element.scrollHeight <= element.clientHeight + 4) {
    element.setAttribute('role', 'note');
    return;
  }
  const toggle = () => {
    const open = element.classList.toggle('open');
    element.setAttribute('aria-expanded', open);
  };
  element.classList.add('long');
  element.setAttribute('role', 'button');
  element.setAttribute('aria-expanded', 'false');
  element.tabIndex = 0;
  element.addEventListener('click', toggle);
  element.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    toggle();
  });
}

// Media

const PICTURES = ['photo', 'sticker', 'video', 'video_note'];
const isPicture = ({ kind, url }) => url && PICTURES.includes(kind);

function gallery(media) {
  const pictures = media.filter(isPicture).length;
  const grid = pictures > 1 ? `grid ${pictures % 2 ? 'odd' : ''}` : '';
  return h('div', { class: `media ${grid}` }, media.map(medium));
}

function medium(media) {
  switch (media.url && media.kind) {
    case 'photo': return h('button.thumb', {
      'aria-label': 'Открыть фото', onclick: () => enlarge(media),
    }, h('img', { src: media.url, alt: media.name ?? 'Фото' }));
    case 'sticker': return picture('sticker', media, '🙂');
    case 'video': case 'video_note': return movie(media);
    default: return fileRow(media);
  }
}

function picture(kind, media, fallback) {
  const image = h('img', { src: media.url, alt: label(media), class: kind });
  image.addEventListener('error', () => image.replaceWith(h('span', { class: kind }, fallback)));
  return image;
}

function movie(media) {
  const video = h('video', { src: media.url, controls: true, class: media.kind });
  video.addEventListener('error', () => {
    video.closest('.bubble').classList.remove('pictured');
    video.replaceWith(fileRow(media));
  });
  return video;
}

function enlarge(media) {
  const image = h('img', { src: media.url, alt: media.name ?? 'Фото', class: 'full' });
  ask(media.name ?? 'Фото', image, { ok: 'Закрыть', cancel: null });
}

const FILE_ICONS = {
  voice: 'mic', audio: 'play', video: 'play', video_note: 'play', contact: 'user',
};
const NAMELESS = ['voice', 'video_note'];

function fileRow(media) {
  const plain = media.kind === 'document' || !media.url;
  const body = [
    h('span.disc', icon(FILE_ICONS[media.kind] ?? 'file')),
    h('span.about', h('b', NAMELESS.includes(media.kind) ? label(media) : media.name),
      h('small', media.phone ?? size(media.size))),
    !plain && player(media),
  ];
  return plain && media.url
    ? h('a.file', { href: media.url, download: media.name ?? '' }, body)
    : h('div.file', body);
}

function player(media) {
  const audio = h('audio', { src: media.url, controls: true });
  audio.addEventListener('error', () => audio.remove());
  return audio;
}

// Inline keyboard

function inlineKeyboard(message) {
  const keyboard = message.reply_markup?.inline_keyboard;
  return keyboard && h('div.inline', keyboard.map((row) => h('div.keys',
    row.map((button) => inlineButton(message, button)))));
}

function inlineButton(message, button) {
  if (button.url) {
    const anchor = link(button.url, button.text);
    anchor.append(icon('link'));
    return anchor;
  }
  const onclick = button.copy_text
    ? () => copy(button.copy_text.text)
    : (event) => press(event.currentTarget, message, button);
  return h('button', { class: button.style, onclick }, button.text);
}

async function press(element, message, button) {
  if (element.getAttribute('aria-busy')) return;
  element.setAttribute('aria-busy', 'true');
  const answer = await post('/sandbox/press', {
    person: store.person,
    chat: store.chat,
    message_id: message.message_id,
    data: button.callback_data,
  }).catch((error) => toast(error.message, 'bad'));
  element.removeAttribute('aria-busy');
  if (!answer) return;
  if (!answer.answered) toast('Бот не ответил на нажатие за 3 секунды', 'bad');
  else if (answer.show_alert) await ask(store.bot.name ?? 'Бот', answer.text, { cancel: null });
  else if (answer.text) toast(answer.text);
}

// Menu of a message

function messageMenu(event, parts, own) {
  const [message] = parts;
  if (event.type === 'contextmenu' && event.target.closest('a, img')) return; // the browser's menu
  event.preventDefault();
  const anchor = event.currentTarget.closest('.msg').querySelector('.more');
  const text = message.text || parts.map((part) => part.caption).find(Boolean);
  menu(anchor, [
    ['reply', 'Ответить', () => compose.reply(message)],
    own && text && ['edit', 'Изменить', () => compose.edit(message)],
    text && ['copy', 'Копировать текст', () => copy(text)],
    (own || !group()) && ['trash', 'Удалить', () => erase(parts), 'danger'],
  ]);
}

async function erase(parts) {
  for (const { message_id } of parts) await act('/sandbox/delete', { message_id });
}

export async function copy(text) {
  await navigator.clipboard.writeText(text);
  toast('Скопировано');
}

