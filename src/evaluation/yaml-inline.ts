import { AppError } from '../errors.ts';
import type { Json } from '../events/ej1.ts';

/** A list in a mapping in a list is more than a manifest has. */
const MAX_LEVELS = 6;

/**
 * A value that stands on one line: a scalar, or a list or mapping in brackets. Throws `input.invalid` with a `detail`
 * that names the line for anything that is no such value, or has more than one reading.
 */
export function parseInline(text: string, line: number): Json {
  const cursor: Cursor = { text, at: 0, line };
  const value = parseValue(cursor, TOP, 1);
  skipSpace(cursor);
  if (cursor.at < text.length && !atComment(cursor)) throw fault(cursor, 'goes on after its value');
  return value;
}

/** The key at the beginning of a line, and what follows it; null where there is none. */
export function keyOf(text: string, line: number): { key: string; rest: string } | null {
  const cursor: Cursor = { text, at: 0, line };
  const quoted = text.startsWith('"') || text.startsWith("'");
  const key = quoted ? parseQuoted(cursor) : PLAIN_KEY.exec(text)?.[0];
  if (key === undefined) return null;
  const after = text.slice(quoted ? cursor.at : key.length);
  const rest = /^\s*:(\s.*)?$/.exec(after);
  if (rest === null) return null;
  const value = (rest[1] ?? '').trim();
  return { key, rest: value.startsWith('#') ? '' : value };
}

type Cursor = { readonly text: string; at: number; readonly line: number };

const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_.-]*/;

/** What ends a plain scalar, beside the end of the line: a comment, and in brackets what separates. */
const TOP = /\s#/;
const FLOW = /[,[\]{}]|\s#|:\s/;

function parseValue(cursor: Cursor, end: RegExp, level: number): Json {
  skipSpace(cursor);
  const first = cursor.text[cursor.at];
  if (level > MAX_LEVELS) throw fault(cursor, `is deeper than ${MAX_LEVELS} levels`);
  if (first === '[') return parseFlowList(cursor, level);
  if (first === '{') return parseFlowMapping(cursor, level);
  if (first === '"' || first === "'") return parseQuoted(cursor);
  return parsePlain(cursor, end);
}

function parseFlowList(cursor: Cursor, level: number): readonly Json[] {
  const items: Json[] = [];
  cursor.at += 1;
  while (!takeCharacter(cursor, ']')) {
    items.push(parseValue(cursor, FLOW, level + 1));
    takeSeparator(cursor, ']');
  }
  return items;
}

function parseFlowMapping(cursor: Cursor, level: number): Json {
  const entries = new Map<string, Json>();
  cursor.at += 1;
  while (!takeCharacter(cursor, '}')) {
    const key = parseFlowKey(cursor);
    if (!takeCharacter(cursor, ':')) throw fault(cursor, 'lacks a colon');
    if (entries.has(key)) throw fault(cursor, `has the key ${key} again`);
    entries.set(key, parseValue(cursor, FLOW, level + 1));
    takeSeparator(cursor, '}');
  }
  return Object.fromEntries(entries);
}

function parseFlowKey(cursor: Cursor): string {
  skipSpace(cursor);
  const first = cursor.text[cursor.at];
  if (first === '"' || first === "'") return parseQuoted(cursor);
  const key = PLAIN_KEY.exec(cursor.text.slice(cursor.at))?.[0];
  if (key === undefined) throw fault(cursor, 'has no key');
  cursor.at += key.length;
  return key;
}

/** A text in quotes: in double ones with the escapes of JSON, in single ones with a doubled quote for one. */
function parseQuoted(cursor: Cursor): string {
  const rest = cursor.text.slice(cursor.at);
  const found = /^"(?:[^"\\]|\\.)*"|^'(?:[^']|'')*'/.exec(rest)?.[0];
  if (found === undefined) throw fault(cursor, 'has a quote without end');
  cursor.at += found.length;
  if (found.startsWith("'")) return found.slice(1, -1).replaceAll("''", "'");
  try {
    return String(JSON.parse(found));
  } catch (cause) {
    throw fault(cursor, 'has an escape that JSON does not have', cause);
  }
}

function parsePlain(cursor: Cursor, end: RegExp): Json {
  const rest = cursor.text.slice(cursor.at);
  const text = rest.slice(0, end.exec(rest)?.index ?? rest.length).trim();
  cursor.at += rest.slice(0, end.exec(rest)?.index ?? rest.length).length;
  if (text === '') throw fault(cursor, 'lacks a value');
  if (RESERVED.test(text)) throw fault(cursor, 'has an anchor, a tag, a block, or a reserved sign');
  if (/:(\s|$)/.test(text)) throw fault(cursor, 'has a colon in a plain text');
  if (/^(null|Null|NULL|~)$/.test(text)) return null;
  if (/^(true|True|TRUE)$/.test(text)) return true;
  if (/^(false|False|FALSE)$/.test(text)) return false;
  const number = /^(0|-?[1-9][0-9]*)$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(number) ? number : text;
}

/** What cannot begin a plain text. */
const RESERVED = /^([&*!|>%@`,\]}?#]|- |-$)/;

function takeSeparator(cursor: Cursor, end: string): void {
  if (takeCharacter(cursor, ',')) return;
  skipSpace(cursor);
  if (cursor.text[cursor.at] !== end) throw fault(cursor, `lacks a ${end}`);
}

function takeCharacter(cursor: Cursor, character: string): boolean {
  skipSpace(cursor);
  if (cursor.text[cursor.at] !== character) return false;
  cursor.at += 1;
  return true;
}

function skipSpace(cursor: Cursor): void {
  while (/\s/.test(cursor.text[cursor.at] ?? '')) cursor.at += 1;
}

/** A comment begins after a space. */
function atComment({ text, at }: Cursor): boolean {
  return text[at] === '#' && /\s/.test(text[at - 1] ?? ' ');
}

function fault({ line }: Cursor, detail: string, cause?: unknown): AppError {
  return new AppError(
    'input.invalid',
    { detail: `line ${line} ${detail}` },
    cause === undefined ? {} : { cause },
  );
}
