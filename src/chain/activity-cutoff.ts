import { z } from 'zod';
import type { StorageItem } from './reads.ts';

/** What the cutoff follows from; the chain dropped the item with the plain number when the factor came (spec 423). */
export function activityCutoffItems(netuid: number): Readonly<Record<string, StorageItem>> {
  return {
    activityCutoff: ['subtensorModule', 'activityCutoff', netuid],
    activityCutoffFactorMilli: ['subtensorModule', 'activityCutoffFactorMilli', netuid],
    tempo: ['subtensorModule', 'tempo', netuid],
  };
}

/**
 * Blocks after which a validator that set no weights does not count: factor × tempo / 1000 where the chain
 * has the factor, else the plain number. One of them must be there.
 */
export const ActivityCutoff = z
  .object({
    activityCutoff: z.int().min(0).optional(),
    activityCutoffFactorMilli: z.int().min(0).optional(),
    tempo: z.int().min(0),
  })
  .transform(({ activityCutoff, activityCutoffFactorMilli: factor, tempo }, context) => {
    if (factor !== undefined) return Math.max(1, Math.floor((factor * tempo) / 1_000));
    if (activityCutoff !== undefined) return activityCutoff;
    context.addIssue('the metadata describes no activity cutoff');
    return z.NEVER;
  });
