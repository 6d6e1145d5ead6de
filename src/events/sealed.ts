import { z } from 'zod';
import { defineEvent } from './define-event.ts';
import { Hex32 } from './scalars.ts';

/** What may be sealed: facts that give scores away before everybody has committed to his own. */
export const SEALED_TYPES = [
  'task.invoked.v1',
  'invocation.excused.v1',
  'evidence.gathered.v1',
  'task.judged.v1',
  'verdict.refused.v1',
  'score.recorded.v1',
  'report.signed.v1',
] as const;
export type SealedType = (typeof SEALED_TYPES)[number];

/** A sealed report of 256 miners takes 60,000 characters; an event has 65,535 bytes. */
const MAX_BOX_LENGTH = 64_000;

/**
 * A fact of a run that stays unreadable until the run is opened. `digest` commits to it, `box` is its
 * encrypted text; both need the run's key, which `scores.opened` makes public after the commit block.
 */
export const FactSealed = defineEvent(
  'fact.sealed.v1',
  {
    /** The type of the fact inside, and its natural key. */
    of: z.enum(SEALED_TYPES),
    key: z.string().max(256),
    digest: Hex32,
    box: z.base64().max(MAX_BOX_LENGTH),
  },
  ({ of, key }) => `${of.slice(0, of.lastIndexOf('.v'))}${key === '' ? '' : `/${key}`}`,
);

/** The key that opens every sealed fact of the run, and its commitment's salt. */
export const ScoresOpened = defineEvent('scores.opened.v1', { key: Hex32 });
