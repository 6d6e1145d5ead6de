import { z } from 'zod';
import { AppError } from '../errors.ts';
import { catalogue, type DomainEvent } from './catalogue.ts';

export type Definition = (typeof catalogue)[number];

const byType: ReadonlyMap<string, Definition> = new Map(
  catalogue.map((definition) => [definition.type, definition]),
);

/** The definition of an event type; undefined for a type that this build does not know. */
export function knownDefinition(type: string): Definition | undefined {
  return byType.get(type);
}

/** As `knownDefinition`, where it has to be known: throws `event.invalid`. */
export function definitionOf(type: string): Definition {
  const definition = byType.get(type);
  if (definition === undefined) {
    throw new AppError('event.invalid', {
      field: 'type',
      value: type,
      expected: 'a type of the catalogue; a newer build may know it',
    });
  }
  return definition;
}

/** The definition of an event that its schema allows; throws `event.invalid` for any other. */
export function checkedDefinition({ type, data }: DomainEvent): Definition {
  const definition = definitionOf(type);
  const parsed = definition.data.safeParse(data);
  if (parsed.success) return definition;
  throw new AppError('event.invalid', { type, issues: z.prettifyError(parsed.error) });
}
