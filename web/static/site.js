// Every page: times in the reader's own zone, copy buttons, / to search, short addresses.
// All listeners sit on the document, so they also serve what htmx brings later.

function showLocalTime(event) {
  const time = event.target.closest?.("time[datetime]");
  if (!time || time.title) return;
  const moment = new Date(time.dateTime);
  if (Number.isNaN(moment.getTime())) return;
  time.title = moment.toLocaleString(undefined, { dateStyle: "full", timeStyle: "long" });
}

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

function focusSearch(event) {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, [contenteditable]")) return;
  const search = document.querySelector("main input[type=search]") ?? document.querySelector("input[type=search]");
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
}

// Addresses say only the filters that were filled in. htmx reads a form as the browser does, so this serves both.
function dropEmptyFilters(event) {
  if (!event.target.matches("form.filters")) return;
  for (const [name, text] of [...event.formData]) {
    if (text === "") event.formData.delete(name);
  }
}

document.addEventListener("mouseover", showLocalTime);
document.addEventListener("focusin", showLocalTime);
document.addEventListener("click", copy);
document.addEventListener("keydown", focusSearch);
document.addEventListener("formdata", dropEmptyFilters);
