import type { z } from 'zod';

/**
 * Matches the canonical text (EJ1) of a value with one regular expression, which is several times faster than to parse
 * the text and to validate the value. The groups of the match are the texts, numbers and words of the value in the
 * order of the text, that of the sorted keys; one that is null is undefined. A match says that the schema passes the
 * value; null says nothing, and sends to the parser and the schema. It is compiled from the schema, which stays the one
 * source, for strict objects of texts, whole numbers, enumerations and literals that may be null; for others it is
 * always null.
 */
export function canonicalMatcher(schema: z.ZodType): (text: string) => Match | null {
  const form = formOf(schema);
  if (form === null) return () => null;
  const { source, tests } = form;
  const whole = new RegExp(`^${source}$`);
  return (text) => {
    // Bytes have no other, but a text of JavaScript may.
    const match = text.isWellFormed() ? whole.exec(text) : null;
    if (match === null) return null;
    for (let at = 0; at < tests.length; at++) {
      const group = match[at + 1];
      if (group !== undefined && tests[at]?.(group) !== true) return null;
    }
    return match;
  };
}

/** The whole text, and each group. */
type Match = readonly (string | undefined)[];

/**
 * Tells of a text whether it is one that a schema passes, and that stands in quotes as it is. It is compiled as by
 * `canonicalMatcher`; of what that does not read, no text is.
 */
export function textCheck(schema: z.ZodType): (text: string) => boolean {
  const def: Definition = schema._zod.def;
  const fits = def.type === 'string' ? textTest(def) : null;
  if (fits === null) return () => false;
  return (text) => text.isWellFormed() && PLAIN_TEXT.test(text) && fits(text);
}

/** What the expression lets pass and the schema may not: the schema has the last word on it. */
type Test = (text: string) => boolean;

/** A part of the expression, and a test for each of its groups. */
type Form = Readonly<{ source: string; tests: readonly Test[] }>;

function formOf(schema: z.core.$ZodType): Form | null {
  const def: Definition = schema._zod.def;
  if (!CHECKED.has(def.type) && checksOf(def).length > 0) return null;
  switch (def.type) {
    case 'object':
      return objectForm(def);
    case 'string':
      return textForm(def);
    case 'number':
      return numberForm(def);
    case 'enum':
      return wordsForm(Object.values(def.entries ?? {}));
    case 'literal':
      return wordsForm(def.values ?? []);
    case 'nullable':
      return def.innerType === undefined ? null : nullableForm(def.innerType);
    default:
      return null;
  }
}

/** What has checks that are read here. */
const CHECKED: ReadonlySet<string> = new Set(['string', 'number']);

/** What zod documents of its definitions for tools like this one. */
type Definition = Readonly<{
  type: string;
  checks?: readonly z.core.$ZodCheck<never>[] | undefined;
  format?: string;
  pattern?: RegExp | undefined;
  shape?: Readonly<Record<string, z.core.$ZodType>>;
  catchall?: z.core.$ZodType | undefined;
  entries?: Readonly<Record<string, unknown>>;
  values?: readonly unknown[];
  innerType?: z.core.$ZodType;
}>;

type Check = Readonly<{
  check: string;
  format?: string;
  pattern?: RegExp;
  maximum?: number;
  minimum?: number;
  value?: number;
  inclusive?: boolean;
}>;

const checksOf = ({ checks = [] }: Definition): readonly Check[] =>
  checks.map(({ _zod }) => _zod.def);

function objectForm(def: Definition): Form | null {
  const { shape = {}, catchall } = def;
  if (catchall?._zod.def.type !== 'never') return null;
  const members: string[] = [];
  const tests: Test[] = [];
  // Sorted by UTF-16 units, as EJ1 asks.
  for (const key of Object.keys(shape).sort()) {
    const form = shape[key] === undefined ? null : formOf(shape[key]);
    if (form === null || !/^[a-zA-Z0-9]+$/.test(key)) return null;
    members.push(`"${key}":${form.source}`);
    tests.push(...form.tests);
  }
  return { source: `\\{${members.join(',')}\\}`, tests };
}

/** A text that is written as it is: one with an escape is left to the parser. */
const PLAIN = '[^"\\\\\\x00-\\x1f]*';
const PLAIN_TEXT = new RegExp(`^${PLAIN}$`);

