// One run: actions open and close inside the table.

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

document.addEventListener("keydown", (event) => {
  const opener = event.target.closest("tr")?.querySelector(".opener");
  if (event.key === "Escape" && opener && isOpen(opener)) close(opener);
});
