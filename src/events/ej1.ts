import { AppError } from '../errors.ts';

/**
 * EJ1, the one canonical form of everything that is stored, hashed or signed: a strict subset of
 * RFC 8785 (JCS). Keys are printable ASCII, sorted and unique; numbers are integers within
 * ±(2^53−1) and never −0; strings are well-formed UTF-16. One value has one byte string, so bytes
 * are compared and hashed, never re-serialised.
 */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** Nesting beyond this is an attack, not an event: our deepest schema nests five levels. */
export const MAX_DEPTH = 16;

/** RFC 3629 bytes only; a byte-order mark is a character here, so it is refused as one. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The canonical text of a value (RFC 8785 section 3.2 on the EJ1 subset).
 * Throws `ej1.malformed` naming the top-level member whose value has no EJ1 form.
 */
export function encode(value: Json): string {
  return encodeAt(value, '$', 0);
}

/** As `encode`, in UTF-8 bytes. */
export function encodeBytes(value: Json): Uint8Array {
  return Buffer.from(encode(value), 'utf8');
}

/**
 * The value of canonical bytes. Accepts exactly the outputs of `encode`, so that
 * `encodeBytes(decodeBytes(b))` is `b`; anything else throws `ej1.malformed` with the offset
 * (UTF-16 units) and what was expected there. The bytes may be an attacker's.
 */
export function decodeBytes(bytes: Uint8Array): Json {
  return decode(textOf(bytes));
}

/** The text of UTF-8 bytes; throws `ej1.malformed` for any other. */
export function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new AppError('ej1.malformed', { expected: 'well-formed UTF-8' }, { cause });
  }
}

/** As `decodeBytes`, from text. */
export function decode(text: string): Json {
  const cursor: Cursor = { text, at: 0 };
  const value = parseValue(cursor, 0);
  if (cursor.at !== text.length) throw malformed(cursor, 'the end of the text');
  return value;
}

function encodeAt(value: Json, path: string, depth: number): string {
  if (typeof value === 'string') return encodeString(value, path);
  if (typeof value === 'number') return encodeInteger(value, path);
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value !== 'object') throw unencodable(path, `a JSON value, not ${typeof value}`);
  if (depth >= MAX_DEPTH) throw unencodable(path, `at most ${MAX_DEPTH} levels`);
  return isArray(value) ? encodeArray(value, path, depth) : encodeObject(value, path, depth);
}

function encodeString(value: string, path: string): string {
  if (!value.isWellFormed())
    throw unencodable(path, 'well-formed UTF-16 (a lone surrogate has no UTF-8 form)');
  return JSON.stringify(value);
}

function encodeInteger(value: number, path: string): string {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
    throw unencodable(
      path,
      `an integer within ±(2^53−1) and not −0, got ${Object.is(value, -0) ? '−0' : value}`,
    );
  }
  return String(value);
}

function encodeArray(values: readonly Json[], path: string, depth: number): string {
  let text = '[';
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (value === undefined) throw unencodable(`${path}[${index}]`, 'a JSON value, not a hole');
    text += (index === 0 ? '' : ',') + encodeAt(value, path, depth + 1);
  }
  return `${text}]`;
}

function encodeObject(
  value: { readonly [key: string]: Json },
  path: string,
  depth: number,
): string {
  let text = '{';
  // Sorting by UTF-16 units, as RFC 8785 asks; for ASCII keys this is byte order.
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (!isKey(key))
      throw unencodable(
        path,
        `keys of printable ASCII without quote or backslash, got ${JSON.stringify(key)}`,
      );
    if (member === undefined)
      throw unencodable(`${path}.${key}`, 'a JSON value; absent knowledge is null');
    text += `${text.length === 1 ? '' : ','}"${key}":${encodeAt(member, depth === 0 ? key : path, depth + 1)}`;
  }
  return `${text}}`;
}

/** Array.isArray does not narrow readonly arrays. */
function isArray(value: object): value is readonly Json[] {
  return Array.isArray(value);
}

function isKey(key: string): boolean {
  return key.length > 0 && key.length <= MAX_KEY_LENGTH && KEY.test(key);
}

/** Long enough for every field name and for an ss58 address; short enough to bound an attacker's map. */
const MAX_KEY_LENGTH = 128;
const KEY = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/;

type Cursor = { readonly text: string; at: number };

function parseValue(cursor: Cursor, depth: number): Json {
  const code = cursor.text.charCodeAt(cursor.at);
  if (code === 0x22) return parseString(cursor);
  if (code === 0x7b || code === 0x5b) {
    if (depth >= MAX_DEPTH) throw malformed(cursor, `at most ${MAX_DEPTH} levels`);
    return code === 0x7b ? parseObject(cursor, depth) : parseArray(cursor, depth);
  }
  if (code === 0x74) return parseWord(cursor, 'true', true);
  if (code === 0x66) return parseWord(cursor, 'false', false);
  if (code === 0x6e) return parseWord(cursor, 'null', null);
  return parseInteger(cursor);
}

