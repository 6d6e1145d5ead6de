import { z } from 'zod';
import { canonicalReader } from './canonical-form.ts';
import { Envelope } from './envelope.ts';
import { ScoreRecorded } from './score.ts';
import { FactSealed } from './sealed.ts';

/**
 * Of a log's events nearly all are sealed scores: a million of them are read once each by whoever audits it. What
 * these return is what the parser and the schemas would; null says nothing.
 */

/** The envelope, with its data, of a sealed fact. */
export const readSealedFact = canonicalReader(
  Envelope.extend({ data: FactSealed.data, type: z.literal(FactSealed.type) }),
);

/** The score that a sealed fact's text has. */
export const readSealedScore = canonicalReader(
  z.strictObject({ data: ScoreRecorded.data, type: z.literal(ScoreRecorded.type) }),
);
