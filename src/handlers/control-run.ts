import { z } from 'zod';
import { AppError } from '../errors.ts';
import type { DomainEvent } from '../events/catalogue.ts';
import { type RunClosed, RunOpened } from '../events/run.ts';
import { runSequence } from '../events/scalars.ts';
import type { Run } from '../projectors/run-state.ts';
import type { Recorder } from './recorder.ts';

export type KnownRun = Readonly<{ run: string; status: 'open' | 'closed' }>;
type RunData = z.infer<typeof RunOpened.data>;
type KnownRunData = Pick<Run, keyof RunData>;

/**
 * The event that opens a run, or `input.invalid`: a run is of this validator's family, its phases lie
 * ahead, its sequence is above every run before it, and a known run is not opened twice with other content.
 */
export function decideOpening(
  input: unknown,
  view: { family: string; runs: readonly KnownRun[]; block: number | null },
): DomainEvent {
  const parsed = RunOpened.data.safeParse(input);
  if (!parsed.success)
    throw new AppError('input.invalid', { field: 'run', expected: z.prettifyError(parsed.error) });
  const { family, run, phases } = parsed.data;
  if (family !== view.family) {
    throw new AppError('input.invalid', {
      field: 'family',
      value: family,
      expected: `${view.family}, the family of this validator (EIREL_FAMILY)`,
    });
  }
  const newest = view.runs.toSorted((a, b) => runSequence(b.run) - runSequence(a.run))[0];
  if (newest !== undefined && runSequence(run) <= runSequence(newest.run)) {
    throw new AppError('input.invalid', {
      field: 'run',
      value: run,
      expected: `a run after ${newest.run}`,
    });
  }
  if (view.block !== null && phases.commit <= view.block) {
    throw new AppError('input.invalid', {
      field: 'phases.commit',
      value: phases.commit,
      expected: `a block after ${view.block}, the newest finalised one`,
    });
  }
  return { type: 'run.opened.v1', data: parsed.data };
}

/** Opens a run. Opening the same run with the same content again changes nothing. */
export async function openRun(
  input: unknown,
  deps: {
    family: string;
    listRuns: (family: string) => Promise<readonly KnownRun[]>;
    findRun: (family: string, run: string) => Promise<KnownRunData | null>;
    finalizedBlock: () => number | null;
    record: Recorder;
  },
): Promise<{ readonly opened: boolean }> {
  const parsed = RunOpened.data.safeParse(input);
  if (parsed.success) {
    const known = await deps.findRun(parsed.data.family, parsed.data.run);
    if (known !== null && sameRun(known, parsed.data)) return { opened: false };
  }
  const runs = parsed.success ? await deps.listRuns(parsed.data.family) : [];
  await deps.record([
    decideOpening(input, { family: deps.family, runs, block: deps.finalizedBlock() }),
  ]);
  return { opened: true };
}

/** Closes a run for scores. Closing a closed run changes nothing. */
export async function closeRun(
  { family, run, reason }: z.infer<typeof RunClosed.data>,
  deps: { findRun: (family: string, run: string) => Promise<KnownRun | null>; record: Recorder },
): Promise<{ readonly closed: boolean }> {
  const known = await deps.findRun(family, run);
  if (known === null)
    throw new AppError('input.invalid', {
      field: 'run',
      value: `${family}/${run}`,
      expected: 'a run that was opened',
    });
  if (known.status === 'closed') return { closed: false };
  await deps.record([{ type: 'run.closed.v1', data: { family, run, reason } }]);
  return { closed: true };
}

function sameRun(known: KnownRunData, asked: RunData): boolean {
  const facts = ({ family, run, roster, miners, tasks, phases }: KnownRunData): string =>
    JSON.stringify([
      family,
      run,
      roster,
      miners,
      tasks,
      phases.snapshot,
      phases.commit,
      phases.decide,
      phases.certify,
    ]);
  return facts(known) === facts(asked);
}
