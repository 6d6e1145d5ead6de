import { meanRhoMillionths } from '../consensus/rank-agreement.ts';
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

/**
 * Counts the figures that a change to `decentralized` rests on from the records of a log: over a family's last
 * `window` closed runs, by run sequence and not by time. A closed run without a record is missing, not absent, so
 * that nobody drops the runs that disagree.
 */
export function countGate(closed: readonly GateRun[], window: number): GateFigures {
  const runs = windowOf(closed, window);
  const records = recordsOf(runs);
  const compared = records.filter(({ topOneAgrees }) => topOneAgrees !== null);
  const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);
  return {
    window: {
      size: window,
      firstRun: runs.at(0)?.run ?? null,
      lastRun: runs.at(-1)?.run ?? null,
    },
    runs: runs.length,
    recorded: records.length,
    missing: runs.length - records.length,
    repeated: sum(runs.map(({ repeated }) => repeated)),
    agreement: {
      agreed: compared.filter(({ topOneAgrees }) => topOneAgrees === true).length,
      compared: compared.length,
    },
    undefinedRank: records.filter(({ rank }) => rank === null).length,
    meanRhoMillionths: meanRhoMillionths(records.map(({ rank }) => rank)),
    overlap: {
      common: sum(records.map(({ overlap }) => overlap?.common ?? 0)),
      of: sum(records.map(({ overlap }) => overlap?.k ?? 0)),
    },
  };
}

/** The last closed runs, by their sequence. */
export function windowOf(closed: readonly GateRun[], window: number): readonly GateRun[] {
  return closed.toSorted((a, b) => runSequence(a.run) - runSequence(b.run)).slice(-window);
}

/** The first comparisons of runs, in their order. */
export function recordsOf(runs: readonly GateRun[]): readonly Data<'divergence.recorded.v1'>[] {
  return runs.flatMap(({ record }) => record ?? []);
}
