// Every page: the keyboard. / searches, j and k walk the rows of a list, Enter opens, g and a letter changes the page.

const opensRow = "main tbody tr:not(.action-details) > :is(td, th) a[href]";
let afterG = false;

function rows() {
  const seen = new Set();
  return [...document.querySelectorAll(opensRow)].filter((link) => {
    const row = link.closest("tr");
    return !seen.has(row) && seen.add(row);
  });
}

function move(step) {
  const links = rows();
  const now = links.findIndex((link) => link.closest("tr").contains(document.activeElement));
  links[Math.min(Math.max(now + step, 0), links.length - 1)]?.focus();
}

function focusSearch() {
  const search = document.querySelector("main input[type=search]") ?? document.querySelector("input[type=search]");
  search?.focus();
  search?.select();
}

const help = () => document.querySelector("dialog.keys").showModal();

const actions = { "/": focusSearch, "?": help, j: () => move(1), k: () => move(-1) };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, dialog, [contenteditable]")) return;
  const page = afterG && document.querySelector(`.site-header nav a[data-key="${CSS.escape(event.key)}"]`);
  afterG = event.key === "g";
  if (page) return page.click();
  if (!actions[event.key]) return;
  event.preventDefault();
  actions[event.key]();
});

document.addEventListener("click", (event) => {
  if (event.target.closest(".keys-opener")) help();
});
