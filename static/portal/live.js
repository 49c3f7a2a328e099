// Asks every few seconds what is new: the badge, the title, and «Новый ответ — показать».

const EVERY = 8000; // milliseconds, while the page is looked at
const LONGEST = 300000; // while it is hidden, or the portal does not answer
let place = document.querySelector("[data-live]");
let title = document.title;
let wait = EVERY;
let timer = 0;
let isOver = false;
let isAsking = false;

async function ask() {
  if (isAsking || isOver) return;
  clearTimeout(timer);
  isAsking = true;
  wait = document.hidden ? Math.min(wait * 2, LONGEST) : EVERY;
  try {
    await look();
  } catch {
    wait = Math.min(wait * 2, LONGEST);
  }
  isAsking = false;
  if (!isOver) timer = setTimeout(ask, wait + Math.random() * 1000);
}

async function look() {
  const { live, after, since, list } = place.dataset;
  const address = new URL(live, location.href);
  for (const [name, value] of Object.entries({ after, since, list, awaiting: shownBadge() })) {
    if (value !== undefined) address.searchParams.set(name, value);
  }
  const response = await fetch(address, { cache: "no-store", redirect: "error" });
  if (response.status === 200) {
    const told = await response.json();
    if (after === place.dataset.after) show(told); // else it tells what is shown by now
  } else if (response.status === 401) end();
  else if (response.status === 404) isOver = true;
  else if (response.status !== 204) throw new Error(response.status);
}

function end() {
  isOver = true;
  document.title = title;
  place.replaceChildren(document.getElementById("live-ended").content.cloneNode(true));
}

function show({ awaiting, badge: fresh, number, words }) {
  if (awaiting !== shownBadge()) showBadge(awaiting && fresh);
  document.title = number ? `(${number}) ${title}` : title;
  if (!words || place.textContent === words) return;
  const button = document.createElement("button");
  button.className = "button";
  button.textContent = words;
  button.addEventListener("click", open);
  place.replaceChildren(button);
}

// The badge of the menu

const badge = () => document.querySelector(".menu .badge");
const shownBadge = () => badge()?.firstChild.textContent.trim() ?? "";

function showBadge(fresh) {
  badge()?.remove();
  document.querySelector(".menu a").insertAdjacentHTML("afterend", fresh);
}

// What came

function open() {
  if (place.dataset.news) insert().catch(() => location.assign(place.dataset.page));
  else if (place.dataset.page) location.assign(`${place.dataset.page}#latest`);
  else location.reload();
}

async function insert() {
  const address = new URL(place.dataset.news, location.href);
  address.searchParams.set("after", place.dataset.after);
  const response = await fetch(address, { cache: "no-store", redirect: "error" });
  if (response.status === 401) return end();
  if (!response.ok) throw new Error(response.status);
  const news = new DOMParser().parseFromString(await response.text(), "text/html").body
    .firstElementChild;
  put(news);
  document.title = title;
  place.dataset.after = news.dataset.shown;
  for (const seen of document.querySelectorAll("input[name=seen]")) seen.value = news.dataset.shown;
  return undefined;
}

function put(news) {
  const timeline = document.querySelector(".timeline");
  const items = [...news.querySelectorAll("li.event")];
  const fresh = items.filter((item) => !document.getElementById(item.id));
  timeline.append(...fresh);
  document.querySelector(".ticket-header .chip").replaceWith(news.querySelector(".chip"));
  const moved = news.querySelector(":scope > .message");
  if (moved) timeline.after(moved);
  place.replaceChildren();
  if (!fresh.length) return;
  fresh[0].tabIndex = -1;
  fresh[0].focus({ preventScroll: true });
  fresh[0].scrollIntoView({ block: "nearest" });
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) ask();
});
document.addEventListener("formrenewed", () => {
  place = document.querySelector("[data-live]");
  title = document.title;
});
timer = setTimeout(ask, EVERY);
