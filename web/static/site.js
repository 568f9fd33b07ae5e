// Every page: copy buttons, short addresses.
// All listeners sit on the document, so they also serve what htmx brings later.

function textToCopy(button) {
  const scope = button.closest("[data-copy-scope], .copyable") ?? document;
  const source = scope.querySelector(button.dataset.copy);
  return source instanceof HTMLAnchorElement ? source.href : (source?.textContent ?? "");
}

// navigator.clipboard exists only over HTTPS and on localhost; the old way works in between.
async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (!copied) throw new Error("the browser refused to copy");
}

async function copy(event) {
  const button = event.target.closest?.("button.copy");
  if (!button || button.dataset.label) return;
  button.dataset.label = button.textContent;
  try {
    await copyText(textToCopy(button));
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not copied";
  }
  setTimeout(() => {
    button.textContent = button.dataset.label;
    delete button.dataset.label;
  }, 1500);
}

// Addresses say only the filters that were filled in. htmx reads a form as the browser does, so this serves both.
function dropEmptyFilters(event) {
  if (!event.target.matches("form.filters")) return;
  for (const name of new Set(event.formData.keys())) {
    const said = event.formData.getAll(name).filter((text) => text !== "");
    event.formData.delete(name);
    said.forEach((text) => event.formData.append(name, text));
  }
}

document.addEventListener("click", copy);
document.addEventListener("formdata", dropEmptyFilters);
