import { expect, test } from 'vitest';
import type { Kept } from '#src/handlers/evaluation/keep-runtimes.ts';
import { createSecondLook } from '#src/handlers/evaluation/second-look.ts';
import type { RuntimeRecord } from '#src/projectors/runtime-queries.ts';
import { wantedRuntime } from '../../support/wanted-runtime.ts';

const { family, run, submission, miner, deployment } = wantedRuntime();
const instance = { family, run, submission, miner, deployment };
const ASKED = { deployment, attempt: 1 };

function kept(
  standing: 'ready' | 'waiting',
  { attempt = 1, ours = null }: Readonly<{ attempt?: number; ours?: boolean | null }> = {},
): Kept {
  const why = { reason: 'crashed', exitCode: null, detail: 'why' } as const;
  const record: RuntimeRecord = {
    ...instance,
    attempt,
    phase: ours === null ? 'ready' : 'failed',
    failure: ours === null ? null : { ...instance, attempt, ...why, ours },
    faults: { own: 0, ours: 0 },
  };
  const stands = { standing, url: null, record, waitsFor: null };
  return { kind: 'known', standings: new Map([[deployment, stands]]) };
}

const UNKNOWN: Kept = { kind: 'unknown', detail: 'no answer' };
const unknownBy = (why: string) => ({ kind: 'unknown', detail: expect.stringContaining(why) });

test.for<[string, Kept, string | null]>([
  ['is the same and ready is its miner’s', kept('ready'), null],
  ['ended by its own fault is its miner’s', kept('waiting', { ours: false }), null],
  ['ended by our fault is excused', kept('waiting', { ours: true }), 'failed by us: why'],
  ['is not ready any more is excused', kept('waiting'), 'not ready any more'],
  ['is another attempt by now is excused', kept('ready', { attempt: 2 }), 'not ready any more'],
  ['nobody knows of is excused', UNKNOWN, 'not known: no answer'],
])('a failed answer whose runtime %s', async ([, next, detail]) => {
  const { whyExcused, look } = createSecondLook(new AbortController().signal);
  const why = whyExcused(ASKED);
  await look(async () => next);
  if (detail === null) expect(await why).toBeNull();
  else
    expect(await why).toEqual({
      kind: next === UNKNOWN ? 'unknown' : 'befell',
      detail: expect.stringContaining(detail),
    });
});

test('only a look that is begun after the failure counts', async () => {
  const { whyExcused, look } = createSecondLook(new AbortController().signal);
  const early = Promise.withResolvers<Kept>();
  const looking = look(() => early.promise);
  const why = whyExcused(ASKED);
  early.resolve(kept('ready'));
  await looking;
  await look(async () => kept('waiting', { ours: true }));
  expect(await why).toMatchObject({ detail: expect.stringContaining('failed by us') });
});

test('whose fault ended an attempt is known when its next one runs', async () => {
  const { whyExcused, look } = createSecondLook(new AbortController().signal);
  await look(async () => kept('waiting', { ours: false }));
  const why = whyExcused(ASKED);
  await look(async () => kept('ready', { attempt: 2 }));
  expect(await why).toBeNull();
});

test('of a run that is spared nobody knows how its runtimes stand', async () => {
  const { whyExcused, look } = createSecondLook(new AbortController().signal);
  const why = whyExcused(ASKED);
  await look(async () => ({ kind: 'known', standings: new Map() }));
  expect(await why).toMatchObject(unknownBy('its run is spared'));
});

test('nobody waits for a look that fails, or when the validator stops', async () => {
  const stop = new AbortController();
  const { whyExcused, look } = createSecondLook(stop.signal);
  const first = whyExcused(ASKED);
  await expect(look(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(await first).toMatchObject(unknownBy('failed'));
  const second = whyExcused(ASKED);
  stop.abort();
  expect(await second).toMatchObject(unknownBy('stops'));
  expect(await whyExcused(ASKED)).toMatchObject(unknownBy('stops'));
});
