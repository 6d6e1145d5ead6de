import type { Validator } from '../../handlers/validator.ts';
import { type AskSpace, gatedBySpace } from '../../sequencer/space.ts';

type Work = Pick<Validator, 'openRun' | 'closeRun' | 'compareAgain' | 'importScores'>;

/**
 * What an operator can command, but that nothing new begins while a disk is nearly full: no run, no more scores. What
 * is under way goes on to its weights, which take little, and which a validator owes whatever its disk is like.
 */
export function gateWork({ openRun, importScores, ...others }: Work, askSpace: AskSpace): Work {
  return {
    ...others,
    openRun: gatedBySpace(openRun, askSpace),
    importScores: gatedBySpace(importScores, askSpace),
  };
}
