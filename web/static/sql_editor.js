// The editor of SQL: CodeMirror in a shadow root, where its styles may live under a policy that forbids inline ones.

import { language } from "./sql_language.js";
import {
  Decoration, EditorView, StateEffect, StateField, acceptCompletion, completionKeymap,
  history, historyKeymap, indentLess, indentMore, keymap, lineNumbers, placeholder, standardKeymap, toggleComment,
} from "./vendor/codemirror.js";

const theme = EditorView.theme({
  "&": { color: "var(--ink)", fontSize: "0.8125rem", maxHeight: "min(60vh, 26rem)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--font-code)", lineHeight: "1.55", overflow: "auto", minHeight: "11rem" },
  ".cm-content": { padding: "0.625rem 0", caretColor: "var(--ink)" },
  ".cm-gutters": { color: "var(--ink-soft)", backgroundColor: "var(--surface-raised)", borderRight: "1px solid var(--line)" },
  ".cm-mistake": { textDecoration: "underline wavy var(--error-bar)", textUnderlineOffset: "0.2em" },
  ".cm-tooltip": { color: "var(--ink)", backgroundColor: "var(--surface)", border: "1px solid var(--line-strong)" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { color: "var(--button-ink)", background: "var(--button)" },
  ".cm-completionDetail": { color: "var(--ink-soft)", fontFamily: "var(--font)", fontStyle: "normal" },
  "li[aria-selected] .cm-completionDetail": { color: "inherit" },
  ".cm-completionInfo": { maxWidth: "20rem", padding: "0.5rem", fontFamily: "var(--font)" },
  ".cm-placeholder": { color: "var(--ink-soft)" },
});

const setMistake = StateEffect.define();
const mistakes = StateField.define({
  create: () => Decoration.none,
  update(marks, transaction) {
    for (const effect of transaction.effects) if (effect.is(setMistake)) return effect.value;
    return marks.map(transaction.changes);
  },
  provide: (marks) => EditorView.decorations.from(marks),
});

export function openEditor(field, { onChange, onRun }) {
  const host = document.createElement("div");
  host.className = "sql-editor";
  const root = host.attachShadow({ mode: "open" });
  host.addEventListener("keydown", (event) => event.stopPropagation()); // what is typed is no shortcut of the page
  field.before(host);
  field.hidden = true;
  const tab = { key: "Tab", run: (view) => acceptCompletion(view) || indentMore(view), shift: indentLess };
  const free = { key: "Escape", run: (view) => view.setTabFocusMode(2000) }; // says it did nothing, so others still see it
  const runKey = { key: "Mod-Enter", run: () => (onRun(), true) };
  const fixed = [
    keymap.of([runKey, free, tab, { key: "Mod-/", run: toggleComment }]),
    keymap.of([...completionKeymap, ...historyKeymap, ...standardKeymap]),
    [lineNumbers(), history(), mistakes, theme],
    [EditorView.lineWrapping, placeholder(field.placeholder)],
    EditorView.contentAttributes.of({ "aria-label": "Statement", "aria-describedby": "sql-keys", tabindex: "0" }),
    EditorView.updateListener.of((update) => update.docChanged && onChange(update.state.doc.toString())),
  ];
  const view = new EditorView({ doc: field.value, extensions: [fixed, language()], parent: root, root });
  return {
    learn: (words) => view.dispatch({ effects: StateEffect.reconfigure.of([fixed, language(words)]) }),
    mark(place) {
      const { doc } = view.state;
      const line = place && place.line <= doc.lines ? doc.line(place.line) : null;
      const from = line && Math.min(line.from + place.column - 1, line.to);
      const to = line && Math.min(from + place.length, line.to);
      const marks = line && from < to ? Decoration.set([Decoration.mark({ class: "cm-mistake" }).range(from, to)]) : Decoration.none;
      view.dispatch({ effects: setMistake.of(marks) });
    },
    goTo() {
      const first = view.state.field(mistakes).iter();
      if (first.value) view.dispatch({ selection: { anchor: first.from }, scrollIntoView: true });
      view.focus();
    },
  };
}
