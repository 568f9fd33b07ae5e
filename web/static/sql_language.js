// The language of the editor: how a line of SQL is coloured, and what is completed in it.

import { HighlightStyle, StreamLanguage, autocompletion, ifNotIn, syntaxHighlighting, tags } from "./vendor/codemirror.js";

const style = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--code-keyword)", fontWeight: "600" },
  { tag: tags.typeName, color: "var(--code-function)" },
  { tag: tags.string, color: "var(--code-text)" },
  { tag: [tags.number, tags.macroName], color: "var(--code-value)" },
  { tag: tags.comment, color: "var(--ink-soft)", fontStyle: "italic" },
]);

/** Texts and comments may go over lines: the state is what ends the one a line begins in. */
function tokensOf({ keywords, types, functions }) {
  const [isKeyword, isType, isFunction] = [keywords, types, functions].map((words) => new Set(words));
  const openings = [[/^'/, "string", () => "'"], [/^\/\*/, "comment", () => "*/"], [/^\$\w*\$/, "string", ([tag]) => tag]];
  const finish = (stream, state) => {
    const { end, kind } = state.inside;
    if (stream.skipTo(end)) {
      stream.match(end);
      state.inside = null;
    } else stream.skipToEnd();
    return kind;
  };
  const token = (stream, state) => {
    if (state.inside) return finish(stream, state);
    if (stream.eatSpace()) return null;
    if (stream.match(/^--.*/)) return "comment";
    for (const [pattern, kind, endOf] of openings) {
      const found = stream.match(pattern);
      if (!found) continue;
      state.inside = { end: endOf(found), kind };
      return finish(stream, state);
    }
    if (stream.match(/^\$\w+/)) return "macroName";
    if (stream.match(/^\d[\d_]*(\.\d+)?(e[+-]?\d+)?/i)) return "number";
    if (stream.match(/^"(?:[^"]|"")*"?/)) return null;
    const word = stream.match(/^[a-z_]\w*/i)?.[0].toLowerCase();
    if (!word) stream.next();
    if (isFunction.has(word) && stream.peek() === "(") return "typeName";
    return isKeyword.has(word) ? "keyword" : isType.has(word) ? "typeName" : null;
  };
  return { name: "sql", startState: () => ({ inside: null }), copyState: (state) => ({ ...state }), token };
}

let meanings;

/** What DuckDB says of a function, fetched when the first is looked at. */
async function meaningOf({ label }) {
  meanings ??= fetch("/sql/functions.json").then((reply) => (reply.ok ? reply.json() : {}));
  const meaning = (await meanings)[label];
  return meaning ? Object.assign(document.createElement("div"), { textContent: meaning }) : null;
}

/** Tables, the columns of those that are named, functions and keywords; after a dot, columns of that table alone. */
function completing({ views, keywords, types, functions }) {
  const columnsOf = ({ columns }) => Object.entries(columns).map(([label, detail]) => ({ label, detail, boost: 2 }));
  const words = [
    ...views.map(({ name, meaning }) => ({ label: name, detail: meaning, boost: 3 })),
    ...functions.map((label) => ({ label, info: meaningOf, boost: -1 })),
    ...[...keywords, ...types].map((label) => ({ label, boost: -1 })),
  ];
  return (context) => {
    const text = context.state.doc.toString();
    const [, owner] = context.matchBefore(/\w+\.\w*$/)?.text.match(/^(\w+)\./) ?? [];
    const word = context.matchBefore(/\w*$/);
    if (!owner && !(context.explicit || /^[a-z_]/i.test(word.text))) return null;
    const isOwner = ({ name }) => name === owner || new RegExp(`\\b${name}\\s+(as\\s+)?${owner}\\b`, "i").test(text);
    const named = views.filter(owner ? isOwner : ({ name }) => new RegExp(`\\b${name}\\b`, "i").test(text));
    const columns = (named.length || owner ? named : views).flatMap(columnsOf);
    const known = new Map(columns.map((each) => [each.label, each]));
    return { from: word.from, options: [...known.values(), ...(owner ? [] : words)], validFor: /^\w*$/ };
  };
}

/** All of it, as far as the words are known. */
export function language(words = { views: [], keywords: [], types: [], functions: [] }) {
  const sql = StreamLanguage.define({ ...tokensOf(words), languageData: { commentTokens: { line: "--" } } });
  const source = ifNotIn(["string", "comment"], completing(words));
  return [sql, syntaxHighlighting(style), autocompletion({ override: [source], icons: false, defaultKeymap: false })];
}
