// SQL: Ctrl+Enter (or Cmd+Enter) runs the statement, Tab stays free for moving on.

const form = document.querySelector(".sql-form");

form.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  form.requestSubmit();
});
