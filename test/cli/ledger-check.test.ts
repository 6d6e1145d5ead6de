import { expect, test } from 'vitest';
import { ledgerCheck } from '#src/cli/ledger-check.ts';

test('why the ledger does not answer is told to the log, and not to whoever asks a service that miners reach', async () => {
  const logged: unknown[] = [];
  const logger = { warn: (...said: readonly unknown[]) => void logged.push(said) };
  const reason = 'no answer from http://ledger.internal:8788';
  const away = { readJob: async () => ({ kind: 'unavailable', detail: reason }) as const };
  const check = await ledgerCheck(away, logger);
  expect(check).toMatchObject({ name: 'ledger', ok: false });
  expect(JSON.stringify(check)).not.toContain('internal');
  expect(JSON.stringify(logged)).toContain(reason);
  const there = { readJob: async () => ({ kind: 'ok', job: null }) as const };
  expect(await ledgerCheck(there, logger)).toMatchObject({ ok: true });
  expect(logged).toHaveLength(1);
});
