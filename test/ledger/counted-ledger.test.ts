import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { countedLedger } from '#src/cli/ledger/counted-ledger.ts';
import { AppError } from '#src/errors.ts';
import type { Ledger } from '#src/handlers/ledger/ledger.ts';
import { createLedgerMetrics } from '#src/http/ledger/ledger-metrics.ts';
import { JOB, memoryLedger, modelCall, TERMS, toolCall } from '../support/memory-ledger.ts';

function counting(ledger: Ledger) {
  const registry = new Registry();
  const { waiting, unshown } = ledger;
  const counted = countedLedger(ledger, createLedgerMetrics(registry, { waiting, unshown }));
  const counts = async (): Promise<Readonly<Record<string, number>>> => {
    const metric = await registry.getSingleMetric('eirel_ledger_wishes_total')?.get();
    const values = metric?.values ?? [];
    return Object.fromEntries(
      values.map(({ labels, value }) => [`${labels['kind']} ${labels['outcome']}`, value]),
    );
  };
  return { counted, counts };
}

test('everything that is sent counts once, by what came of it', async () => {
  await using site = await memoryLedger();
  const { counted, counts } = counting(site.ledger);
  await counted.close(JOB);
  await counted.open(TERMS);
  await counted.attest([toolCall('a'), toolCall('b'), toolCall('a')]);
  await counted.attest([toolCall('c'), toolCall('a', { latencyMs: 99 })]);
  await counted.meter([modelCall('m')]);
  await counted.close(JOB);
  expect(await counts()).toEqual({
    'close not-found': 1,
    'open recorded': 1,
    'attest recorded': 2,
    'attest again': 1,
    'attest conflict': 2,
    'meter recorded': 1,
    'close recorded': 1,
  });
});

test.for([
  ['full', new AppError('log.full', {})],
  ['unavailable', new AppError('log.unavailable', {})],
] as const)(
  'what the ledger takes nothing of counts as %s, and is told on',
  async ([outcome, fault]) => {
    await using site = await memoryLedger();
    const refusing: Ledger = { ...site.ledger, attest: () => Promise.reject(fault) };
    const { counted, counts } = counting(refusing);
    await expect(counted.attest([toolCall('a'), toolCall('b')])).rejects.toBe(fault);
    expect(await counts()).toEqual({ [`attest ${outcome}`]: 2 });
  },
);