function parseObject(cursor: Cursor, depth: number): Json {
  const { text } = cursor;
  const members: Record<string, Json> = {};
  cursor.at++;
  if (text.charCodeAt(cursor.at) === 0x7d) return closed(cursor, members);
  let previous = '';
  for (;;) {
    const key = parseKey(cursor, previous);
    if (key <= previous)
      throw malformed(
        cursor,
        `a key after ${JSON.stringify(previous)} (sorted, unique), got ${JSON.stringify(key)}`,
      );
    if (text.charCodeAt(cursor.at) !== 0x3a) throw malformed(cursor, '":"');
    cursor.at++;
    const value = parseValue(cursor, depth + 1);
    // Assignment to __proto__ would set the prototype instead of a member.
    if (key === '__proto__')
      Object.defineProperty(members, key, {
        value,
        enumerable: true,
        writable: true,
        configurable: true,
      });
    else members[key] = value;
    previous = key;
    const next = text.charCodeAt(cursor.at);
    if (next === 0x7d) return closed(cursor, members);
    if (next !== 0x2c) throw malformed(cursor, '"," or "}"');
    cursor.at++;
  }
}

function parseKey(cursor: Cursor, previous: string): string {
  const { text } = cursor;
  if (text.charCodeAt(cursor.at) !== 0x22) throw malformed(cursor, 'a key in quotes');
  const start = cursor.at + 1;
  const likely = followers.get(previous);
  if (likely !== undefined && isTextAt(text, start, likely)) {
    cursor.at = start + likely.length + 1;
    return likely;
  }
  const end = text.indexOf('"', start);
  const key = end < 0 ? '' : text.slice(start, end);
  if (!isKey(key))
    throw malformed(cursor, `a key of 1 to ${MAX_KEY_LENGTH} printable ASCII characters`);
  cursor.at = end + 1;
  if (followers.size < MAX_FOLLOWERS || likely !== undefined) followers.set(previous, key);
  return key;
}

function isTextAt(text: string, start: number, wanted: string): boolean {
  return text.charCodeAt(start + wanted.length) === 0x22 && text.startsWith(wanted, start);
}

/**
 * The valid key that came behind another one the last time. Events of a type have the same keys, and to compare
 * with a known text is several times faster than to read a new one; what is read is the same.
 */
const followers = new Map<string, string>();

/** Far more keys than all schemas have: what an attacker's maps add is bounded. */
const MAX_FOLLOWERS = 1_024;

function parseArray(cursor: Cursor, depth: number): Json {
  const values: Json[] = [];
  cursor.at++;
  if (cursor.text.charCodeAt(cursor.at) === 0x5d) return closed(cursor, values);
  for (;;) {
    values.push(parseValue(cursor, depth + 1));
    const next = cursor.text.charCodeAt(cursor.at);
    if (next === 0x5d) return closed(cursor, values);
    if (next !== 0x2c) throw malformed(cursor, '"," or "]"');
    cursor.at++;
  }
}

function closed<T>(cursor: Cursor, value: T): T {
  cursor.at++;
  return value;
}

/** A string literal in canonical form: only the escapes that RFC 8785 section 3.2.2.2 prescribes. */
function parseString(cursor: Cursor): string {
  const { text } = cursor;
  const start = cursor.at + 1;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) {
      cursor.at = at + 1;
      const plain = text.slice(start, at);
      // Text given as a JavaScript string, unlike decoded bytes, can hold a lone surrogate.
      if (!plain.isWellFormed()) throw malformed({ text, at: start }, 'well-formed UTF-16');
      return plain;
    }
    if (code === 0x5c) return parseEscapedString(cursor, start, at);
    if (code < 0x20) throw malformed({ text, at }, 'an escaped control character');
  }
  throw malformed({ text, at: text.length }, 'a closing quote');
}

function parseEscapedString(cursor: Cursor, start: number, firstEscape: number): string {
  const { text } = cursor;
  let end = firstEscape;
  while (end < text.length && text.charCodeAt(end) !== 0x22)
    end += text.charCodeAt(end) === 0x5c ? 2 : 1;
  const literal = text.slice(start - 1, end + 1);
  let value: unknown;
  try {
    value = JSON.parse(literal);
  } catch (cause) {
    throw malformed({ text, at: start }, 'a string literal', cause);
  }
  if (typeof value !== 'string' || !value.isWellFormed() || JSON.stringify(value) !== literal) {
    throw malformed({ text, at: start }, 'a string literal with canonical escapes');
  }
  cursor.at = end + 1;
  return value;
}

function parseInteger(cursor: Cursor): number {
  const { text } = cursor;
  const start = cursor.at;
  let at = start;
  if (text.charCodeAt(at) === 0x2d) at++;
  const digits = at;
  while (isDigit(text.charCodeAt(at))) at++;
  const value = Number(text.slice(start, at));
  const leadingZero = text.charCodeAt(digits) === 0x30 && (at - digits > 1 || digits > start);
  if (at === digits || leadingZero || !Number.isSafeInteger(value))
    throw malformed(
      cursor,
      'a value; numbers are integers within ±(2^53−1), without leading zero or −0',
    );
  cursor.at = at;
  return value;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function parseWord<T extends Json>(cursor: Cursor, word: string, value: T): T {
  if (!cursor.text.startsWith(word, cursor.at)) throw malformed(cursor, word);
  cursor.at += word.length;
  return value;
}

function malformed({ text, at }: Cursor, expected: string, cause?: unknown): AppError {
  return new AppError(
    'ej1.malformed',
    // Cutting may split a surrogate pair, and this text may end up in an event.
    { offset: at, expected, found: text.slice(at, at + 24).toWellFormed() },
    { cause },
  );
}

function unencodable(path: string, expected: string): AppError {
  return new AppError('ej1.malformed', { path, expected });
}
