// Sends a form in the background: its files stay chosen when it comes back with errors, and when
// no answer comes nothing is lost. What else may happen is left to the browser's own sending.

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!("send" in form.dataset) || event.defaultPrevented) return;
  event.preventDefault();
  sendForm(form);
});

function sendForm(form) {
  const request = new XMLHttpRequest();
  const button = form.querySelector("[data-busy]");
  form.querySelector(".send-failed").hidden = true;
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    const isLong = total > 1024 ** 2;
    if (isLong) button.textContent = `${button.dataset.busy} ${Math.floor((loaded / total) * 100)} %`;
  });
  request.addEventListener("load", () => takeAnswer(form, request));
  request.addEventListener("error", () => tellFailure(form));
  request.send(new FormData(form));
}

function takeAnswer(form, request) {
  const type = request.getResponseHeader("Content-Type") ?? "";
  if (type.startsWith("application/json")) {
    form.dispatchEvent(new Event("formsent"));
    goTo(new URL(JSON.parse(request.responseText).url, location.href));
    return;
  }
  if (request.status >= 500) {
    tellFailure(form);
    return;
  }
  const page = new DOMParser().parseFromString(request.responseText, "text/html");
  if (page.querySelector("form[data-send]")) renew(form, page);
  else form.submit(); // the session ended, or the form is refused as a whole
}

// To a place in the page that is open, which is made anew: the browser would only scroll.
function goTo(address) {
  const isHere = address.pathname + address.search === location.pathname + location.search;
  location.assign(address);
  if (isHere) location.reload();
}

async function tellFailure(form) {
  const name = await unreadable(form);
  wakeUp();
  const words = form.querySelector(".send-failed");
  const { failed, changed } = words.dataset;
  words.textContent = name ? changed.replace("{name}", name) : failed;
  words.hidden = false;
  words.scrollIntoView({ block: "nearest" });
}

// The browser sends nothing when a chosen file was changed or deleted meanwhile.
async function unreadable(form) {
  for (const file of form.querySelector("input[type=file]").files) {
    try {
      await file.slice(0, 1).arrayBuffer();
    } catch {
      return file.name;
    }
  }
  return "";
}

function renew(form, page) {
  const files = [...form.querySelector("input[type=file]").files];
  const main = document.getElementById("main");
  document.title = page.title;
  main.replaceChildren(...document.adoptNode(page.getElementById("main")).childNodes);
  main.dispatchEvent(new CustomEvent("formrenewed", { bubbles: true, detail: { files } }));
  const first = main.querySelector(".error-summary, .saved");
  if (first) first.focus();
  else scrollTo(0, 0);
}
