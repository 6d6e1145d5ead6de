import { detailOf } from '../../events/scalars.ts';

/**
 * What of ours a pair waits for; a closed list, because operators count by it.
 * - `judge`: it does not answer, or gives no verdict
 * - `oracles`: they or their reconciler do not answer
 * - `ledger`: a job is not opened, closed, read or metered to its end
 * - `calls`: calls of models that the miner did not wait for are not metered yet
 * - `services`: one of our own was away while the miner worked
 * - `runtime`: it is not there, or its failure blames nobody
 * - `miner`: it does not answer, and is asked again
 * - `documents`: an answer or a reference is not kept here
 * - `attempts`: all that a pair may have are used up
 * - `run`: it changed, or this validator stops
 * - `defect`: something here threw
 */
export type Cause =
  | 'judge'
  | 'oracles'
  | 'ledger'
  | 'calls'
  | 'services'
  | 'runtime'
  | 'miner'
  | 'documents'
  | 'attempts'
  | 'run'
  | 'defect';

/** A step that says nothing about the miner: it is tried again, and excused when the run ends first. */
export type Later = Readonly<{ kind: 'later'; cause: Cause; detail: string }>;

/** Puts a pair off, with the reason in words. */
export function later(cause: Cause, detail: string): Later {
  return { kind: 'later', cause, detail: detailOf(detail) };
}
