import { gateFigures } from '../consensus/gate-figures.ts';
import type { GateFigures } from '../events/mode.ts';
import { runSequence } from '../events/scalars.ts';
import type { Data } from './run-record.ts';

/** A closed run, with the first comparison of its consensus with the owner's pick; null where there is none. */
export type GateRun = {
  run: string;
  record: Data<'divergence.recorded.v1'> | null;
  /** Later comparisons, which do not count. */
  repeated: number;
};

/** Counts the figures that a change to `decentralized` rests on from the records of a log. */
export function countGate(closed: readonly GateRun[], window: number): GateFigures {
  return gateFigures(windowOf(closed, window), window);
}

/** A family's last `window` closed runs, by run sequence and not by time. */
export function windowOf(closed: readonly GateRun[], window: number): readonly GateRun[] {
  return closed.toSorted((a, b) => runSequence(a.run) - runSequence(b.run)).slice(-window);
}

/** The first comparisons of runs, in their order. */
export function recordsOf(runs: readonly GateRun[]): readonly Data<'divergence.recorded.v1'>[] {
  return runs.flatMap(({ record }) => record ?? []);
}
