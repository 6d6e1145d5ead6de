import { expect, test } from 'vitest';
import { watchedHistory } from '#src/cli/validator/telemetry.ts';
import { createMetrics } from '#src/http/metrics.ts';
import { simulatedHistory } from '../support/simulated-history.ts';

test('a conflict is counted once a slot, and shows until the process ends', async () => {
  const metrics = createMetrics();
  const { history, check } = watchedHistory(simulatedHistory(), metrics);
  const slot = { kind: 'report', family: 'general_chat', run: 'run-7' } as const;
  expect(await history.reserve(slot, 'one')).toEqual({ kind: 'reserved' });
  expect(check()).toEqual({ name: 'signing', ok: true, detail: 'nothing was refused' });

  // The step is taken again at each block.
  for (const _block of [1, 2, 3])
    expect(await history.reserve(slot, 'two')).toEqual({ kind: 'conflict', digest: 'one' });
  expect(await history.reserve({ ...slot, run: 'run-8' }, 'two')).toEqual({ kind: 'reserved' });
  expect(check()).toMatchObject({
    ok: false,
    detail: expect.stringContaining('two is not signed as the report of general_chat run-7'),
  });
  expect(await metrics.registry.metrics()).toContain(
    'eirel_signing_conflicts_total{kind="report"} 1',
  );
});
