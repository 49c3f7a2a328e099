// Words that are not sent yet: kept on the server some seconds after typing stops, and in this
// tab when a form is sent, until the server says that it arrived. Pages work without it, too.

const SAVE_AFTER = 3000; // milliseconds
const LONGEST = 20000; // characters of a draft
const PREFIX = "sent-form:";

watchAll(document);
// a form that came back with errors in place of the one that was sent
document.addEventListener("formrenewed", (event) => watchAll(event.target));

function watchAll(root) {
  for (const mark of root.querySelectorAll("input[data-form]")) watch(mark);
}

function watch(mark) {
  const form = mark.form;
  const names = mark.dataset.names.split(" ");
  const place = `${PREFIX}${mark.dataset.whose}:${mark.dataset.form}`;
  let timer = 0;
  let saving = null;

  function save() {
    clearTimeout(timer);
    timer = 0;
    sessionStorage.removeItem(place);
    const words = new FormData();
    const said = new FormData(form);
    for (const name of ["csrfmiddlewaretoken", "author", "key", ...names]) {
      words.append(name, said.get(name) ?? "");
    }
    const hasFiles = [...said.values()].some((value) => value.size);
    if (hasFiles || said.has("canned_files")) words.append("had_files", "1");
    if ((words.get(names[0]) ?? "").length > LONGEST) return;
    const own = (saving = new AbortController());
    // What outlives the page may hold 64 KB, fewer than the longest draft
    const how = { method: "POST", body: words, signal: own.signal, keepalive: document.hidden };
    const ended = () => {
      if (saving === own) saving = null;
    };
    fetch(mark.dataset.url, how).then(ended, ended);
  }

  function stop() {
    clearTimeout(timer);
    timer = 0;
    saving?.abort();
  }

  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(save, SAVE_AFTER);
  });
  form.addEventListener("formsent", () => {
    sessionStorage.removeItem(place);
    leaveNothing(form);
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden || !(timer || saving)) return; // what is on its way may end with the page
    save();
    keepInTab(place, form, names); // the next page may be made before the draft arrives
  });
  document.addEventListener("submit", (event) => {
    const isSent = event.target === form && !event.defaultPrevented;
    const isCleared = event.target.dataset.clears === mark.dataset.form;
    if (isSent || isCleared) stop();
    if (isSent) {
      keepInTab(place, form, names);
      leaveNothing(form);
    }
    if (isCleared) sessionStorage.removeItem(place);
  });
  putBack(place, mark, names, save);
}

function keepInTab(place, form, names) {
  const sent = { key: new FormData(form).get("key"), words: wordsOf(form, names) };
  try {
    sessionStorage.setItem(place, JSON.stringify(sent));
  } catch {
    // too much for this browser: the words are on their way all the same
  }
}

// The way back leads to a new form: words put into it by the browser would be sent a second time
function leaveNothing(form) {
  form.autocomplete = "off";
}

function wordsOf(form, names) {
  const said = new FormData(form);
  return Object.fromEntries(names.map((name) => [name, said.get(name) ?? ""]));
}

function sizeOf(words) {
  return Object.values(words).join("").length;
}

async function putBack(place, mark, names, save) {
  const held = sessionStorage.getItem(place);
  if (!held) return;
  const kept = JSON.parse(held);
  const shown = wordsOf(mark.form, names);
  const response = await fetch(`${mark.dataset.url}?key=${encodeURIComponent(kept.key)}`);
  if (!response.ok) return;
  const { sent } = await response.json();
  if (sessionStorage.getItem(place) !== held) return; // the form was sent or saved meanwhile
  const isOlder = sizeOf(kept.words) <= sizeOf(shown);
  const isChanged = names.some((name) => wordsOf(mark.form, names)[name] !== shown[name]);
  const isForAnother = names.some((name) => isChosenElse(mark.form, name, kept.words[name]));
  if (isForAnother && !sent) return; // kept until the form is for that person again
  sessionStorage.removeItem(place);
  if (sent || isChanged) return;
  if (!isOlder) put(mark.form, kept.words);
  mark.form.elements.key.value = kept.key; // still on its way, perhaps: sent again it is the same
  if (sizeOf(wordsOf(mark.form, names))) save(); // what came back is nowhere else
}

function put(form, words) {
  for (const [name, text] of Object.entries(words)) {
    const field = form.elements[name]; // people are offered anew
    if (field?.type === "checkbox") field.checked = Boolean(text);
    else if (field?.type === "radio") field.checked = field.value === text; // the only one
    else if (field) field.value = text;
  }
  for (const details of ancestors(form, "details")) details.open = true;
}

function isChosenElse(form, name, value) {
  const chosen = form.querySelector(`[type=radio][name="${name}"]:checked`);
  return Boolean(chosen) && chosen.value !== value;
}

function* ancestors(element, name) {
  for (let at = element.closest(name); at; at = at.parentElement?.closest(name)) yield at;
}

const lost = document.querySelector("[data-lost-form]");
if (lost) lost.hidden = !Object.keys(sessionStorage).some((name) => name.startsWith(PREFIX));
