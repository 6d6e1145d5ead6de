/*
 * From when on what a miner's submission does not do is the miner's failure: validators keep to them, and auditors hold
 * them to it.
 */

/** So often a miner's service that does not answer is asked; then it is the miner's failure. */
export const MAX_UNREACHABLE = 5;

/**
 * So often a judge is asked about an answer that it gives no verdict on, although it gives one on an answer of ours to the
 * same question; then it is the miner's failure: an answer that talks a judge out of judging is worth nothing.
 */
export const MAX_REFUSALS = 5;

/**
 * So often a validator asks a miner a task again whose runtime was not ready any more after an answer that failed, where
 * nothing says that the submission ended itself; then it counts as any other answer.
 */
export const MAX_EXCUSED_ATTEMPTS = 3;

/** A submission that fails so often by its own fault is not started any more: its miner failed the rest of the run. */
export const MAX_OWN_FAULTS = 3;
