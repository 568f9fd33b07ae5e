// What codemirror.js is made of; README.md says how.
export { acceptCompletion, autocompletion, completionKeymap } from "@codemirror/autocomplete";
export { history, historyKeymap, indentLess, indentMore, standardKeymap, toggleComment } from "@codemirror/commands";
export { SQLDialect, sql } from "@codemirror/lang-sql";
export { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
export { StateEffect, StateField } from "@codemirror/state";
export { Decoration, EditorView, keymap, lineNumbers, placeholder } from "@codemirror/view";
export { tags } from "@lezer/highlight";
