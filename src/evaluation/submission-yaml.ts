import { AppError, isAppError } from '../errors.ts';
import { encode, type Json, textOf } from '../events/ej1.ts';
import { detailOf } from '../events/scalars.ts';
import { MAX_MANIFEST_LENGTH } from './roster.ts';
import { keyOf, parseInline } from './yaml-inline.ts';

/** What `submission.yaml` says, as EJ1 text; or why it says nothing that is understood. */
export type ManifestText =
  | Readonly<{ kind: 'read'; text: string }>
  | Readonly<{ kind: 'unfit'; detail: string }>;

/**
 * The EJ1 text of a `submission.yaml`, which is what a roster has of it. Read is the part of YAML that manifests are
 * written in, JSON included: nested mappings, lists of scalars, quoted and plain scalars, comments. Anchors, aliases,
 * tags, block scalars, tabs and repeated keys are refused, so that a text has one reading. A number that is no integer
 * stays the text that it is, because EJ1 has no fractions. The bytes are a miner's.
 */
export function manifestText(bytes: Uint8Array): ManifestText {
  try {
    const text = encode(readYaml(textOf(bytes)));
    return text.length <= MAX_MANIFEST_LENGTH
      ? { kind: 'read', text }
      : unfit(`${text.length} characters, at most ${MAX_MANIFEST_LENGTH}`);
  } catch (error) {
    if (isAppError(error, 'input.invalid')) return unfit(String(error.details['detail']));
    if (isAppError(error, 'ej1.malformed')) return unfit(error.message);
    throw error;
  }
}

type Line = Readonly<{ number: number; indent: number; text: string }>;
type Cursor = { readonly lines: readonly Line[]; at: number };
type Mapping = { readonly [key: string]: Json };

/** A manifest nests three levels. */
const MAX_LEVELS = 8;

function readYaml(text: string): Mapping {
  const lines = linesOf(text);
  const [first] = lines;
  if (first === undefined) throw fault(1, 'is empty');
  if (first.text.startsWith('{')) {
    const value = parseInline(lines.map((line) => line.text).join(' '), first.number);
    // What begins as a flow mapping is one, or did not parse.
    return value as Mapping; // safe: see above
  }
  const cursor: Cursor = { lines, at: 0 };
  const mapping = parseMapping(cursor, first.indent, 1);
  const rest = lines[cursor.at];
  if (rest !== undefined) throw fault(rest.number, 'is indented otherwise than the lines before');
  return mapping;
}

/** The lines that say something, without comments and the marker at the beginning. */
function linesOf(text: string): readonly Line[] {
  return text.split(/\r?\n/).flatMap((raw, index) => {
    const number = index + 1;
    const indent = raw.length - raw.trimStart().length;
    if (raw.slice(0, indent).includes('\t')) throw fault(number, 'is indented with a tab');
    const body = raw.trim();
    if (body === '' || body.startsWith('#') || (body === '---' && index === 0)) return [];
    return [{ number, indent, text: body }];
  });
}

function parseMapping(cursor: Cursor, indent: number, level: number): Mapping {
  const entries = new Map<string, Json>();
  for (let line = lineAt(cursor, indent); line !== null; line = lineAt(cursor, indent)) {
    const found = keyOf(line.text, line.number);
    if (found === null) throw fault(line.number, 'has no key');
    if (entries.has(found.key)) throw fault(line.number, `has the key ${found.key} again`);
    cursor.at += 1;
    const value =
      found.rest === '' ? parseNested(cursor, indent, level) : parseInline(found.rest, line.number);
    entries.set(found.key, value);
  }
  return Object.fromEntries(entries);
}

/** What stands below a key: more indented lines, a list that may be as far left as the key, or nothing. */
function parseNested(cursor: Cursor, indent: number, level: number): Json {
  const next = cursor.lines[cursor.at];
  if (next === undefined) return null;
  if (level >= MAX_LEVELS) throw fault(next.number, `is deeper than ${MAX_LEVELS} levels`);
  if (next.indent >= indent && isItem(next.text)) return parseList(cursor, next.indent);
  return next.indent > indent ? parseMapping(cursor, next.indent, level + 1) : null;
}

function parseList(cursor: Cursor, indent: number): readonly Json[] {
  const items: Json[] = [];
  for (let line = lineAt(cursor, indent); line !== null; line = lineAt(cursor, indent)) {
    if (!isItem(line.text)) break;
    cursor.at += 1;
    items.push(parseInline(line.text.slice(1).trim(), line.number));
  }
  return items;
}

/** The next line where it stands this far from the left; null where the block is over. */
function lineAt({ lines, at }: Cursor, indent: number): Line | null {
  const line = lines[at];
  if (line === undefined || line.indent < indent) return null;
  if (line.indent > indent) throw fault(line.number, 'is indented further than the lines before');
  return line;
}

function isItem(text: string): boolean {
  return text === '-' || text.startsWith('- ');
}

function fault(line: number, detail: string): AppError {
  return new AppError('input.invalid', { detail: `line ${line} ${detail}` });
}

function unfit(detail: string): ManifestText {
  return { kind: 'unfit', detail: detailOf(detail) };
}
