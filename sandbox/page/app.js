// The sandbox's chat page: the list of chats, the header, the route and the live updates.

import { $, ask, avatar, clock, count, h, menu, phone, sync, toast } from './dom.js';
import { drawComposer, startComposer } from './composer.js';
import { drawLog, gist, openBot, startLog } from './messages.js';
import { drawPanel, forgetRequests, openTab, refreshPanel, startPanel } from './panel.js';
import {
  act, actor, attempt, find, fullName, group, here, onChange, post, refresh, store, unread,
} from './store.js';

const BOT_STATUS = {
  administrator: 'бот — администратор',
  member: 'бот — участник',
  left: 'бот не добавлен',
  kicked: 'бот удалён',
};

// The route: #anna is Anna's chat with the bot, #anna/alpha is the group as Anna sees it.

function readRoute() {
  const [person, chat] = decodeURIComponent(location.hash.slice(1)).split('/');
  store.person = find(store.people, person)?.key ?? store.person ?? store.people[0].key;
  store.chat = find(store.groups, chat)?.key ?? store.person;
}

function openChat(person, chat = person) {
  const route = chat === person ? person : `${person}/${chat}`;
  if (find(store.groups, chat)?.bot_status === 'left') openTab('group'); // the bot is added there
  if (location.hash === `#${route}`) show('chat');
  else location.hash = route;
}

async function onRoute() {
  readRoute();
  show('chat');
  draw(); // what is known at once, then the group as this person sees it
  await update();
}

const show = (view) => { document.body.dataset.view = view; };

// The list of chats

function chatRow(chat, { name, id, note, open, current, muted }) {
  const last = store.chats[chat]?.messages.filter((message) => !message.service).at(-1);
  const fresh = unread(chat);
  const about = last ? excerpt(last, chat) : muted;
  return {
    key: chat, sig: JSON.stringify([name, note, about, last?.date, fresh, current]),
    build: () => h('li', h('button.chat-row', { 'aria-current': current && 'true', onclick: open },
      avatar(name, id),
      h('span.about',
        h('span.line', h('b', name), last && h('time', clock(last.date))),
        h('span.line.note', note),
        h('span.line', h('span.preview', about),
          fresh > 0 && h('b.badge', { title: 'непрочитанные' }, fresh))))),
  };
}

function excerpt(message, chat) {
  const text = gist(message).slice(0, 90);
  if (message.from_bot) return text;
  return `${find(store.groups, chat) ? message.from_name : 'Вы'}: ${text}`;
}

function drawList() {
  sync($('people'), store.people.map((person) => chatRow(person.key, {
    name: fullName(person), id: person.id, note: `${person.role} · ${phone(person.phone)}`,
    open: () => openChat(person.key), current: store.chat === person.key,
    muted: person.blocked ? 'бот заблокирован' : person.started ? 'чат очищен' : 'бот не запущен',
  })));
  sync($('groups'), store.groups.map((each) => chatRow(each.key, {
    name: each.title, id: each.id, note: BOT_STATUS[each.bot_status],
    open: () => openChat(store.person, each.key), current: store.chat === each.key,
    muted: 'сообщений нет',
  })));
  const waiting = store.people.reduce((sum, { key }) => sum + unread(key), 0);
  document.title = waiting ? `(${waiting}) Песочница Telegram` : 'Песочница Telegram';
}

// The header of the chat

function drawHeader() {
  const open = group();
  const name = open ? open.title : store.bot.name ?? 'Бот';
  const about = open ? groupState(open) : `бот · вы — ${fullName(actor())}`;
  const state = here().typing ? 'печатает…' : about;
  sync($('title'), [{
    key: 'title', sig: JSON.stringify([name, state]),
    build: () => h('div.who', avatar(name, open ? open.id : store.bot.id ?? 0),
      h('span', h('b', name), h('small', { class: here().typing ? 'typing' : '' }, state))),
  }]);
  $('acting').hidden = !open;
  sync($('actor'), store.people.map((person) => ({
    key: person.key, sig: 1, build: () => h('option', { value: person.key }, person.first_name),
  })));
  $('actor').value = store.person;
}

function groupState({ members, bot_status: status }) {
  return `${count(members.length, 'участник', 'участника', 'участников')} · ${BOT_STATUS[status]}`;
}

function chatMenu() {
  const person = actor();
  menu($('chat-menu'), group() ? [
    ['tools', 'Управление группой', () => { openTab('group'); show('tools'); }],
    ['user', 'Личный чат с ботом', () => openChat(store.person)],
  ] : [
    ['play', 'Отправить /start', () => act('/sandbox/start')],
    ['link', 'Открыть по ссылке с параметром…', openByLink],
    person.blocked
      ? ['block', 'Разблокировать бота', () => act('/sandbox/block', { blocked: false })]
      : ['block', 'Заблокировать бота', () => act('/sandbox/block', { blocked: true }), 'danger'],
  ]);
}

async function openByLink() {
  const pattern = '[A-Za-z0-9_\\-]{1,64}';
  const input = h('input', { type: 'text', pattern, required: true, placeholder: 't_10428' });
  const body = h('div.fields', h('label', `t.me/${store.bot.username}?start=`, input));
  if (await ask('Открыть бота по ссылке', body, { ok: 'Открыть' })) await openBot(input.value);
}

/** The page was opened by a link with a parameter, say on the portal: whose Telegram is it? */
async function followLink() {
  const payload = new URLSearchParams(location.search).get('start');
  if (!payload) return;
  history.replaceState(null, '', location.pathname + location.hash); // a reload does not follow it
  const who = h('select', store.people.map((person) => h('option',
    { value: person.key, selected: person.key === store.person }, fullName(person))));
  const body = h('div.fields', h('label', `t.me/${store.bot.username}?start=${payload}`, who));
  if (!await ask('Кто открывает ссылку?', body, { ok: 'Открыть' })) return;
  store.person = who.value;
  await openBot(payload);
}

async function startAnew() {
  const question = 'Чаты, почта, журнал запросов и сбои будут очищены. Данные портала останутся.';
  if (!await ask('Начать заново?', question, { ok: 'Очистить', danger: true })) return;
  if (await attempt(() => post('/sandbox/reset'))) toast('Песочница очищена');
  forgetRequests();
  await refreshPanel();
}

// Live updates

function listen() {
  const events = new EventSource('/sandbox/events');
  events.addEventListener('open', () => { $('offline').hidden = true; forgetRequests(); });
  events.addEventListener('error', () => { $('offline').hidden = false; });
  events.addEventListener('message', ({ data }) => {
    if (JSON.parse(data).kind === 'reset') forgetRequests();
    update();
  });
}

async function update() {
  await Promise.all([refresh(), refreshPanel()]).catch((error) => toast(error.message, 'bad'));
}

function draw() {
  drawHeader();
  drawComposer();
  drawLog();
  drawList();
  drawPanel();
  clearTimeout(draw.again);
  if (here().typing) draw.again = setTimeout(update, 1500); // its end is not an event
}

async function start() {
  startLog(startComposer());
  startPanel();
  $('reset').addEventListener('click', startAnew);
  $('chat-menu').addEventListener('click', chatMenu);
  $('actor').addEventListener('change', () => openChat($('actor').value, store.chat));
  for (const view of ['list', 'chat', 'tools']) {
    document.querySelector(`.to-${view}`).addEventListener('click', () => show(view));
  }
  await refresh();
  readRoute();
  if (location.hash) show('chat');
  await refresh();
  onChange(draw);
  draw();
  addEventListener('hashchange', onRoute);
  document.addEventListener('visibilitychange', draw);
  listen();
  await followLink();
}

start();
