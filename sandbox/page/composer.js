// Everything below the log: text field, reply keyboard, commands, files, contact, Start.

import { $, ask, count, h, icon, menu, moveFocus, phone, size, sync, toast } from './dom.js';
import { follow, gist } from './messages.js';
import {
  act, actor, attempt, draft, fullName, group, here, membership, post, setDraft, store,
} from './store.js';

const MEGABYTE = 1024 ** 2;
const MARK = '\u2060'; // invisible; before the bot's name it makes a mention, wherever it moves to
const field = $('text');
let shown = null; // the chat the field belongs to
let context = null; // {reply: message} or {edit: message}
let keysHidden = false;

export function startComposer() {
  $('composer').addEventListener('submit', submit);
  field.addEventListener('input', onInput);
  field.addEventListener('keydown', onKey);
  field.addEventListener('paste', (event) => offer(event.clipboardData.files, event));
  $('log').addEventListener('dragover', (event) => event.preventDefault());
  $('log').addEventListener('drop', (event) => offer(event.dataTransfer.files, event));
  $('picker').addEventListener('change', () => {
    offer($('picker').files);
    $('picker').value = '';
  });
  $('attach').addEventListener('click', attachMenu);
  $('commands').addEventListener('click', () => {
    if ($('suggestions')) closeSuggestions();
    else listCommands();
  });
  $('keys').addEventListener('click', () => {
    keysHidden = !keysHidden;
    drawKeyboard();
  });
  $('start').addEventListener('click', () => {
    follow();
    closedGate()?.pass();
  });
  return { reply, edit, send };
}

export function drawComposer() {
  const switched = shown !== store.chat;
  if (switched) openChat();
  const gate = closedGate();
  $('start').hidden = !gate;
  $('start').textContent = gate?.title ?? '';
  $('composer').hidden = Boolean(gate);
  resize();
  $('commands').hidden = !commands().length;
  drawOptions();
  drawKeyboard(Boolean(gate));
  if (switched && matchMedia('(hover: hover)').matches) field.focus({ preventScroll: true });
}

function openChat() {
  shown = store.chat;
  setContext(null);
  field.value = draft(shown);
  keysHidden = false;
}

function onInput() {
  setDraft(store.chat, field.value);
  resize();
  suggest();
}

function resize() {
  field.style.height = 'auto';
  field.style.height = `${Math.min(field.scrollHeight, 180)}px`;
}

// Text

async function submit(event) {
  event.preventDefault();
  const text = field.value.trim();
  if (!text) return;
  const present = context;
  write('');
  setContext(null);
  const done = present?.edit
    ? await act('/sandbox/edit', { message_id: present.edit.message_id, ...asSent(text) })
    : await send(text, present?.reply);
  if (done || field.value) return;
  write(text);
  setContext(present);
}

export function send(text, reply = null) {
  closeSuggestions();
  follow();
  return act('/sandbox/send', { ...asSent(text), ...where(), reply_to: reply?.message_id });
}

/** What was typed without marks, and the mentions they made; both ends count in UTF-16. */
function asSent(typed) {
  const { length } = store.bot.name;
  const entities = [];
  const [unmarked, ...marked] = typed.split(MARK);
  let text = unmarked;
  for (const part of marked) {
    const offset = text.length;
    const named = part.startsWith(store.bot.name);
    if (named) entities.push({ type: 'text_mention', offset, length, user: 'bot' });
    text += part;
  }
  return { text, entities };
}

/** The reverse: a message's text with its marks, to be changed. */
function asTyped({ text, caption, entities }) {
  const mark = (typed, { offset }) => typed.slice(0, offset) + MARK + typed.slice(offset);
  return entities.filter(({ type }) => type === 'text_mention').reduceRight(mark, text || caption);
}

function where() {
  if (!group()) return {};
  return {
    topic: Number($('topic')?.value) || undefined,
    anonymous: $('anonymous')?.checked || undefined,
  };
}

function write(text) {
  field.value = text;
  setDraft(store.chat, text);
  resize();
  field.focus({ preventScroll: true });
}

function reply(message) {
  setContext({ reply: message });
  field.focus();
}

function edit(message) {
  setContext({ edit: message });
  write(asTyped(message));
}

