import type { z } from 'zod';
import {
  checksOf,
  type Definition,
  isAlwaysPlain,
  lengthTest,
  PLAIN,
  type Test,
  textTest,
} from './canonical-text.ts';

/**
 * Reads the canonical text (EJ1) of a value with one regular expression, which is several times faster than to parse
 * the text and to validate the value. What it gives is what the parser and the schema would; null says nothing, and
 * sends to them. It is compiled from the schema, which stays the one source: for strict objects of texts, whole
 * numbers, enumerations, literals and lists of texts, each of which may be null, of such objects, and of choices between
 * them. For any other schema it is always null, and so it is for a text with an escape.
 */
export function canonicalReader<T>(schema: z.ZodType<T>): (text: string) => T | null {
  const form = formOf(schema);
  if (form === null) return () => null;
  const { source, tests, read } = form;
  const whole = new RegExp(`^${source}$`);
  return (text) => {
    // Bytes have no other, but a text of JavaScript may.
    const match = text.isWellFormed() ? whole.exec(text) : null;
    if (match === null) return null;
    for (let at = 0; at < tests.length; at++) {
      const group = match[at + 1];
      if (group !== undefined && tests[at]?.(group) !== true) return null;
    }
    return read(match, 1) as T; // safe: its schema passes it as it is
  };
}

/** What the expression found: the whole text, and each group; undefined for one that nothing stands for. */
type Match = readonly (string | undefined)[];

/** A part of the expression, a test for each of its groups, and what reads the value whose first group is at a place. */
type Form = Readonly<{
  source: string;
  tests: readonly Test[];
  read: (match: Match, at: number) => unknown;
}>;

function formOf(schema: z.core.$ZodType): Form | null {
  const def: Definition = schema._zod.def;
  if (!CHECKED.has(def.type) && checksOf(def).length > 0) return null;
  switch (def.type) {
    case 'object':
      return objectForm(def);
    case 'union':
      return choiceForm(def);
    case 'string':
      return textForm(def);
    case 'array':
      return textsForm(def);
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
const CHECKED: ReadonlySet<string> = new Set(['string', 'array', 'number']);

/** A form whose first group is so many behind that of the form around it. */
type Part = Form & Readonly<{ from: number }>;

function objectForm({ shape = {}, catchall }: Definition): Form | null {
  if (catchall?._zod.def.type !== 'never') return null;
  const members: (Part & { key: string })[] = [];
  let from = 0;
  // Sorted by UTF-16 units, as EJ1 asks.
  for (const key of Object.keys(shape).sort()) {
    const form = shape[key] === undefined ? null : formOf(shape[key]);
    if (form === null || !/^[a-zA-Z0-9]+$/.test(key)) return null;
    members.push({ ...form, key, from });
    from += form.tests.length;
  }
  return {
    source: `\\{${members.map(({ key, source }) => `"${key}":${source}`).join(',')}\\}`,
    tests: members.flatMap(({ tests }) => tests),
    read: (match, at) => {
      const value: Record<string, unknown> = {};
      for (const member of members) value[member.key] = member.read(match, at + member.from);
      return value;
    },
  };
}

/** One of several objects, which one of their words tells apart. Each is a group: that says which of them it is. */
function choiceForm({ discriminator, options = [] }: Definition): Form | null {
  if (discriminator === undefined) return null;
  const choices: Part[] = [];
  let from = 0;
  for (const option of options) {
    const form = formOf(option);
    if (form === null) return null;
    choices.push({ ...form, from });
    from += 1 + form.tests.length;
  }
  return {
    source: `(?:${choices.map(({ source }) => `(${source})`).join('|')})`,
    tests: choices.flatMap(({ tests }) => [ANYTHING, ...tests]),
    read: (match, at) => {
      const chosen = choices.find((choice) => match[at + choice.from] !== undefined);
      return chosen?.read(match, at + chosen.from + 1);
    },
  };
}

const ANYTHING: Test = () => true;

function textForm(def: Definition): Form | null {
  const fits = textTest(def);
  const source = isAlwaysPlain(def) ? '"([^"]*)"' : `"(${PLAIN})"`;
  return fits && { source, tests: [fits], read: readText };
}

const readText: Form['read'] = (match, at) => match[at];

/** All that is between the brackets of a list is one group. */
function textsForm(def: Definition): Form | null {
  const element: Definition | undefined = def.element?._zod.def;
  const fits = element?.type === 'string' ? textTest(element) : null;
  const hasLength = lengthTest(checksOf(def));
  if (fits === null || hasLength === null) return null;
  const test: Test = (list) => {
    const texts = textsIn(list);
    return hasLength(texts) && texts.every(fits);
  };
  return {
    source: `\\[((?:"${PLAIN}"(?:,"${PLAIN}")*)?)\\]`,
    tests: [test],
    read: (match, at) => textsIn(match[at] ?? ''),
  };
}

/** None of the texts has a quote. */
function textsIn(list: string): readonly string[] {
  return list === '' ? [] : list.slice(1, -1).split('","');
}

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
  const read: Form['read'] = (match, at) => Number(match[at]);
  return { source: '(0|-?[1-9][0-9]{0,15})', tests: [fits], read };
}

const BOUNDS: ReadonlySet<string> = new Set(['greater_than', 'less_than']);

function wordsForm(words: readonly unknown[]): Form | null {
  const texts = words.filter(
    (word) => typeof word === 'string' && JSON.stringify(word) === `"${word}"`,
  );
  if (texts.length === 0 || texts.length !== words.length) return null;
  const escaped = texts.map((text) => String(text).replaceAll(/[^a-zA-Z0-9]/g, String.raw`\$&`));
  return { source: `"(${escaped.join('|')})"`, tests: [ANYTHING], read: readText };
}

/** Only of what is one group, which is undefined where it is null: of an object's, each may be null itself. */
function nullableForm(inner: z.core.$ZodType): Form | null {
  const form = ONE_GROUP.has(inner._zod.def.type) ? formOf(inner) : null;
  if (form === null) return null;
  const { source, tests, read } = form;
  return {
    source: `(?:null|${source})`,
    tests,
    read: (match, at) => (match[at] === undefined ? null : read(match, at)),
  };
}

const ONE_GROUP: ReadonlySet<string> = new Set(['string', 'array', 'number', 'enum', 'literal']);
