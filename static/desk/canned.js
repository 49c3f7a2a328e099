// Ready answers: found by the button or by «/слово» at the beginning of a line, put where the
// caret stands. What is put there is text for the agent to read before it is sent.

const WAIT = 200; // milliseconds after typing
const COMMAND = /(?:^|\n)\/([^\s/][^\n/]{0,39})?$/; // what stands before the caret
const SHOWN = 140; // characters of an answer in the list

for (const place of document.querySelectorAll("[data-ready]")) offerAnswers(place);

function offerAnswers(place) {
  const text = document.getElementById(place.dataset.ready);
  if (!text) return;
  const [opener, box] = [place.querySelector("button"), place.querySelector(".ready-box")];
  const [search, list] = [box.querySelector("input"), box.querySelector("ul")];
  const [status, files] = [place.querySelector("[role=status]"), place.querySelector("ul.files")];
  let answers = [];
  let active = -1;
  let timer = 0;
  let asked = null;
  let isClosed = false; // by Escape, until the line is another one

  const isInline = () => !box.hidden && search.parentElement.hidden;
  const owner = () => (isInline() ? text : search);

  function ask(words) {
    clearTimeout(timer);
    timer = setTimeout(() => fetchAnswers(words), WAIT);
  }

  async function fetchAnswers(words) {
    asked?.abort();
    asked = new AbortController();
    const product = text.form.elements.product?.value; // of a ticket that is not there yet
    const url = `${place.dataset.url}&q=${encodeURIComponent(words)}${product ? `&product=${product}` : ""}`;
    try {
      const response = await fetch(url, { signal: asked.signal });
      if (!response.ok) throw new Error(response.status);
      show((await response.json()).answers);
    } catch (error) {
      if (error.name !== "AbortError") tell(place.dataset.failed);
    }
  }

  function show(found) {
    if (box.hidden) return;
    answers = found;
    list.replaceChildren(...answers.map(rowOf));
    list.hidden = !answers.length;
    search.setAttribute("aria-expanded", String(!list.hidden));
    tell(answers.length ? `${place.dataset.found}: ${answers.length}` : place.dataset.none);
    mark(answers.length ? 0 : -1);
  }

  function rowOf(answer, number) {
    const row = document.createElement("li");
    row.id = `ready-${number}`;
    row.setAttribute("role", "option");
    const about = [answer.product];
    if (answer.files.length) about.push(`📎 ${place.dataset.withfiles}: ${answer.files.length}`);
    row.append(
      element("strong", answer.title),
      element("small", about.filter(Boolean).join(" · ")),
      element("span", answer.body.slice(0, SHOWN)),
    );
    row.addEventListener("mousedown", (event) => event.preventDefault()); // the caret stays
    row.addEventListener("click", () => insert(answer));
    return row;
  }

  function element(name, words) {
    const made = document.createElement(name);
    made.textContent = words;
    return made;
  }

  function mark(number) {
    active = number;
    for (const [at, row] of [...list.children].entries()) {
      row.setAttribute("aria-selected", String(at === active));
      if (at === active) row.scrollIntoView({ block: "nearest" });
    }
    for (const input of [text, search]) input.removeAttribute("aria-activedescendant");
    if (active >= 0) owner().setAttribute("aria-activedescendant", `ready-${active}`);
  }

  function open(isSearch) {
    box.hidden = false;
    search.parentElement.hidden = !isSearch;
    opener.setAttribute("aria-expanded", String(isSearch));
    if (isSearch) search.focus();
  }

  function close() {
    clearTimeout(timer);
    asked?.abort();
    box.hidden = list.hidden = true;
    list.replaceChildren();
    answers = [];
    opener.setAttribute("aria-expanded", "false");
    search.setAttribute("aria-expanded", "false");
    mark(-1);
    tell("");
  }

  function tell(words) {
    status.textContent = words;
  }

  function insert(answer) {
    const command = isInline() ? text.value.slice(0, text.selectionStart).match(COMMAND) : null;
    const typed = command ? command[0].replace("\n", "").length : 0;
    close();
    search.value = "";
    text.focus();
    text.setSelectionRange(text.selectionStart - typed, text.selectionEnd);
    // Unlike setRangeText it can be undone
    if (!document.execCommand("insertText", false, answer.body)) {
      text.setRangeText(answer.body, text.selectionStart, text.selectionEnd, "end");
      text.dispatchEvent(new InputEvent("input", { bubbles: true }));
    }
    for (const file of answer.files) attach(file);
    const { fills } = text.form.elements;
    if (fills && answer.body.includes("{")) fills.checked = true;
    tell(`${place.dataset.inserted}: ${answer.title}`);
  }

  function attach(file) {
    if (files.querySelector(`input[value="${file.id}"]`)) return;
    const row = element("li", `📎 ${file.name} `);
    const input = document.createElement("input");
    Object.assign(input, { type: "hidden", name: "canned_files", value: file.id });
    row.append(element("span", file.size), " ", input);
    row.querySelector("span").className = "quiet";
    files.append(row);
    addRemover(row);
  }

  function addRemover(row) {
    const button = element("button", place.dataset.remove);
    button.type = "button";
    button.className = "again";
    button.setAttribute("aria-label", `${place.dataset.remove}: ${row.firstChild.data.trim()}`);
    button.addEventListener("click", () => {
      row.remove();
      (files.querySelector("button") ?? text).focus();
    });
    row.append(button);
  }

  function onKey(event) {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (box.hidden) return;
    if (event.key === "Escape") {
      isClosed = true;
      close();
      text.focus();
    } else if (event.key === "ArrowDown" && answers.length) {
      mark((active + 1) % answers.length);
    } else if (event.key === "ArrowUp" && answers.length) {
      mark((active + answers.length - 1) % answers.length);
    } else if (event.key === "Enter" && (active >= 0 || event.target === search)) {
      if (active >= 0) insert(answers[active]);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  function onTyped() {
    const command = text.value.slice(0, text.selectionStart).match(COMMAND);
    if (!command) {
      isClosed = false;
      if (isInline()) close();
    } else if (!isClosed) {
      open(false);
      ask(command[1] ?? "");
    }
  }

  opener.addEventListener("click", () => {
    if (!box.hidden) return close();
    open(true);
    ask(search.value);
  });
  search.addEventListener("input", () => ask(search.value));
  search.addEventListener("keydown", onKey);
  text.addEventListener("keydown", onKey);
  text.addEventListener("input", onTyped);
  text.addEventListener("blur", () => isInline() && close());
  text.setAttribute("aria-autocomplete", "list");
  text.setAttribute("aria-controls", "ready-list");
  for (const row of files.children) addRemover(row);
  opener.hidden = false;
  place.querySelector(".ready-open .hint").hidden = false;
  place.querySelector(".ready-open a").remove();
}
