import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { wait } from '../../runtime/clock.ts';
import type { Io } from '../command.ts';
import { progressBar } from '../progress.ts';
import { get } from './get.ts';
import type { RunningProcess } from './validators.ts';

const ASK_MS = 100;

/** A validator looks for the owner's run once a block; this is for a very loaded machine. */
const OPEN_TIMEOUT_MS = 30_000;

/** Miners are started, and asked one task after the other: some twenty seconds on two cores. */
const MEASURE_TIMEOUT_MS = 240_000;

/**
 * Waits until each of these validators has opened the run by the owner's roster, at the next block; at the one after it
 * they fetch the archives. Throws `subnet.failed` after a while.
 */
export async function untilOpened(
  run: string,
  validators: readonly RunningProcess[],
  { nextBlock, signal }: Readonly<{ nextBlock: () => Promise<void>; signal: AbortSignal }>,
): Promise<void> {
  await nextBlock();
  const deadline = AbortSignal.timeout(OPEN_TIMEOUT_MS);
  for (const { name, url, logFile } of validators) {
    while (!(await runsOf(url)).includes(run)) {
      if (deadline.aborted) throw late(run, name, 'it did not open the run', logFile);
      await wait(ASK_MS, signal);
      signal.throwIfAborted();
    }
  }
  await nextBlock();
}

/**
 * Waits until each of these validators has a result for so many pairs of a task and a miner; what the scores are is sealed,
 * that they are there is not. Throws `subnet.failed` after a while.
 */
export async function untilMeasured(
  run: string,
  validators: readonly RunningProcess[],
  { pairs, io }: Readonly<{ pairs: number; io: Io }>,
): Promise<void> {
  const deadline = AbortSignal.timeout(MEASURE_TIMEOUT_MS);
  using bar = progressBar(io, `measuring ${run}`, pairs * validators.length);
  for (;;) {
    const counts = await Promise.all(
      validators.map(async (validator) => ({ validator, ...(await measuredOf(validator, run)) })),
    );
    bar.show(counts.reduce((sum, { settled }) => sum + settled, 0));
    const behind = counts.find(({ settled }) => settled < pairs);
    if (behind === undefined) return;
    const { name, logFile } = behind.validator;
    const found = `${behind.settled} of ${pairs} results; it waits for ${behind.waitsFor}`;
    if (deadline.aborted) throw late(run, name, found, logFile);
    await wait(ASK_MS, io.signal);
    io.signal.throwIfAborted();
  }
}

const Status = z.looseObject({
  runs: z.array(z.looseObject({ run: z.string() })),
  evaluation: z
    .array(
      z.looseObject({
        run: z.string(),
        pairs: z.looseObject({ scored: z.int(), excused: z.int() }),
        waitsFor: z.array(z.looseObject({ what: z.string() })),
      }),
    )
    .nullable(),
});

async function statusOf(url: string): Promise<z.infer<typeof Status>> {
  return Status.parse(await (await get(`${url}/v1/status`)).json());
}

async function runsOf(url: string): Promise<readonly string[]> {
  return (await statusOf(url)).runs.map(({ run }) => run);
}

/** How many pairs of the run have a result, and what the others wait for. */
async function measuredOf(
  { url }: Pick<RunningProcess, 'url'>,
  run: string,
): Promise<Readonly<{ settled: number; waitsFor: string }>> {
  const seen = (await statusOf(url)).evaluation?.find((each) => each.run === run);
  if (seen === undefined) return { settled: 0, waitsFor: 'the run' };
  const waitsFor = seen.waitsFor.map(({ what }) => what).join(', ');
  return { settled: seen.pairs.scored + seen.pairs.excused, waitsFor: waitsFor || 'its miners' };
}

function late(run: string, validator: string, found: string, logFile: string): AppError {
  return new AppError('subnet.failed', { run, validator, found, next: `read ${logFile}` });
}
