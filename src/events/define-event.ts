import { z } from 'zod';
import { Family, RunId } from './scalars.ts';

/** What every event's data names: the run of a family that it belongs to. */
export type InRun = Readonly<{ family: string; run: string }>;

/** A past-tense fact: its dotted name, the schema of its data, and the natural key that makes its id. */
export type EventDefinition<Type extends string, Data extends InRun> = Readonly<{
  type: Type;
  data: z.ZodType<Data>;
  key: (data: Data) => string;
}>;

/** The event that a definition describes. */
export type EventOf<D> =
  D extends EventDefinition<infer Type, infer Data> ? Readonly<{ type: Type; data: Data }> : never;

/**
 * Defines `noun.verbed.vN` with a strict schema; `family` and `run` are added to its fields.
 * `key` gives what, beside family and run, distinguishes two facts of this type ('' for one per run).
 */
export function defineEvent<
  const Type extends `${string}.${string}.v${number}`,
  Shape extends z.core.$ZodLooseShape,
>(
  type: Type,
  shape: Shape,
  key: (data: z.infer<z.ZodObject<Shape & RunShape, z.core.$strict>>) => string = () => '',
) {
  return { type, data: z.strictObject({ family: Family, run: RunId, ...shape }), key } as const;
}

type RunShape = { family: typeof Family; run: typeof RunId };

/** The id of a fact: type without version, family, run, natural key. A retry has the same id. */
export function eventId(
  definition: { type: string; key: (data: never) => string },
  data: InRun,
): string {
  // safe: the caller pairs a definition with data of that definition's schema
  const key = definition.key(data as never);
  const name = definition.type.slice(0, definition.type.lastIndexOf('.v'));
  return [name, data.family, data.run, ...(key === '' ? [] : [key])].join('/');
}
