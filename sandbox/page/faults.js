// Switches that make the Bot API, the network or the mail fail.

import { count, h, sync } from './dom.js';
import { attempt, fullName, get, post, remove, store } from './store.js';

const KINDS = {
  'Ответы Bot API': {
    429: ['429 · слишком часто', 'Telegram просит подождать 3 секунды', { retry_after: 3 }],
    403: ['403 · бот заблокирован', 'отправка запрещена навсегда'],
    400: ['400 · чат не найден', 'постоянная ошибка запроса'],
    500: ['500 · сбой Telegram', 'внутренняя ошибка сервера'],
    bad_json: ['Испорченный ответ', 'вместо JSON приходит мусор'],
    strings: ['Числа строками', 'действие выполнено, ответ записан не по правилам'],
  },
  Сеть: {
    slow: ['Медленно', 'ответ через 2 секунды'],
    timeout: ['Нет ответа', 'запрос висит до тайм-аута'],
    reset: ['Обрыв', 'соединение рвётся до выполнения'],
    trickle: ['Файл по капле', 'файл идёт к боту минуту', { method: 'file', chat: null }],
    lost_answer: ['Ответ потерян', 'действие выполнено, но бот этого не узнал'],
  },
  Почта: {
    smtp_down: ['Почта не принимает', 'временный отказ 451'],
    smtp_slow: ['Почта медленная', 'письмо принимается 2 секунды'],
    smtp_lost_answer: ['Ответ почты потерян', 'письмо принято, но отправитель узнаёт о сбое'],
    smtp_too_large: ['Письмо велико', 'отказ 552 после письма'],
  },
};
const METHODS = [
  'sendMessage', 'editMessageText', 'answerCallbackQuery', 'sendDocument', 'getFile', 'getUpdates',
];

const select = (options) => h('select',
  options.map(([value, title]) => h('option', { value }, title)));
const method = select([['*', 'все, кроме getUpdates'], ...METHODS.map((name) => [name, name])]);
const chat = select([]);
const times = select([['', 'пока не выключу'], [1, '1 раз'], [3, '3 раза'], [10, '10 раз']]);
const switches = Object.values(KINDS).flatMap((kinds) => Object.entries(kinds)).map(faultSwitch);
let faults = [];

export const page = h('div.page.padded',
  h('section', h('h2', 'Где и сколько раз'), h('div.scope', h('label', 'Метод Bot API', method),
    h('label', 'Чат', chat), h('label', 'Сколько раз', times))),
  Object.entries(KINDS).map(([title, kinds]) => h('section', h('h2', title),
    switches.filter(({ kind }) => kind in kinds).map(({ row }) => row))));

export async function load() {
  faults = await get('/sandbox/faults');
}

export const badge = () => faults.length;

export function draw() {
  const chats = [...store.people.map((each) => [each.key, fullName(each)]),
    ...store.groups.map((each) => [each.key, each.title])];
  sync(chat, [['', 'все'], ...chats].map(([value, title]) => ({
    key: `chat ${value}`, sig: title, build: () => h('option', { value }, title),
  })));
  switches.forEach(({ show }) => show());
}

function faultSwitch([kind, [title, about, extra]]) {
  const note = h('small', about);
  const onchange = () => toggle(kind, input.checked, extra);
  const input = h('input.switch', { type: 'checkbox', role: 'switch', 'data-kind': kind, onchange });
  const show = () => {
    const fault = faults.find((each) => each.kind === kind);
    input.checked = Boolean(fault);
    note.textContent = fault ? describe(fault) : about;
  };
  return { kind, show, row: h('label.fault', h('span.about', h('b', title), note), input) };
}

function describe(fault) {
  const everywhere = fault.method === '*' ? 'все методы' : fault.method;
  const left = `осталось ${count(fault.times ?? 0, 'раз', 'раза', 'раз')}`;
  return ['включено', fault.kind.startsWith('smtp') ? null : everywhere, fault.chat,
    fault.times && left].filter(Boolean).join(' · ');
}

async function toggle(kind, on, extra = {}) {
  const fault = {
    kind,
    method: method.value,
    chat: chat.value || null,
    times: Number(times.value) || null,
    ...extra,
  };
  await attempt(() => (on ? post('/sandbox/faults', fault) : drop(kind)));
}

/** The sandbox clears faults all at once, so the others are set again. */
async function drop(kind) {
  await remove('/sandbox/faults');
  for (const fault of faults) if (fault.kind !== kind) await post('/sandbox/faults', fault);
}
