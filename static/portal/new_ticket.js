// A new ticket: the length of its title, and open tickets that it may repeat.

const ASK_AFTER = 600; // milliseconds without a key

watchTitle(document);
document.addEventListener("formrenewed", (event) => watchTitle(event.target));

function watchTitle(root) {
  const title = root.querySelector("input[name=title]");
  const counter = root.querySelector(".counter");
  const similar = root.querySelector("#similar");
  if (!title) return;
  let timer = 0;

  function count() {
    const limit = Number(counter.dataset.limit);
    const length = [...title.value.normalize("NFC").trim().replace(/\s+/g, " ")].length;
    counter.textContent = `${length} ${counter.dataset.of} ${limit}`;
    counter.classList.toggle("over", length > limit);
    counter.ariaLive = length > limit - 10 ? "polite" : "off"; // read aloud only near the end
    counter.hidden = false;
  }

  async function ask() {
    const asked = title.value;
    const response = await fetch(`${similar.dataset.url}?title=${encodeURIComponent(asked)}`, {
      redirect: "error",
    });
    if (!response.ok || asked !== title.value) return;
    similar.innerHTML = await response.text();
    noteHint();
  }

  function noteHint() {
    if (similar.childElementCount) title.form.elements.hinted.value = "1";
  }

  title.addEventListener("input", () => {
    count();
    clearTimeout(timer);
    timer = setTimeout(() => ask().catch(() => {}), ASK_AFTER);
  });
  for (const button of root.querySelectorAll("[data-take]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      title.value = document.getElementById(button.dataset.take).textContent;
      title.dispatchEvent(new Event("input", { bubbles: true }));
      title.focus();
    });
  }
  count();
  noteHint();
}
