// The language of the editor: the words of DuckDB, the tables and columns there are, and the colours of both.

import { HighlightStyle, SQLDialect, sql, syntaxHighlighting, tags } from "./vendor/codemirror.js";

export const colours = syntaxHighlighting(HighlightStyle.define([
  { tag: tags.keyword, color: "var(--code-keyword)", fontWeight: "600" },
  { tag: [tags.standard(tags.name), tags.typeName], color: "var(--code-function)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--code-text)" },
  { tag: [tags.number, tags.bool, tags.null, tags.special(tags.name)], color: "var(--code-value)" },
  { tag: tags.comment, color: "var(--ink-soft)", fontStyle: "italic" },
]));

let meanings;

/** What DuckDB says of a function, fetched when the first is looked at. */
async function meaningOf({ label }) {
  meanings ??= fetch("/sql/functions.json").then((reply) => (reply.ok ? reply.json() : {}));
  const meaning = (await meanings)[label];
  return meaning ? Object.assign(document.createElement("div"), { textContent: meaning }) : null;
}

/** Completes tables and their columns, DuckDB's keywords and functions. */
export function language({ views, keywords, functions, types }) {
  const words = { keywords: keywords.join(" "), types: types.join(" "), builtin: functions.join(" ") };
  const dialect = SQLDialect.define({ ...words, specialVar: "$", doubleDollarQuotedStrings: true });
  const columnsOf = ({ columns }) =>
    Object.entries(columns).map(([label, detail]) => ({ label, detail, type: "property", boost: 2 }));
  const schema = Object.fromEntries(
    views.map((view) => [
      view.name,
      { self: { label: view.name, detail: view.meaning, type: "type", boost: 3 }, children: columnsOf(view) },
    ]),
  );
  const isFunction = new Set(functions);
  const keywordCompletion = (label, type) => ({ label, type, boost: -1, info: isFunction.has(label) ? meaningOf : undefined });
  const completeColumns = (context) => {
    const word = context.matchBefore(/(?<![\w.])[a-z_]\w*/i);
    if (!word) return null;
    const text = context.state.doc.toString();
    const named = views.filter(({ name }) => new RegExp(`\\b${name}\\b`, "i").test(text));
    const known = new Map((named.length ? named : views).flatMap(columnsOf).map((each) => [each.label, each]));
    return { from: word.from, options: [...known.values()], validFor: /^\w*$/ };
  };
  return [sql({ dialect, schema, keywordCompletion }), dialect.language.data.of({ autocomplete: completeColumns })];
}