function setContext(next) {
  context = next;
  const message = next?.reply ?? next?.edit;
  $('context').hidden = !message;
  if (!message) return;
  const cancel = () => {
    if (next.edit) write('');
    setContext(null);
  };
  $('context').replaceChildren(
    icon(next.reply ? 'reply' : 'edit'),
    h('span', h('b', next.reply ? `Ответ: ${message.from_name}` : 'Изменение сообщения'),
      h('span', gist(message))),
    h('button.icon', { type: 'button', 'aria-label': 'Отменить', onclick: cancel }, icon('close')));
}

function onKey(event) {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $('composer').requestSubmit();
  } else if (event.key === 'ArrowUp' && $('suggestions')) {
    event.preventDefault();
    $('suggestions').lastElementChild.focus();
  } else if (event.key === 'Escape') {
    closeSuggestions();
    if (context) $('context').querySelector('button').click();
  }
}

/** What has to be done before this person can write here, or null. */
function closedGate() {
  const { blocked, started, key: person } = actor();
  const open = group();
  if (open) {
    const join = () => act(`/sandbox/groups/${open.key}`, { action: 'add_member', person });
    return membership(open) ? null : { title: 'Вступить в группу', pass: join };
  }
  const unblock = () => act('/sandbox/block', { blocked: false });
  if (blocked) return { title: 'Разблокировать', pass: unblock };
  return started ? null : { title: 'Запустить', pass: () => act('/sandbox/start') };
}

// Commands

const commands = () => (group() ? store.bot.group_commands : store.bot.commands) ?? [];

function suggest() {
  closeSuggestions();
  if (field.value.startsWith('/') && !/\s/.test(field.value)) listCommands(field.value.slice(1));
}

function listCommands(prefix = '') {
  const found = commands().filter(({ command }) => command.startsWith(prefix));
  if (!found.length) return;
  const suffix = group() ? `@${store.bot.username}` : '';
  const choose = (command) => { write(''); send(`/${command}${suffix}`); };
  const list = h('div.suggestions', { id: 'suggestions', role: 'menu' },
    found.map(({ command, description }) => h('button', {
      type: 'button', role: 'menuitem', onclick: () => choose(command),
    }, h('b', `/${command}`), h('span', description))));
  list.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') { closeSuggestions(); field.focus(); }
    moveFocus(event, list);
  });
  $('composer').prepend(list);
}

function closeSuggestions() {
  $('suggestions')?.remove();
}
document.addEventListener('click', (event) => {
  if (!event.target.closest('#composer')) closeSuggestions();
});

// Reply keyboard

function drawKeyboard(closed = false) {
  const keyboard = closed ? null : here().keyboard;
  field.placeholder = keyboard?.input_field_placeholder || 'Сообщение';
  $('keys').hidden = !keyboard?.keyboard;
  $('keys').setAttribute('aria-expanded', String(!keysHidden));
  $('keyboard').hidden = !keyboard?.keyboard || keysHidden;
  sync($('keyboard'), (keyboard?.keyboard ?? []).map((row, index) => ({
    key: index, sig: JSON.stringify([store.chat, row]),
    build: () => h('div.keys', row.map(replyButton)),
  })));
}

function replyButton(button) {
  const { text, request_contact: contact } = typeof button === 'string' ? { text: button } : button;
  const onclick = () => (contact ? shareContact() : send(text));
  return h('button', { type: 'button', class: button.style, onclick }, text);
}

async function shareContact() {
  const question = `Бот получит ваш номер ${phone(actor().phone)} и имя ${fullName(actor())}.`;
  if (!await ask('Отправить номер телефона?', question, { ok: 'Отправить' })) return;
  follow();
  await act('/sandbox/contact');
}

// Attachments

const PROBES = {
  voice: ['mic', 'Голосовое сообщение', 'voice.ogg', 'audio/ogg'],
  video_note: ['play', 'Видеосообщение («кружок»)', 'note.mp4', 'video/mp4'],
  sticker: ['smile', 'Стикер', 'sticker.webp', 'image/webp'],
};

function attachMenu() {
  const probes = Object.entries(PROBES).map(([kind, [symbol, title, name, type]]) => [symbol, title,
    () => upload([new File([new Uint8Array(2048)], name, { type })], { kind })]);
  menu($('attach'), [
    ['file', 'Файлы, фото или видео', () => $('picker').click()],
    ['user', 'Контакт другого человека', sendForeignContact],
    ...probes,
    ['weight', 'Файл на 48 МБ', () => upload([new File(['-'], 'дамп.zip')],
      { kind: 'document', fake_size: 48 * MEGABYTE })],
  ]);
}

