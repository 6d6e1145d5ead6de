import { GATE_WINDOW_RUNS } from '../consensus/gate-figures.ts';
import type { WeightMode } from '../events/weights.ts';
import { divergenceSummary, lastMode } from '../projectors/divergence.ts';
import type { Queries } from '../projectors/projector.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { Recorder } from './recorder.ts';

/**
 * Records that weights are set in another mode than before, with the figures that a change to
 * `decentralized` rests on. Does nothing while the mode stays.
 */
export async function recordMode(
  { family, mode }: Readonly<{ family: string; mode: WeightMode }>,
  deps: Readonly<{
    divergence: Queries;
    record: Recorder;
    published: Checkpoints['published'];
  }>,
): Promise<void> {
  const last = await lastMode(deps.divergence);
  if (last?.mode === mode) return;
  const { records: _, ...figures } = await divergenceSummary(
    deps.divergence,
    family,
    GATE_WINDOW_RUNS,
  );
  const published = deps.published();
  const checkpoint = published === null ? null : { size: published.size, root: published.root };
  const change = { number: (last?.number ?? 0) + 1, family, from: last?.mode ?? null, to: mode };
  await deps.record([{ type: 'mode.changed.v1', data: { ...change, figures, checkpoint } }]);
}
