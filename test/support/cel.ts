import { isDeepStrictEqual } from 'node:util';

/**
 * Evaluates the few forms of CEL that the admission policies are written in: has(), in, all(), matches(), conditions and
 * comparisons, of whole objects with those before an update. As there, what reads a member that is not there has no value, and a policy that fails refuses.
 */
export function evaluate(expression: string, names: Readonly<Record<string, unknown>>): unknown {
  const script = expression
    .replaceAll(/\bhas\(([\w.]+)\)/g, (_all, path: string) => `present(() => ${path})`)
    .replaceAll(/\.all\((\w+), /g, '.every(($1) => ')
    .replaceAll(/(\S+) in (\[[^\]]*\]|[\w.]+(?:\['[^']*'\])?)/g, 'within($1, $2)')
    .replaceAll(/([\w.]+)\.matches\('([^']*)'\)/g, "new RegExp('$2').test($1)")
    .replaceAll(/([\w.]+) \+ \(/g, '$1.concat(')
    .replaceAll(/([\w.]+) == (oldObject[\w.]*)/g, 'same($1, $2)')
    .replaceAll(/ == /g, ' === ')
    .replaceAll(/ != /g, ' !== ');
  // oxlint-disable-next-line no-implied-eval, typescript/no-implied-eval -- our own manifests' text, in a test
  const run = new Function(
    'present',
    'within',
    'same',
    ...Object.keys(names),
    `return (${script});`,
  );
  return run(present, within, isDeepStrictEqual, ...Object.values(names));
}

function present(read: () => unknown): boolean {
  return read() !== undefined;
}

function within(value: unknown, all: readonly unknown[] | object): boolean {
  return Array.isArray(all) ? all.includes(value) : String(value) in all;
}
