import type { z } from 'zod';
import type { DivergenceRecorded } from '../events/divergence.ts';
import type { GateFigures } from '../events/mode.ts';
import { meanRhoMillionths } from './rank-agreement.ts';

/** Closed runs that the gate to `decentralized` looks back on: two months of runs of three days. */
export const GATE_WINDOW_RUNS = 20;

/** A closed run, with the first comparison of its consensus with the owner's pick; null where there is none. */
type ComparedRun = Readonly<{
  run: string;
  record: z.infer<typeof DivergenceRecorded.data> | null;
  /** Later comparisons, which do not count. */
  repeated: number;
}>;

/**
 * The figures of the gate over a window that was to have `size` closed runs, given by their sequence. A run without a
 * record is missing, not absent, so that nobody drops the runs that disagree.
 */
export function gateFigures(runs: readonly ComparedRun[], size: number): GateFigures {
  const records = runs.flatMap(({ record }) => record ?? []);
  const compared = records.filter(({ topOneAgrees }) => topOneAgrees !== null);
  return {
    window: { size, firstRun: runs.at(0)?.run ?? null, lastRun: runs.at(-1)?.run ?? null },
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

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}
