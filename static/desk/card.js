// The open card of a ticket: who else is there, what came meanwhile, and its small forms in place.
const EVERY = 2000; // milliseconds, while the page is looked at
const LONGEST = 60000; // while the desk does not answer
const WRITES_FOR = 3000; // since the last key
const place = document.querySelector("[data-presence]");
const others = document.querySelector("[data-others]");
const bar = document.querySelector("[data-news]");
const title = document.title;
const wordForms = [...document.querySelectorAll("form[data-words]")];
let wait = EVERY;
let timer = 0;
let typedAt = -Infinity;
let isOver = false;
let isAsking = false;
let pending = 0;

// Presence

function sign(values) {
  const body = new FormData();
  body.set("csrfmiddlewaretoken", place.querySelector("input").value);
  for (const [name, value] of Object.entries(values)) body.set(name, value);
  return body;
}

async function ask() {
  clearTimeout(timer);
  if (isAsking || isOver || document.hidden) return;
  isAsking = true;
  try {
    await look();
    wait = EVERY;
  } catch {
    wait = Math.min(wait * 2, LONGEST);
    others.textContent = "";
  }
  isAsking = false;
  if (!isOver && !document.hidden) timer = setTimeout(ask, wait);
}

async function look() {
  const writes = performance.now() - typedAt < WRITES_FOR ? "1" : "";
  const { seen } = place.dataset;
  const body = sign({ seen, writes });
  const how = { method: "POST", body, cache: "no-store", redirect: "manual" };
  const response = await fetch(place.dataset.presence, how);
  const isLost = response.type === "opaqueredirect" || [401, 403, 404].includes(response.status);
  if (isLost) return end();
  if (!response.ok) throw new Error(response.status);
  const told = await response.json();
  return seen === place.dataset.seen ? show(told) : undefined; // else it tells what is shown by now
}

function end() {
  isOver = true;
  document.title = title;
  others.textContent = place.dataset.ended;
}

function show(told) {
  if (others.textContent !== told.others) others.textContent = told.others;
  pending = told.number;
  document.title = pending ? `(${pending}) ${title}` : title;
  if (!told.news) return bar.querySelector("button")?.remove(); // a warning stays until it is heeded
  if (bar.textContent === told.news) return undefined;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = told.news;
  button.addEventListener("click", () => {
    refresh().then(showFirst, reload);
  });
  return bar.replaceChildren(button);
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) ask();
});
addEventListener("pagehide", () => {
  if (!isOver) navigator.sendBeacon(place.dataset.presence, sign({ leaves: "1" }));
});
addEventListener("pageshow", (event) => {
  if (event.persisted) ask();
});
ask();

// What came: the parts of the page that show the ticket are made anew, those with words stay

async function refresh() {
  const response = await fetch(place.dataset.card, { cache: "no-store", redirect: "error" });
  if (!response.ok) throw new Error(response.status);
  return put(await response.text());
}

function put(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const known = Number(place.dataset.seen);
  const timeline = document.querySelector(".timeline");
  const events = [...page.querySelectorAll(".timeline > [data-event]")];
  const isFresh = (event) => Number(event.dataset.event) > known && !document.getElementById(event.id);
  // More came than a page of it holds: put beside what is shown, some would be missing between
  if (page.querySelector("[data-older]") && events.every(isFresh)) return reload();
  for (const id of ["card-head", "card-side-facts"]) {
    document.getElementById(id).replaceWith(page.getElementById(id));
  }
  const fresh = events.filter(isFresh);
  renew(events);
  for (const event of fresh) event.classList.add("event-fresh");
  timeline.append(...fresh);
  seeAll(page.querySelector("[data-presence]").dataset.seen);
  watchPlaces();
  return fresh;
}

function reload() {
  location.assign(place.dataset.card); // drafts keep the words
  return [];
}

// What is shown may have changed: words that were corrected, notices that did not arrive
function renew(events) {
  for (const event of events) {
    const shown = document.getElementById(event.id);
    if (!shown || shown.textContent === event.textContent) continue;
    if (!shown.contains(document.activeElement)) shown.replaceChildren(...event.childNodes);
  }
}

function seeAll(seen) {
  place.dataset.seen = seen;
  for (const input of document.querySelectorAll("form[data-words] input[name=seen]")) {
    input.value = seen;
  }
  pending = 0;
  bar.replaceChildren();
  document.title = title;
}

function showFirst(fresh) {
  if (!fresh.length) return;
  fresh[0].tabIndex = -1;
  fresh[0].focus({ preventScroll: true });
  fresh[0].scrollIntoView({ block: "nearest" });
}

// Sending: what is known to have come is shown before

for (const form of wordForms) {
  form.addEventListener("input", () => {
    typedAt = performance.now();
    markTabs();
  });
  form.addEventListener("submit", (event) => {
    if (!pending) return;
    event.preventDefault();
    readFirst().catch(reload);
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit(form.querySelector("[data-main]"));
  });
}

async function readFirst() {
  const fresh = await refresh();
  const words = document.createElement("div");
  words.className = "desk-alert desk-warning";
  words.setAttribute("role", "alert");
  words.textContent = place.dataset.readFirst;
  bar.replaceChildren(words);
  showFirst(fresh);
}

// The small forms, without losing what is typed or chosen below

function watchPlaces() {
  for (const form of document.querySelectorAll("form[data-in-place]:not([data-watched])")) {
    form.dataset.watched = "";
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(form).catch(() => form.submit());
    });
  }
}

async function send(form) {
  const how = { method: "POST", body: new FormData(form), cache: "no-store" };
  const response = await fetch(form.action, how);
  const text = await response.text();
  if (!response.ok || !text.includes("card-head")) throw new Error(response.status);
  const told = new DOMParser().parseFromString(text, "text/html").querySelector(".messagelist");
  put(text);
  document.querySelector(".messagelist")?.remove();
  if (told) document.querySelector("#content").prepend(told);
  document.querySelector("#card-head a, #card-head button")?.focus({ preventScroll: true });
}

watchPlaces();

// Earlier events, put above those that are shown

document.addEventListener("click", async (event) => {
  const link = event.target.closest("[data-older]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  try {
    await showOlder(link);
  } catch {
    location.assign(link.href);
  }
});

async function showOlder(link) {
  const response = await fetch(link.href, { cache: "no-store", redirect: "error" });
  if (!response.ok) throw new Error(response.status);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const timeline = document.querySelector(".timeline");
  const older = [...page.querySelectorAll(".timeline > [data-event]")].filter(
    (event) => !document.getElementById(event.id),
  );
  timeline.prepend(...older);
  const next = page.querySelector("[data-older]");
  if (next) link.href = next.href;
  else link.closest("p").remove();
  if (!older.length) return;
  older.at(-1).tabIndex = -1;
  older.at(-1).focus({ preventScroll: true });
}

// The two kinds of words: a mark on the one that has some

function markTabs() {
  for (const form of wordForms) {
    const isNote = form.id === "note-form";
    const tab = document.querySelector(isNote ? ".visibility-internal" : ".visibility-public");
    tab?.classList.toggle("has-words", Boolean(form.querySelector("textarea").value.trim()));
  }
}

markTabs();
setTimeout(markTabs, 1500); // words of a lost form are put back by then

const alertShown = document.querySelector(".desk-alert[role=alert]");
if (alertShown) {
  alertShown.focus({ preventScroll: true });
  (document.querySelector(".event-fresh") ?? alertShown).scrollIntoView({ block: "center" });
} else if (document.querySelector(".messagelist .success") && !location.hash) {
  document.getElementById("latest")?.scrollIntoView({ block: "center" });
}
