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
 * Waits until each of these validators has a score for so many pairs of a task and a miner; what the scores are is sealed
 * in its log, that they are there is not. Throws `subnet.failed` after a while.
 */
export async function untilMeasured(
  run: string,
  validators: readonly RunningProcess[],
  { pairs, io }: Readonly<{ pairs: number; io: Io }>,
): Promise<void> {
  const deadline = AbortSignal.timeout(MEASURE_TIMEOUT_MS);
  using bar = progressBar(io, `measuring ${run}`, pairs * validators.length);
  const counts = validators.map((validator) => ({ validator, from: 0, scores: 0 }));
  for (;;) {
    for (const count of counts) await countScores(run, count);
    bar.show(counts.reduce((sum, { scores }) => sum + scores, 0));
    const behind = counts.find(({ scores }) => scores < pairs);
    if (behind === undefined) return;
    const { name, logFile } = behind.validator;
    if (deadline.aborted) throw late(run, name, `${behind.scores} of ${pairs} scores`, logFile);
    await wait(ASK_MS, io.signal);
    io.signal.throwIfAborted();
  }
}

const Status = z.looseObject({ runs: z.array(z.looseObject({ run: z.string() })) });

async function runsOf(url: string): Promise<readonly string[]> {
  const answer = await get(`${url}/v1/status`);
  return Status.parse(await answer.json()).runs.map(({ run }) => run);
}

const Stored = z.looseObject({
  data: z.looseObject({ run: z.string().optional(), of: z.string().optional() }),
});

/** Reads on in a validator's log, and counts the sealed scores of the run. */
async function countScores(
  run: string,
  count: { readonly validator: RunningProcess; from: number; scores: number },
): Promise<void> {
  const answer = await get(`${count.validator.url}/v1/log/events?from=${count.from}`);
  const lines = (await answer.text()).split('\n').filter((line) => line !== '');
  count.from += lines.length;
  for (const line of lines) {
    const { data } = Stored.parse(JSON.parse(line));
    if (data.run === run && data.of === 'score.recorded.v1') count.scores += 1;
  }
}

function late(run: string, validator: string, found: string, logFile: string): AppError {
  return new AppError('subnet.failed', { run, validator, found, next: `read ${logFile}` });
}
