// One run: actions open and close inside the table, j and k go down and up the rows.

function isOpen(opener) {
  return opener.getAttribute("aria-expanded") === "true";
}

function close(opener) {
  opener.closest("tr").nextElementSibling.remove();
  opener.setAttribute("aria-expanded", "false");
}

// A second click closes; htmx must not fetch the details again.
document.addEventListener("htmx:beforeRequest", (event) => {
  const opener = event.target;
  if (!opener.matches(".opener") || !isOpen(opener)) return;
  event.preventDefault();
  close(opener);
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.target.matches(".opener") && event.detail.successful) event.target.setAttribute("aria-expanded", "true");
});

// The whole row opens an action; text can still be selected, links and buttons in it still work.
document.addEventListener("click", (event) => {
  const row = event.target.closest("tr.action");
  if (!row || event.target.closest("a, button") || String(getSelection())) return;
  row.querySelector(".opener").click();
});

function move(step) {
  const openers = [...document.querySelectorAll(".opener")];
  const now = openers.indexOf(document.activeElement);
  openers[Math.min(Math.max(now + step, 0), openers.length - 1)]?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  if (event.key === "j") move(1);
  if (event.key === "k") move(-1);
  const opener = event.target.closest("tr")?.querySelector(".opener");
  if (event.key === "Escape" && opener && isOpen(opener)) close(opener);
});
