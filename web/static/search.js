// The search page: completion of the clause that is being typed, and less to scroll past on a narrow screen.

const input = document.querySelector(".search-form input[name=q]");
const list = document.getElementById("suggestions");
const suggestions = [...(list?.options ?? [])].map((option) => option.value);

// The list of a text field completes all of it, so each suggestion is offered behind what stands there already.
function offer() {
  const typed = input.value;
  const begun = typed.match(/(?:^|\s)-?((?:[^\s"]|"[^"]*(?:"|$))*)$/)?.[1] ?? "";
  const before = typed.slice(0, typed.length - begun.length);
  const wanted = begun.toLowerCase();
  const fitting = suggestions.filter((suggestion) => {
    const text = suggestion.toLowerCase();
    return text.startsWith(wanted) && text !== wanted && (wanted.includes(":") || suggestion.endsWith(":"));
  });
  list.replaceChildren(...fitting.slice(0, 30).map((suggestion) => new Option("", before + suggestion)));
}

if (input && list) {
  input.addEventListener("input", offer);
  offer();
}

if (matchMedia("(max-width: 52rem)").matches) {
  for (const details of document.querySelectorAll("details[data-narrow=closed]")) details.open = false;
}
