// «@» in a note: agents are offered by login or name while it is typed. Without this script a login
// typed by hand does the same.
"use strict";

const LOGIN = /(?:^|[^\p{L}\p{N}_.@+/:-])@([\p{L}\p{N}_.+-]{1,50})$/u; // what stands before the caret
const PAUSE = 200; // milliseconds after the last key

const place = document.querySelector("[data-logins]");
const text = document.querySelector("#note-form textarea");
if (place && text) offerAgents(text, place);

function offerAgents(field, around) {
  const list = document.createElement("ul");
  list.id = "agents-offered";
  list.className = "agents-offered";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", around.dataset.label);
  list.hidden = true;
  field.after(list);
  field.setAttribute("aria-controls", list.id);
  field.setAttribute("aria-autocomplete", "list");
  let timer = 0;
  let asked = 0;
  let active = 0;

  const typed = () => field.value.slice(0, field.selectionStart).match(LOGIN)?.[1] || "";

  function hide() {
    asked += 1;
    list.hidden = true;
    field.removeAttribute("aria-activedescendant");
  }

  function mark(number) {
    active = (number + list.children.length) % list.children.length;
    [...list.children].forEach((row, at) => row.setAttribute("aria-selected", String(at === active)));
    field.setAttribute("aria-activedescendant", list.children[active].id);
  }

  function show(agents) {
    if (!agents.length) return hide();
    list.replaceChildren(...agents.map((agent, at) => {
      const row = document.createElement("li");
      row.id = `agent-offered-${at}`;
      row.setAttribute("role", "option");
      row.dataset.login = agent.login;
      row.textContent = `@${agent.login} ${agent.name}`;
      row.addEventListener("mousedown", event => { event.preventDefault(); take(row); });
      return row;
    }));
    list.hidden = false;
    return mark(0);
  }

  function take(row) {
    const end = field.selectionStart;
    const begin = end - typed().length;
    field.setRangeText(`${row.dataset.login} `, begin, end, "end");
    hide();
    field.dispatchEvent(new Event("input", { bubbles: true })); // for the draft
  }

  async function ask() {
    const mine = ++asked;
    const term = typed();
    if (!term) return hide();
    const response = await fetch(`${around.dataset.logins}?term=${encodeURIComponent(term)}`);
    if (!response.ok || response.redirected) return hide();
    const { agents } = await response.json();
    if (mine === asked && typed()) show(agents);
    return undefined;
  }

  field.addEventListener("input", () => {
    clearTimeout(timer);
    if (!typed()) return hide();
    timer = setTimeout(() => ask().catch(hide), PAUSE);
    return undefined;
  });
  field.addEventListener("blur", hide);
  field.addEventListener("keydown", event => {
    if (event.key === "Escape") {
      clearTimeout(timer); // of a search that has not begun
      asked += 1; // and of one that is not answered
    }
    if (list.hidden || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowDown") mark(active + 1);
    else if (event.key === "ArrowUp") mark(active - 1);
    else if (event.key === "Enter" || event.key === "Tab") take(list.children[active]);
    else if (event.key === "Escape") hide();
    else return;
    event.preventDefault();
  });
}
