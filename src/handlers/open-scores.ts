import type { RunKeys } from '../events/run-key.ts';
import type { Recorder } from './recorder.ts';

/**
 * Records the key of a run's sealed facts, once nobody can commit to scores any more: whoever reads the log
 * opens them with it, and checks with the same key, the salt, what was committed to.
 */
export async function openScores(
  { family, run }: Readonly<{ family: string; run: string }>,
  { keys, record }: Readonly<{ keys: RunKeys; record: Recorder }>,
): Promise<void> {
  await record([{ type: 'scores.opened.v1', data: { family, run, key: keys({ family, run }) } }]);
}