function textForm(def: Definition): Form | null {
  const fits = textTest(def);
  // In base64 no letter is one that has to be escaped.
  const source = def.format === 'base64' ? '"([^"]*)"' : `"(${PLAIN})"`;
  return fits && { source, tests: [fits] };
}

/** Whether a text is what its schema asks for; null for a schema that asks for what is not read here. */
function textTest(def: Definition): Test | null {
  const checks = checksOf(def);
  if (!checks.every(({ check, format }) => LENGTHS.has(check) || format === 'regex')) return null;
  const min = Math.max(0, ...checks.flatMap(({ minimum }) => minimum ?? []));
  const max = Math.min(...checks.flatMap(({ maximum }) => maximum ?? []));
  const fits = ({ length }: string) => length >= min && length <= max;
  if (def.format === 'base64') return (text) => fits(text) && isBase64(text);
  if (def.format !== undefined && def.format !== 'datetime') return null;
  const patterns = [def, ...checks].flatMap(({ pattern }) => pattern ?? []);
  if (patterns.some(({ global, sticky }) => global || sticky)) return null;
  const tests = patterns.map(patternTest);
  const [test] = tests;
  // Nearly all have one, and then there is no list to go through.
  if (test !== undefined && tests.length === 1) return (text) => fits(text) && test(text);
  return (text) => fits(text) && tests.every((each) => each(text));
}

const LENGTHS: ReadonlySet<string> = new Set(['min_length', 'max_length']);

/** As `pattern.test`. Of random digits a table tells sooner than comparisons, half of whose outcomes nobody can foresee. */
function patternTest(pattern: RegExp): Test {
  const [, letters, count] = /^\^\[([a-zA-Z0-9-]+)\]\{(\d+)\}\$$/.exec(pattern.source) ?? [];
  if (letters === undefined || pattern.flags !== '') return (text) => pattern.test(text);
  const [length, letter] = [Number(count), new RegExp(`[${letters}]`)];
  const table = Uint8Array.from({ length: 128 }, (_, code) =>
    Number(letter.test(String.fromCharCode(code))),
  );
  return (text) => {
    if (text.length !== length) return false;
    for (let at = 0; at < length; at++) if (table[text.charCodeAt(at)] !== 1) return false;
    return true;
  };
}

/** Decoded at once it is checked faster than letter by letter. */
const isBase64 = (text: string): boolean => Buffer.from(text, 'base64').toString('base64') === text;

function numberForm(def: Definition): Form | null {
  const checks = checksOf(def);
  const bounded = checks.every(({ check, inclusive }) => BOUNDS.has(check) && inclusive === true);
  if (def.format !== 'safeint' || !bounded) return null;
  const valuesOf = (bound: string) =>
    checks.flatMap(({ check, value }) => (check === bound ? (value ?? []) : []));
  const min = Math.max(...valuesOf('greater_than'));
  const max = Math.min(...valuesOf('less_than'));
  const fits = (text: string): boolean => {
    const number = Number(text);
    return Number.isSafeInteger(number) && number >= min && number <= max;
  };
  return { source: '(0|-?[1-9][0-9]{0,15})', tests: [fits] };
}

const BOUNDS: ReadonlySet<string> = new Set(['greater_than', 'less_than']);

function wordsForm(words: readonly unknown[]): Form | null {
  const texts = words.filter(
    (word) => typeof word === 'string' && JSON.stringify(word) === `"${word}"`,
  );
  if (texts.length === 0 || texts.length !== words.length) return null;
  const escaped = texts.map((text) => String(text).replaceAll(/[^a-zA-Z0-9]/g, String.raw`\$&`));
  return { source: `"(${escaped.join('|')})"`, tests: [() => true] };
}

/** Only of what is one group, which is undefined where it is null: of an object's, each may be null itself. */
function nullableForm(inner: z.core.$ZodType): Form | null {
  const form = ONE_GROUP.has(inner._zod.def.type) ? formOf(inner) : null;
  return form && { ...form, source: `(?:null|${form.source})` };
}

const ONE_GROUP: ReadonlySet<string> = new Set(['string', 'number', 'enum', 'literal']);
