// Comfort on top of pages that work without any script.

const summary = document.querySelector(".error-summary, .saved");
if (summary) summary.focus();
// Later than the browser goes to the entry that the address names, which takes the focus away
window.addEventListener("load", () => document.querySelector(".beside")?.focus());

function keepBusy(event) {
  const button = event.target.querySelector("[data-busy]");
  if (!button) return;
  if (button.getAttribute("aria-disabled") === "true") {
    event.preventDefault();
    return;
  }
  button.dataset.words = button.textContent;
  button.textContent = button.dataset.busy;
  button.setAttribute("aria-disabled", "true");
}

function wakeUp() {
  for (const button of document.querySelectorAll("[data-words]")) {
    button.textContent = button.dataset.words;
    button.removeAttribute("aria-disabled");
    delete button.dataset.words;
  }
}

document.addEventListener("submit", keepBusy);
window.addEventListener("pageshow", (event) => event.persisted && wakeUp());
