import { type DecisionFacts } from '#src/consensus/decide.ts';
import type { Json } from '#src/events/ej1.ts';
import vectors from '../vectors/decide.json' with { type: 'json' };

/** The facts that every case of the vectors starts from: four voters, three miners, no incumbent. */
export function sampleFacts(changes: Readonly<Record<string, unknown>> = {}): DecisionFacts {
  const facts: unknown = structuredClone(vectors.base);
  for (const [path, value] of Object.entries(changes))
    replaceAt(facts, path.split('/').slice(1), value);
  return facts as DecisionFacts; // safe: the vectors hold decision facts, which the events' schemas check
}

/** As the JSON that a digest is taken of. */
export function asJson(record: object): Json {
  return record as Json; // safe: records of decisions are JSON
}

/** Replaces the value at a path of existing keys. */
function replaceAt(target: unknown, [key = '', ...rest]: readonly string[], value: unknown): void {
  const parent = target as Record<string, unknown>; // safe: a path names members of objects and arrays
  if (!(key in parent)) throw new Error(`the facts have no ${key}`);
  if (rest.length === 0) parent[key] = value;
  else replaceAt(parent[key], rest, value);
}
