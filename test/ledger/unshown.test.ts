import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Head } from '#src/events/envelope.ts';
import type { LogWriter } from '#src/events/log.ts';
import { MAX_UNSHOWN_BATCHES } from '#src/handlers/ledger/batches.ts';
import { MAX_WAITING_BYTES } from '#src/handlers/ledger/desk.ts';
import type { Queries } from '#src/projectors/projector.ts';
import type { Projection } from '#src/runtime/projection.ts';
import {
  heldAppends,
  JOB,
  type MemoryLedger,
  memoryLedger,
  modelCall,
  reservedCall,
  TERMS,
  toolCall,
} from '../support/memory-ledger.ts';
import { prng } from '../support/prng.ts';

/** A projection that shows nothing more until it is let go: before its ledger ends, at the latest. */
function hold(): Disposable & Held {
  const gate = Promise.withResolvers<void>();
  const projecting = (apply: Projection['apply']): Projection['apply'] => {
    return async (batch) => {
      await gate.promise;
      return apply(batch);
    };
  };
  const release = (): void => gate.resolve();
  return { projecting, release, [Symbol.dispose]: release };
}

type Held = Readonly<{
  projecting: (apply: Projection['apply']) => Projection['apply'];
  release: () => void;
}>;

async function everything({ ledger }: MemoryLedger): Promise<void> {
  await ledger.open(TERMS);
  await ledger.attest([toolCall('a'), toolCall('b', { cost: null })]);
  await ledger.reserve(reservedCall('m'));
  await ledger.reserve(reservedCall('n'));
  await ledger.meter([modelCall('m')]);
  await ledger.attest([toolCall('other', { job: 'another-job' })]);
  await ledger.close(JOB);
}

test('what was acknowledged is read and ruled on as if the projection showed it', async () => {
  const gate = hold();
  await using held = await memoryLedger(undefined, undefined, gate.projecting);
  using _released = gate;
  await using prompt = await memoryLedger();
  await everything(held);
  await everything(prompt);
  const read = await held.ledger.statement(JOB);
  expect(read).toMatchObject({ opened: { closed: true }, calls: 2, head: { size: 8 } });
  expect(read).toEqual(await prompt.ledger.statement(JOB));
  const { tools: _tools, models: _models, ...standing } = read;
  expect(await held.ledger.account(JOB)).toEqual(standing);
  expect(await prompt.ledger.account(JOB)).toEqual(standing);
  expect((await held.ledger.statement('another-job')).calls).toBe(1);
  expect(await held.ledger.attest([toolCall('a')])).toMatchObject({ facts: [{ again: true }] });
  expect(await held.ledger.attest([toolCall('c')])).toMatchObject({ kind: 'refused' });
});

test('a read names a head that all it tells stands before, whatever is recorded while it reads', async () => {
  let meanwhile: (() => Promise<void>) | null = null;
  const reading = (queries: Queries): Queries => ({
    all: async (...asked) => {
      const now = meanwhile;
      meanwhile = null;
      await now?.();
      return queries.all(...asked);
    },
  });
  await using site = await memoryLedger(undefined, undefined, undefined, reading);
  const { ledger } = site;
  await ledger.open(TERMS);
  meanwhile = async () => {
    await ledger.close(JOB);
    while (ledger.unshown() > 0) await new Promise((resolve) => void setImmediate(resolve));
  };
  const { opened, head } = await ledger.statement(JOB);
  expect([opened?.closed, head]).toEqual([true, await headOf(site)]);
});

/** What its log ends with. */
async function headOf({ disk }: MemoryLedger): Promise<Head> {
  await using again = await memoryLedger(disk);
  return (await again.ledger.statement(JOB)).head;
}

test('what was acknowledged and never projected is there after a restart', async () => {
  const gate = hold();
  await using first = await memoryLedger(undefined, undefined, gate.projecting);
  using _released = gate;
  await everything(first);
  const read = await first.ledger.statement(JOB);
  await using second = await memoryLedger(first.disk);
  expect(await second.ledger.statement(JOB)).toEqual(read);
});

