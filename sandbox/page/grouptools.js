// What the people of the open group can do with it and with the bot in it.

import { ask, avatar, h, sync } from './dom.js';
import { act, fullName, group, membership, store } from './store.js';

export const page = h('div.page.padded');
export const badge = () => 0;

export function draw() {
  const open = group();
  if (!open) return;
  sync(page, [
    part(open, 'Бот в группе', open.bot_status, bot),
    part(open, 'Участники', open.members, members),
    part(open, 'Темы', [open.topics, open.type], topics),
    part(open, 'Группа', [open.title, open.type], details),
  ]);
}

const part = (open, title, facts, build) => ({
  key: title,
  sig: JSON.stringify([open.id, facts]),
  build: () => h('section', h('h2', title), build(open)),
});

function change(action, fields = {}) {
  return act(`/sandbox/groups/${store.chat}`, { action, by: store.person, ...fields });
}

function button(title, action, kind = '') {
  return h('button', { class: `act ${kind}`, onclick: () => change(action) }, title);
}

function bot({ bot_status: status }) {
  if (status === 'member') {
    return [
      h('p', 'Участник: видит только команды, упоминания и ответы на свои сообщения.'),
      h('div.acts', button('Сделать админом', 'promote', 'primary'), removal()),
    ];
  }
  if (status === 'administrator') {
    return [
      h('p', 'Администратор: видит все сообщения.'),
      h('div.acts', button('Снять права', 'demote'), removal()),
    ];
  }
  return [h('p', 'Бота здесь нет.'), h('div.acts', button('Добавить бота', 'add_bot', 'primary'))];
}

const removal = () => button('Удалить', 'remove_bot', 'danger');

function members(open) {
  return h('ul.members', store.people.map((person) => {
    const { key, id } = person;
    const [about, title, action] = standing(membership(open, key));
    return h('li', avatar(fullName(person), id, 'small'),
      h('span.about', h('b', fullName(person)), h('small', about)),
      action && h('button.plain', { onclick: () => change(action, { person: key }) }, title));
  }));
}

function standing(member) {
  if (!member) return ['не в группе', 'Добавить', 'add_member'];
  return member.admin ? ['администратор'] : ['участник', 'Сделать админом', 'make_admin'];
}

function topics({ topics: list, type }) {
  return [
    type === 'group' && h('p', 'С первой темой группа станет супергруппой.'),
    h('ul.members', list.map(topicRow)),
    titleForm('Новая тема', 'Создать', 'create_topic'),
  ];
}

function topicRow({ id, title, closed }) {
  const [about, label, action] = closed
    ? ['закрыта', 'Открыть', 'open_topic'] : ['открыта', 'Закрыть', 'close_topic'];
  return h('li', h('span.about', h('b', title), h('small', about)),
    h('button.plain', { onclick: () => change(action, { topic: id }) }, label));
}

function details({ id, title, type }) {
  const basic = type === 'group';
  return [
    h('p', `${basic ? 'Обычная группа' : 'Супергруппа'} · id ${id}`),
    titleForm('Название', 'Переименовать', 'rename', title),
    basic && h('div.acts', h('button.act', { onclick: migrate }, 'Сделать супергруппой')),
  ];
}

function titleForm(label, submit, action, value = '') {
  const input = h('input', {
    type: 'text', 'aria-label': label, placeholder: label, required: true, maxlength: 128, value,
  });
  const onsubmit = async (event) => {
    event.preventDefault();
    if (await change(action, { title: input.value }) && !value) input.value = '';
  };
  return h('form.inline-form', { onsubmit }, input, h('button.act', submit));
}

async function migrate() {
  const question = 'У группы сменится id, старые сообщения останутся в прежнем чате.';
  if (await ask('Сделать супергруппой?', question, { ok: 'Сделать' })) change('migrate');
}
