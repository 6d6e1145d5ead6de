import { z } from 'zod';
import { Family, RunId } from './scalars.ts';

/** What the data of a run's event names: the run of a family that it belongs to. */
export type InRun = Readonly<{ family: string; run: string }>;

/** A past-tense fact: its dotted name, the schema of its data, and the natural key that makes its id. */
export type EventDefinition<Type extends string, Data extends object> = Readonly<{
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

/** As `defineEvent`, for a fact of the log itself, which belongs to no run. */
export function defineLogEvent<
  const Type extends `${string}.${string}.v${number}`,
  Shape extends z.core.$ZodLooseShape,
>(
  type: Type,
  shape: Shape,
  key: (data: z.infer<z.ZodObject<Shape, z.core.$strict>>) => string = () => '',
) {
  return { type, data: z.strictObject(shape), key } as const;
}

/** The run that data belongs to; null for a fact of the log itself. */
export function runOf(data: object): InRun | null {
  // safe: only the data of a run's event has these members, and there they are texts
  return 'family' in data && 'run' in data ? (data as InRun) : null;
}

/** The `subject` of an event's envelope: the run of a family, or the log itself. */
export function subjectIn(data: object): string {
  const run = runOf(data);
  return run === null ? LOG_SUBJECT : `${run.family}/${run.run}`;
}

const LOG_SUBJECT = 'log';

/** What distinguishes a fact from others of its type and run; '' where there is one for each run. */
export function naturalKey(
  definition: { readonly key: (data: never) => string },
  data: object,
): string {
  // safe: the caller pairs a definition with data of that definition's schema
  return definition.key(data as never);
}

/** The id of a fact: type without version, family and run if it has them, natural key. A retry has the same id. */
export function eventId(
  definition: { readonly type: string; readonly key: (data: never) => string },
  data: object,
): string {
  const key = naturalKey(definition, data);
  const name = definition.type.slice(0, definition.type.lastIndexOf('.v'));
  const run = runOf(data);
  const fact = run === null ? name : `${name}/${run.family}/${run.run}`;
  return key === '' ? fact : `${fact}/${key}`;
}