test('whoever was acknowledged reads it, in order and once, however far the projection is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string(), async (seed) => {
      const random = prng(seed);
      const turns = async (most: number): Promise<void> => {
        for (let left = Math.floor(random() * most); left > 0; left--)
          await new Promise((resolve) => void setImmediate(resolve));
      };
      const projecting = (apply: Projection['apply']): Projection['apply'] => {
        return async (batch) => {
          await turns(20);
          return apply(batch);
        };
      };
      await using site = await memoryLedger(undefined, undefined, projecting);
      const { ledger } = site;
      const work = async (sender: number): Promise<void> => {
        const own = new Map<string, string[]>();
        for (let sent = 0; sent < 8; sent++) {
          const job = `job-${Math.floor(random() * 3)}`;
          const calls = [0, 1].map((each) => `${sender}-${sent}-${each}`);
          await ledger.attest(calls.map((call) => toolCall(call, { job })));
          const mine = [...(own.get(job) ?? []), ...calls];
          own.set(job, mine);
          await turns(4);
          const { tools, head } = await ledger.statement(job);
          const names = tools.map(({ data }) => data.call);
          expect(new Set(names).size).toBe(names.length);
          expect(names.filter((name) => name.startsWith(`${sender}-`))).toEqual(mine);
          expect(head.size).toBeGreaterThanOrEqual(names.length);
        }
      };
      await Promise.all([0, 1, 2, 3].map(work));
      const found = await Promise.all([0, 1, 2].map((job) => ledger.statement(`job-${job}`)));
      expect(found.flatMap(({ tools }) => tools)).toHaveLength(site.disk.messages.length);
      const accounts = await Promise.all([0, 1, 2].map((job) => ledger.account(`job-${job}`)));
      expect(accounts.map(({ calls }) => calls)).toEqual(found.map(({ calls }) => calls));
    }),
    { numRuns: 12 },
  );
});

test('nothing more is acknowledged than may be kept in memory, until the projection shows some of it', async () => {
  const gate = hold();
  await using site = await memoryLedger(undefined, undefined, gate.projecting);
  using _released = gate;
  const { ledger } = site;
  for (let call = 0; call < MAX_UNSHOWN_BATCHES; call++)
    await ledger.attest([toolCall(`call-${call}`)]);
  let acknowledged = false;
  const next = ledger.attest([toolCall('next')]).then(() => {
    acknowledged = true;
  });
  expect((await ledger.statement(JOB)).calls).toBe(MAX_UNSHOWN_BATCHES);
  expect(acknowledged).toBe(false);
  expect(ledger.waiting()).toBe(1);
  expect(ledger.unshown()).toBe(MAX_UNSHOWN_BATCHES);
  gate.release();
  await next;
  expect(ledger.waiting()).toBe(0);
  expect((await ledger.statement(JOB)).calls).toBe(MAX_UNSHOWN_BATCHES + 1);
});

test('what is stored behind an append that fails makes no second event when it is sent again', async () => {
  const fault = Promise.withResolvers<never>();
  const stored = Promise.withResolvers<void>();
  const firstFails = (append: LogWriter['append']): LogWriter['append'] => {
    let appends = 0;
    return async (drafts) => {
      if (appends++ === 0) return fault.promise;
      const result = await append(drafts);
      stored.resolve();
      return result;
    };
  };
  const gate = hold();
  await using site = await memoryLedger(undefined, firstFails, gate.projecting);
  using _released = gate;
  const { ledger } = site;
  const both = [ledger.attest([toolCall('a')])];
  while (ledger.waiting() > 0) await new Promise((resolve) => void setImmediate(resolve));
  both.push(ledger.attest([toolCall('c')]));
  await stored.promise;
  fault.reject(new Error('the disk is on fire'));
  const settled = await Promise.allSettled(both);
  expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await ledger.attest([toolCall('c')])).toMatchObject({ facts: [{ again: true }] });
  expect(await ledger.attest([toolCall('a')])).toMatchObject({ facts: [{ again: false }] });
  expect(site.disk.messages).toHaveLength(2);
});

test('what waits is bounded in bytes, too', async () => {
  const held = heldAppends();
  await using site = await memoryLedger(undefined, held.append);
  const { ledger } = site;
  const args = JSON.stringify({ query: 'x'.repeat(40_000) });
  const large = (name: string) =>
    Array.from({ length: Math.ceil(MAX_WAITING_BYTES / args.length) }, (_, index) =>
      toolCall(`${name}-${index}`, { args }),
    );
  const [first, second, third] = [large('first'), large('second'), large('third')].map((calls) =>
    ledger.attest(calls),
  );
  await expect(second).rejects.toMatchObject({ code: 'log.full' });
  await expect(third).rejects.toMatchObject({ code: 'log.full' });
  held.release();
  expect(await first).toMatchObject({ kind: 'taken' });
});
