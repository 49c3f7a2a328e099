// The form of a ready answer: shows its words as a customer will see them.

const VARIABLE = /\{ *([А-Яа-яЁё]+(?:[ _-]+[А-Яа-яЁё]+)*) *\}/g; // as tickets/canned.py has it

document.addEventListener("DOMContentLoaded", () => {
  const preview = document.querySelector("[data-preview]");
  const body = document.getElementById("id_body");
  if (!preview || !body) return;
  const values = JSON.parse(preview.dataset.values);
  const show = () => {
    const fill = (whole, name) => values[name.toLowerCase()] ?? whole;
    preview.textContent = body.value.replace(VARIABLE, fill);
  };
  body.addEventListener("input", show);
  show();
});
