// «Новая заявка»: who may be meant, while a name is typed. Without this script a button finds them.
const WAIT = 250; // milliseconds after the last key

const term = document.getElementById("id_term");
const people = document.getElementById("people");
const organization = document.getElementById("id_organization");
const offered = document.getElementById("organizations");

function whileTyping(field, show) {
  let timer = 0;
  let asked = 0;
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const mine = ++asked;
      const answer = await show(field.value).catch(() => null);
      if (answer && mine === asked) answer(); // one that came late would undo a newer one
    }, WAIT);
  });
}

async function ask(url, value) {
  const response = await fetch(`${url}?term=${encodeURIComponent(value)}`);
  if (!response.ok || response.redirected) throw new Error(response.status);
  return response;
}

whileTyping(term, async value => {
  try {
    const found = await (await ask(people.dataset.url, value)).text();
    return () => { people.innerHTML = found; };
  } catch {
    return () => { people.textContent = people.dataset.failed; };
  }
});

if (organization) whileTyping(organization, async value => {
  const { names } = await (await ask(offered.dataset.url, value)).json();
  return () => offered.replaceChildren(...names.map(name => new Option("", name)));
});

// Not by a page made anew: the files chosen would be lost with it. Enter in any other field presses
// this button, too, and would take the chosen person away; the form is sent by its own button.
term.form.elements.find.addEventListener("click", event => {
  event.preventDefault();
  const isPressed = event.detail || document.activeElement === event.currentTarget;
  if (isPressed || document.activeElement === term) term.dispatchEvent(new InputEvent("input"));
});
