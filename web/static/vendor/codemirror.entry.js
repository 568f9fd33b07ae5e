// What codemirror.js is made of; README.md says how.
export { acceptCompletion, autocompletion, completionKeymap, ifNotIn } from "@codemirror/autocomplete";
export { history, historyKeymap, indentLess, indentMore, standardKeymap, toggleComment } from "@codemirror/commands";
export { HighlightStyle, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
export { StateEffect, StateField } from "@codemirror/state";
export { Decoration, EditorView, keymap, lineNumbers, placeholder } from "@codemirror/view";
export { tags } from "@lezer/highlight";
