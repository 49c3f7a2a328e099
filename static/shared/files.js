// Files of a form: dropped anywhere on the page, pasted or chosen, each removable before sending.
// What the server would refuse by name or size is named at once and not sent.

const ROTATION = /(?:[._-](?:\d+|old|bak))+$/i; // as tickets/file_kinds.py has it
const PREVIEWED = 20 * 1024 * 1024; // bytes of a picture
const PREVIEW_SIDE = 160; // pixels

for (const field of document.querySelectorAll("[data-files]")) takeFiles(field);
document.addEventListener("formrenewed", (event) => {
  const field = event.target.querySelector("[data-files]");
  if (field) takeFiles(field, event.detail.files);
});

function takeFiles(field, kept = []) {
  const input = field.querySelector("input[type=file]");
  const list = field.querySelector("ul.files");
  const { limit, size, kinds } = input.dataset;
  const words = field.querySelector("template");
  let chosen = [...kept];

  function whyNot(file, place) {
    const end = file.name.replace(ROTATION, "").match(/.(\.[^.]*)$/);
    if (!end || !kinds.split(" ").includes(end[1].toLowerCase())) return words.dataset.whyKind;
    if (file.size > Number(size)) return words.dataset.whySize;
    if (!file.size) return words.dataset.whyEmpty; // a folder looks so, too
    return place >= Number(limit) ? words.dataset.whyMany : "";
  }

  function show() {
    const taken = new DataTransfer();
    list.replaceChildren();
    for (const file of chosen) {
      const why = whyNot(file, taken.files.length);
      if (!why) taken.items.add(file);
      list.append(rowOf(file, why));
    }
    input.files = taken.files;
    list.hidden = !chosen.length;
    tellSum(taken.files);
  }

  function rowOf(file, why) {
    const row = words.content.cloneNode(true).firstElementChild;
    for (const name of row.querySelectorAll("[data-name]")) name.textContent = file.name;
    row.querySelector("[data-size]").textContent = inUnits(file.size);
    preview(file, row.querySelector("[data-preview]"));
    row.querySelector(".refused").hidden = !why;
    row.querySelector("[data-why]").textContent = why;
    row.querySelector("button").addEventListener("click", () => {
      chosen = chosen.filter((other) => other !== file);
      show();
      (list.querySelector("button") ?? input).focus();
    });
    return row;
  }

  async function preview(file, canvas) {
    if (!canvas || !file.type.startsWith("image/") || file.size > PREVIEWED) return;
    try {
      const picture = await createImageBitmap(file);
      const scale = Math.min(1, PREVIEW_SIDE / Math.max(picture.width, picture.height));
      canvas.width = Math.max(1, Math.round(picture.width * scale));
      canvas.height = Math.max(1, Math.round(picture.height * scale));
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      canvas.hidden = false;
    } catch {
      // no picture after all: its name stands there
    }
  }

  function tellSum(files) {
    const sum = field.querySelector("[data-sum]");
    const total = inUnits([...files].reduce((all, file) => all + file.size, 0));
    const said = { number: files.length, limit, size: total };
    const text = sum.dataset.text.replace(/\{(\w+)\}/g, (_all, name) => said[name]);
    sum.textContent = chosen.length ? text : "";
  }

  function inUnits(bytes) {
    const units = field.querySelector("[data-sum]").dataset.units.split(" ");
    let value = bytes;
    while (value >= 1024 && units.length > 1) {
      value /= 1024;
      units.shift();
    }
    return `${String(Math.round(value * 10) / 10).replace(".", ",")} ${units[0]}`;
  }

  function add(files) {
    const isKnown = (file) =>
      chosen.some((one) => one.name === file.name && one.size === file.size
        && one.lastModified === file.lastModified);
    chosen.push(...[...files].filter((file) => !isKnown(file)));
    show();
  }

  // Another form may have taken its place, or be the one that is open
  const isHere = () => document.contains(field) && field.getClientRects().length > 0;
  input.addEventListener("change", () => add(input.files));
  document.addEventListener("dragover", (event) => {
    if (!isHere() || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault(); // else the browser leaves the page and opens the file
    field.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) field.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    if (!isHere() || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    field.classList.remove("over");
    add(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => {
    if (!isHere() || !event.clipboardData?.files.length) return;
    if (event.clipboardData.types.includes("text/plain")) return; // office programs add a picture
    event.preventDefault();
    add(event.clipboardData.files);
  });
  field.querySelector("[data-drop]").hidden = false;
  if (input.files.length) chosen.push(...input.files); // the browser came back to the page
  show();
}
