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
  const found = await (await ask(people.dataset.url, value)).text();
  return () => { people.innerHTML = found; };
});

if (organization) whileTyping(organization, async value => {
  const { names } = await (await ask(offered.dataset.url, value)).json();
  return () => offered.replaceChildren(...names.map(name => new Option("", name)));
});

// Not by a page made anew: the files chosen would be lost with it
term.form.elements.find.addEventListener("click", event => {
  event.preventDefault();
  term.dispatchEvent(new InputEvent("input"));
});

// Enter in this field looks for people; the form is sent by its own button
term.addEventListener("keydown", event => {
  if (event.key === "Enter") event.preventDefault();
});
