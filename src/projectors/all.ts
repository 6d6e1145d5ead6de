import { decisions } from './decisions.ts';
import { divergence } from './divergence.ts';
import { evaluation } from './evaluation.ts';
import { evidence } from './evidence.ts';
import { extrinsics } from './extrinsics.ts';
import { reports } from './reports.ts';
import { rosters } from './rosters.ts';
import { runState } from './run-state.ts';
import { scoreStore } from './score-store.ts';

/** Every projector of the validator's log, in the order in which they are opened and listed. */
export const projectors = {
  runState,
  scoreStore,
  reports,
  decisions,
  divergence,
  extrinsics,
  evidence,
  evaluation,
  rosters,
} as const;
