// SQL: the editor over the plain field, Ctrl+Enter (or Cmd+Enter) to run, fields for parameters while they are typed.
// The field stays what the form sends, so everything else works as it does without this.

import { openEditor } from "./sql_editor.js";

const form = document.querySelector(".sql-form");
const field = form.querySelector("textarea[name=sql]");
const parameters = form.querySelector(".sql-parameters");

const run = () => {
  const button = form.querySelector(".sql-run");
  if (!button.disabled) button.click();
};

form.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  run();
});

function take(text) {
  field.value = text;
  const isAsked = /\$[a-z_]/i.test(text) || parameters.querySelector("input");
  if (isAsked) parameters.dispatchEvent(new Event("statement"));
}

const editor = openEditor(field, { onChange: take, onRun: run });

const answer = document.querySelector(".sql-answer");

function showMistake() {
  const { line, column, length } = answer.querySelector(".sql-error")?.dataset ?? {};
  editor.mark(line ? { line: +line, column: +column, length: +length } : null);
}

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target !== answer) return;
  showMistake();
  answer.querySelector("h2")?.focus({ preventScroll: true });
  answer.scrollIntoView({ block: "nearest" });
});

answer.addEventListener("change", () => answer.querySelector(".sql-show").click());

answer.addEventListener("click", (event) => {
  if (!event.target.closest(".sql-place")) return;
  editor.goTo();
});

fetch(new URL("/sql/words.json", location)).then(async (reply) => {
  if (reply.ok) editor.learn(await reply.json());
});

showMistake();
