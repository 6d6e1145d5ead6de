import type { z } from 'zod';

/**
 * Tells of a text whether it is one that a schema passes, and that stands in quotes as it is. It is compiled as by
 * `canonicalReader`; of what that does not read, no text is.
 */
export function textCheck(schema: z.ZodType): (text: string) => boolean {
  const def: Definition = schema._zod.def;
  const fits = def.type === 'string' ? textTest(def) : null;
  if (fits === null) return () => false;
  if (isAlwaysPlain(def)) return fits;
  return (text) => text.isWellFormed() && PLAIN_TEXT.test(text) && fits(text);
}

/** What zod documents of its definitions for tools like this one. */
export type Definition = Readonly<{
  type: string;
  checks?: readonly z.core.$ZodCheck<never>[] | undefined;
  format?: string;
  pattern?: RegExp | undefined;
  shape?: Readonly<Record<string, z.core.$ZodType>>;
  catchall?: z.core.$ZodType | undefined;
  entries?: Readonly<Record<string, unknown>>;
  values?: readonly unknown[];
  innerType?: z.core.$ZodType;
  element?: z.core.$ZodType;
  discriminator?: string;
  options?: readonly z.core.$ZodType[];
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

/** The checks that a schema has beside its type. */
export const checksOf = ({ checks = [] }: Definition): readonly Check[] =>
  checks.map(({ _zod }) => _zod.def);

/** What an expression lets pass and the schema may not: the schema has the last word on it. */
export type Test = (text: string) => boolean;

/** The expression of a text that is written as it is: one with an escape is left to the parser. */
export const PLAIN = '[^"\\\\\\x00-\\x1f]*';
const PLAIN_TEXT = new RegExp(`^${PLAIN}$`);

/** In base64 no letter is one that has to be escaped. */
export const isAlwaysPlain = ({ format }: Definition): boolean => format === 'base64';

/** Whether a text is what its schema asks for; null for a schema that asks for what is not read here. */
export function textTest(def: Definition): Test | null {
  const checks = checksOf(def);
  const fits = lengthTest(checks.filter(({ format }) => format !== 'regex'));
  if (fits === null) return null;
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

/** Whether something is as long as its checks ask for; null where one of them asks for anything else. */
export function lengthTest(
  checks: readonly Check[],
): ((value: Readonly<{ length: number }>) => boolean) | null {
  if (!checks.every(({ check }) => LENGTHS.has(check))) return null;
  const min = Math.max(0, ...checks.flatMap(({ minimum }) => minimum ?? []));
  const max = Math.min(...checks.flatMap(({ maximum }) => maximum ?? []));
  return ({ length }) => length >= min && length <= max;
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

/** Decoded at once it is checked faster than letter by letter. What does not fit into the room is left to the parser. */
const isBase64 = (text: string): boolean =>
  room.toString('base64', 0, room.write(text, 'base64')) === text;

/** What 65,536 letters stand for: no event is longer. */
const room = Buffer.alloc(49_152);
