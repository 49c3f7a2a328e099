// Fields that search while one types: the name of the field goes to what stands in its place.

function nameFields() {
  for (const field of document.querySelectorAll("select.admin-autocomplete")) {
    const name = field.labels[0]?.textContent.trim().replace(/:$/, "");
    const place = field.parentElement.querySelector(".select2-selection");
    if (!name || !place) continue;
    place.removeAttribute("aria-labelledby");
    place.setAttribute("aria-label", name);
    place.querySelector("[role=textbox]")?.setAttribute("aria-label", name);
  }
}

// jQuery calls in order who waits for it: this comes after those fields are made
window.addEventListener("load", () => window.django.jQuery(nameFields));