async function sendForeignContact() {
  const others = store.people.filter(({ key }) => key !== store.person);
  const options = others.map((each) => h('option', { value: each.key }, fullName(each)));
  const whose = h('select', options);
  const bare = h('input', { type: 'checkbox' });
  const body = h('div.fields', h('label', 'Чей контакт', whose),
    h('label.check', bare, 'без Telegram (только номер)'));
  if (!await ask('Отправить чужой контакт', body, { ok: 'Отправить' })) return;
  const person = others.find(({ key }) => key === whose.value);
  follow();
  await act('/sandbox/contact', {
    phone: person.phone, first_name: person.first_name, user_id: bare.checked ? null : person.id,
  });
}

async function offer(list, event = null) {
  const files = [...list];
  if (!files.length) return;
  event?.preventDefault();
  if ($('composer').hidden) return toast('Сначала запустите бота', 'bad');
  if (files.length > 10) toast('В альбоме не больше 10 файлов, лишние не отправлены', 'bad');
  const chosen = files.slice(0, 10);
  const caption = h('input', { type: 'text', placeholder: 'Подпись', 'aria-label': 'Подпись' });
  const asFiles = h('input', { type: 'checkbox' });
  const kind = kindOf(chosen);
  caption.value = field.value;
  const body = h('div.fields',
    h('ul.chosen', chosen.map(preview)),
    caption,
    kind !== 'document' && h('label.check', asFiles, 'Отправить без сжатия, как файл'));
  const title = `Отправить ${count(chosen.length, 'файл', 'файла', 'файлов')}`;
  if (!await ask(title, body, { ok: 'Отправить' })) return undefined;
  write('');
  const sentAs = asFiles.checked ? 'document' : kind;
  const { text, entities } = asSent(caption.value.trim());
  return upload(chosen, { kind: sentAs, caption: text, entities: JSON.stringify(entities) });
}

function kindOf(files) {
  const every = (prefix) => files.every(({ type }) => type.startsWith(prefix));
  if (every('image/') && !files.some(({ type }) => type.includes('svg'))) return 'photo';
  return every('video/') ? 'video' : every('audio/') ? 'audio' : 'document';
}

function preview(file) {
  const url = file.type.startsWith('image/') && URL.createObjectURL(file);
  const onload = () => URL.revokeObjectURL(url);
  return h('li', url ? h('img', { src: url, alt: '', onload }) : icon('file'),
    h('span', file.name), h('small', size(file.size)));
}

async function upload(files, fields) {
  const { person, chat } = store;
  const form = new FormData();
  const all = { person, chat, ...where(), reply_to: context?.reply?.message_id, ...fields };
  for (const [name, value] of Object.entries(all)) if (value) form.append(name, value);
  files.forEach((file) => form.append('files', file, file.name));
  setContext(null);
  follow();
  await attempt(() => post('/sandbox/files', form));
}

// Group options: topic, anonymous administrator, mention of the bot

function drawOptions() {
  const open = group();
  $('options').hidden = !open;
  if (!open) return;
  const topics = open.topics ?? [];
  const admin = membership(open)?.admin;
  sync($('options'), [{
    key: 'options', sig: JSON.stringify([open.key, topics, admin]),
    build: () => h('div',
      mentionButton(`@${store.bot.username}`, `@${store.bot.username}`),
      mentionButton('Упомянуть бота по имени', MARK + store.bot.name),
      topics.length > 0 && h('label', 'Тема ', topicSelect(topics)),
      admin && h('label.check', h('input', { type: 'checkbox', id: 'anonymous' }), 'анонимно')),
  }]);
}

function topicSelect(topics) {
  return h('select', { id: 'topic' }, h('option', { value: '' }, 'Общая'),
    topics.map(({ id, title, closed }) => h('option', { value: id },
      closed ? `${title} (закрыта)` : title)));
}

function mentionButton(title, words) {
  const onclick = () => {
    const space = field.value && !field.value.endsWith(' ') ? ' ' : '';
    write(`${field.value}${space}${words} `);
  };
  return h('button', { type: 'button', onclick }, title);
}
