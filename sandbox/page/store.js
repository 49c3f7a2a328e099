// What the page knows: the sandbox's state and messages, and who is looking at which chat.

import { toast } from './dom.js';

export const store = {
  bot: { username: '' }, people: [], groups: [],
  chats: {}, // chat key → what /sandbox/messages answered
  person: null, // who acts
  chat: null, // the same key for a private chat, else a group's key
};

export const find = (list, key) => list.find((item) => item.key === key);
export const actor = () => find(store.people, store.person);
export const group = () => find(store.groups, store.chat);
export const here = () => store.chats[store.chat] ?? { messages: [], keyboard: null };
/** {key, admin} of a person in a group, or undefined. */
export const membership = (open, person = store.person) => find(open.members, person);
export const fullName = (person) => [person.first_name, person.last_name].filter(Boolean).join(' ');
export const isOwn = (message) => !message.from_bot
  && (!group() || message.person === store.person);

async function request(path, options) {
  const response = await fetch(path, options).catch(() => null);
  if (!response) throw new Error('Песочница не отвечает');
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.error ?? `Ошибка ${response.status}`);
  return body;
}

const headers = { 'Content-Type': 'application/json' };
export const get = (path) => request(path);
export const remove = (path) => request(path, { method: 'DELETE' });
export const post = (path, body = {}) => request(path, body instanceof FormData
  ? { method: 'POST', body }
  : { method: 'POST', body: JSON.stringify(body), headers });

/** Does something in the open chat and shows the result; null (and a toast) when it failed. */
export function act(path, body = {}) {
  return attempt(() => post(path, { person: store.person, chat: store.chat, ...body }));
}

export async function attempt(call) {
  try {
    const result = await call();
    await refresh();
    return result;
  } catch (error) {
    toast(error.message, 'bad');
    return null;
  }
}

const listeners = [];
export const onChange = (listener) => listeners.push(listener);
const changed = () => listeners.forEach((listener) => listener());

/** Runs `load` one at a time, then `done`; calls made meanwhile share one more round. */
export function shared(load, done) {
  let running = null;
  let stale = false;
  const rounds = async () => {
    try {
      while (stale) {
        stale = false;
        await load();
      }
    } finally {
      running = null;
    }
    done();
  };
  return () => {
    stale = true;
    running ??= rounds();
    return running;
  };
}

export const refresh = shared(load, changed);

async function load() {
  Object.assign(store, await get('/sandbox/state'));
  store.person = actor()?.key ?? store.people[0].key;
  if (!group()) store.chat = store.person;
  const joined = store.groups.filter((each) => membership(each));
  const asked = [
    ...store.people.map(({ key }) => [key, key]),
    ...joined.map(({ key }) => [store.person, key]),
  ];
  const found = await Promise.all(asked.map(async ([person, chat]) => [
    chat, await get(`/sandbox/messages?person=${person}&chat=${chat}`)]));
  store.chats = Object.fromEntries(found);
}

// Read marks and drafts outlive a reload of the page, not the tab.
const kept = (name) => JSON.parse(sessionStorage.getItem(name) ?? '{}');
const seen = kept('seen');
const drafts = kept('drafts');
const keep = (name, value) => sessionStorage.setItem(name, JSON.stringify(value));

export const draft = (chat) => drafts[chat] ?? '';
export function setDraft(chat, text) {
  drafts[chat] = text;
  keep('drafts', drafts);
}

export function markSeen() {
  const last = here().messages.at(-1);
  if (last) seen[last.chat_id] = last.message_id;
  keep('seen', seen);
}

export function unread(chat) {
  const fresh = (message) => message.from_bot && message.message_id > (seen[message.chat_id] ?? 0);
  return store.chats[chat]?.messages.filter(fresh).length ?? 0;
}
