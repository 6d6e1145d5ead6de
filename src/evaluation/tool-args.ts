import { AppError } from '../errors.ts';
import { sha256 } from '../events/hash.ts';

/**
 * What a tool was called with, as the existing services write it: Python's `json.dumps`. There `1` and `1.0` are two
 * values, so a float that has an integer's value is a `PythonFloat`, and an integer beyond 2^53 a bigint; every other
 * number of JavaScript is written as Python writes it: integers as integers, the rest as floats.
 */
export type PythonJson =
  | null
  | boolean
  | number
  | bigint
  | string
  | PythonFloat
  | readonly PythonJson[]
  | { readonly [key: string]: PythonJson };

/** A float that JavaScript could not tell from an integer. */
type PythonFloat = Readonly<{ [FLOAT]: number }>;

const FLOAT = Symbol('float');

/** Nesting beyond this is no tool's argument. */
const MAX_DEPTH = 64;

/** What a call shows of its result. */
const MAX_RESULT_LENGTH = 512;

/**
 * SHA-256 of `json.dumps(args, sort_keys=True, separators=(",", ":"))`, in hex. Throws `input.invalid` for a number
 * that is not finite, and for more than 64 levels.
 */
export function argsHash(args: PythonJson): string {
  return sha256(argsText(args));
}

/** The text that `argsHash` is the hash of: ASCII, without spaces, keys in the order of their code points. */
export function argsText(args: PythonJson): string {
  return dump(args, COMPACT, 0);
}

/** The beginning of `json.dumps(result, sort_keys=True)`: for people, no digest despite its name on the wire. */
export function resultDigest(result: PythonJson): string {
  return dump(result, SPACED, 0).slice(0, MAX_RESULT_LENGTH);
}

/**
 * Reads JSON text as Python does: `1.0` stays a float, a long integer keeps its digits. Throws `input.invalid` for
 * text that is no JSON. The text may be an attacker's.
 */
export function parsePythonJson(text: string): PythonJson {
  try {
    if (!UNLIKE_PYTHON.test(text)) return JSON.parse(text) as PythonJson; // safe: JSON is a PythonJson
    // safe: the reviver is given the number's text since V8 11.4, and what it gives is a PythonJson
    return JSON.parse(text, keepNumber as (key: string, value: unknown) => unknown) as PythonJson;
  } catch (cause) {
    throw new AppError('input.invalid', { field: 'body', expected: 'JSON' }, { cause });
  }
}

/**
 * A number that JavaScript may read as another than Python, where a number can stand: with 16 digits and more, with an
 * exponent, a fraction of zeros, or negative zero. Any other is an integer in both languages, or the same float. A match
 * inside a string costs time only; to be told of every number of a text takes four times as long as to read it.
 */
const UNLIKE_PYTHON = /^[^[{]|[,:[ \n\r\t](?:-0|-?\d(?:[\d.]{15}|[\d.]*[eE]|\d*\.0+(?!\d)))/;

/** What `parsePythonJson` kept of a number, as JavaScript's own where it is one; anything else as it is. */
export function plainNumber(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'object' && value !== null && isFloat(value) ? value[FLOAT] : value;
}

function keepNumber(_key: string, value: unknown, context: Readonly<{ source?: string }>): unknown {
  if (typeof value !== 'number' || !Number.isInteger(value)) return value;
  const { source } = context;
  if (source === undefined || source === String(value)) return value;
  if (/[.eE]/.test(source)) return { [FLOAT]: value };
  return Number.isSafeInteger(value) ? 0 + value : BigInt(source);
}

type Separators = Readonly<{ item: string; key: string }>;

const COMPACT: Separators = { item: ',', key: ':' };
const SPACED: Separators = { item: ', ', key: ': ' };

function dump(value: PythonJson, separators: Separators, depth: number): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number') return Number.isInteger(value) ? integer(value) : float(value);
  if (typeof value !== 'object' || value === null) return String(value);
  if (depth >= MAX_DEPTH) throw unwritable('arguments', `at most ${MAX_DEPTH} levels`);
  if (isFloat(value)) return float(value[FLOAT]);
  if (isArray(value)) {
    return `[${value.map((item) => dump(item, separators, depth + 1)).join(separators.item)}]`;
  }
  const members = Object.keys(value)
    .sort(byCodePoint)
    .map((key) => {
      const member = value[key];
      if (member === undefined) throw unwritable(key, 'a JSON value');
      return `${quote(key)}${separators.key}${dump(member, separators, depth + 1)}`;
    });
  return `{${members.join(separators.item)}}`;
}

/** Python sorts texts by code points, JavaScript by UTF-16 units: they differ above U+FFFF. */
function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const left = a.codePointAt(at) ?? 0;
    const right = b.codePointAt(at) ?? 0;
    if (left !== right) return left - right;
  }
  return a.length - b.length;
}

/** `ensure_ascii`: JSON.stringify's escapes, and everything beyond printable ASCII as its UTF-16 units. */
function quote(text: string): string {
  const quoted = JSON.stringify(text);
  return PRINTABLE.test(quoted) ? quoted : quoted.replace(/[^ -~]/g, escaped);
}

const PRINTABLE = /^[ -~]*$/;

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** An integer of JavaScript, also where JavaScript would write it with an exponent. */
function integer(value: number): string {
  return Number.isSafeInteger(value) ? String(value === 0 ? 0 : value) : String(BigInt(value));
}

/** `repr` of a float: the shortest digits, an exponent below 1e-4 and from 1e16 on. */
function float(value: number): string {
  if (!Number.isFinite(value)) throw unwritable('arguments', 'finite numbers');
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const [mantissa = '', power = ''] = Math.abs(value).toExponential().split('e');
  const digits = mantissa.replace('.', '');
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) {
    const size = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${mantissa}e${exponent < 0 ? '-' : '+'}${size}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}

function isFloat(value: object): value is PythonFloat {
  return FLOAT in value;
}

/** Array.isArray does not narrow readonly arrays. */
function isArray(value: object): value is readonly PythonJson[] {
  return Array.isArray(value);
}

function unwritable(field: string, expected: string): AppError {
  return new AppError('input.invalid', { field, expected });
}
