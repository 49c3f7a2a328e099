// The box in the head of the list ticks all rows of the page.
"use strict";

const all = document.getElementById("tick-all");
const boxes = [...document.querySelectorAll("#result_list input[name=_selected_action]")];

function show() {
  const ticked = boxes.filter(box => box.checked).length;
  all.checked = ticked > 0 && ticked === boxes.length;
  all.indeterminate = ticked > 0 && ticked < boxes.length;
}

if (all) {
  all.closest("label").hidden = false;
  all.addEventListener("change", () => boxes.forEach(box => { box.checked = all.checked; }));
  boxes.forEach(box => box.addEventListener("change", show));
  show(); // a browser that goes back keeps what was ticked
}

// Asks what is new or changed in this list, and says so; nothing moves by itself.

const EVERY = 10000; // milliseconds, while the page is looked at
const LONGEST = 300000; // while it is hidden, or the desk does not answer
const news = document.getElementById("queue-news");
const title = document.title;
let wait = EVERY;
let timer = 0;
let isOver = false;

async function ask() {
  if (isOver) return;
  clearTimeout(timer);
  const longer = Math.min(wait * 2, LONGEST);
  try {
    await look();
    wait = document.hidden ? longer : EVERY;
  } catch {
    wait = longer;
  }
  clearTimeout(timer); // another may have asked meanwhile
  if (!isOver) timer = setTimeout(ask, wait + Math.random() * 1000);
}

async function look() {
  const response = await fetch(news.dataset.url, { cache: "no-store", redirect: "manual" });
  if (response.status === 200) tell(await response.json());
  else if (response.type === "opaqueredirect" || response.status === 403) isOver = true; // signed out
  else if (response.status !== 204) throw new Error(response.status);
}

function tell({ number, words }) {
  document.title = `(${number}) ${title}`;
  if (news.textContent === words) return;
  const link = document.createElement("a");
  link.href = news.dataset.page;
  link.textContent = words;
  news.replaceChildren(link);
}

if (news) {
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
  timer = setTimeout(ask, EVERY);
}
