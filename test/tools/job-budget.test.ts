import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JobState } from '#src/handlers/ledger/ledger-port.ts';
import { createReservations } from '#src/handlers/reservations.ts';
import { callTool, type Performed } from '#src/handlers/tools/call-tool.ts';
import { createJobDesk } from '#src/handlers/tools/job-desk.ts';
import { type FakeLedger, fakeLedger } from '../support/fake-ledger.ts';
import { JOB } from '../support/tool-site.ts';

const PRICE = 5;
const RULES = { quota: 1_000, price: PRICE, exhausted: (max: number) => `at most ${max}` };
const DONE: Performed = { status: 200, body: {}, result: {}, cost: PRICE, error: null };

function ledgerOf(terms: Partial<JobState>): FakeLedger {
  const ledger = fakeLedger();
  ledger.open(JOB, terms);
  return ledger;
}

/** One service over a ledger, under the clock that all have. */
function service(ledger: Pick<FakeLedger, 'readJob' | 'attest'>, name = 's', clock = { ms: 0 }) {
  let named = 0;
  const desk = createJobDesk({
    ledger,
    reservations: createReservations(),
    nowMs: () => clock.ms,
  });
  const deps = { desk, ledger, newCall: () => `${name}-${++named}`, elapsedMs: () => clock.ms };
  const call = (perform = async () => DONE, asked: number | null = null) =>
    callTool({ job: JOB, asked }, { tool: name, args: {}, perform }, RULES, deps);
  return { call, desk };
}

/** A service whose every step comes when the scheduler lets it; the ledger's word of a call may come at once. */
function slowService(ledger: FakeLedger, scheduler: fc.Scheduler, taken: 'late' | 'at once') {
  const step = (name: string) => scheduler.schedule(Promise.resolve(), name);
  const { call, desk } = service({
    readJob: async (job) => {
      await step('the question');
      const read = await ledger.readJob(job);
      await step('the answer');
      return read;
    },
    attest: async (word) => {
      await step('the word');
      const answer = await ledger.attest(word);
      if (taken === 'late') await step('that it was taken');
      return answer;
    },
  });
  const begin = async () => {
    await step('the request');
    return call(async () => {
      await step('the call');
      return DONE;
    });
  };
  return { begin, desk };
}

describe('the budget of a job', () => {
  test('is kept by one service, however its calls, the ledger and the resets of its counts fall', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.record({
          calls: fc.integer({ min: 1, max: 12 }),
          room: fc.integer({ min: 1, max: 6 }),
          places: fc.integer({ min: 1, max: 6 }),
          lost: fc.integer({ min: 0, max: 4 }),
          resets: fc.integer({ min: 0, max: 2 }),
        }),
        async (scheduler, { calls, room, places, lost, resets }) => {
          const ledger = ledgerOf({ budget: room * PRICE, maxCalls: places });
          ledger.losesAnswers = lost;
          const { begin, desk } = slowService(ledger, scheduler, 'late');
          const made = Promise.all(Array.from({ length: calls }, begin));
          for (let reset = 0; reset < resets; reset++)
            void scheduler.schedule(Promise.resolve(), 'a reset').then(() => desk.reset());
          await scheduler.waitFor(made);
          expect(ledger.calls.length).toBeLessThanOrEqual(Math.min(room, places));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('is there to its end, however calls that it has room for end while others are decided', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.integer({ min: 1, max: 8 }),
        fc.boolean(),
        async (scheduler, calls, byMoney) => {
          const ledger = ledgerOf(byMoney ? { budget: calls * PRICE } : { maxCalls: calls });
          const { begin } = slowService(ledger, scheduler, 'at once');
          const made = Promise.all(Array.from({ length: calls }, begin));
          await scheduler.waitFor(made);
          for (const answer of await made) expect(answer).toMatchObject({ kind: 'answer' });
        },
      ),
      { numRuns: 300 },
    );
  });

  test('is kept where the ledger has a call and its word of it was lost', async () => {
    const ledger = ledgerOf({ budget: PRICE });
    const { call } = service(ledger);
    ledger.losesAnswers = 2;
    expect(await call()).toMatchObject({ status: 503 });
    expect(ledger.calls).toHaveLength(1);
    expect(await call()).toMatchObject({ status: 429, detail: 'run budget exhausted' });
  });

  test('is given back, a while after the ledger did not answer, where it has no such call', async () => {
    const ledger = ledgerOf({ budget: PRICE });
    const clock = { ms: 0 };
    const { call } = service(ledger, 's', clock);
    const losing = async (): Promise<Performed> => {
      ledger.away = true;
      return DONE;
    };
    expect(await call(losing)).toMatchObject({ status: 503 });
    ledger.away = false;
    expect(await call()).toMatchObject({ status: 429, detail: 'run budget exhausted' });
    clock.ms += 10_000;
    expect(await call()).toMatchObject({ kind: 'answer' });
  });

  test('is kept by two services that call in turns, and asks for no second of trust', async () => {
    const ledger = ledgerOf({ budget: 10 * PRICE });
    const services = [service(ledger, 'one'), service(ledger, 'other')];
    for (let round = 0; round < 12; round++) for (const { call } of services) await call();
    expect(ledger.calls).toHaveLength(10);
  });

  test('is exceeded by two services at once by no more than what one has under way', async () => {
    const ledger = ledgerOf({ budget: 10 * PRICE });
    const services = [service(ledger, 'one'), service(ledger, 'other')];
    const release = Promise.withResolvers<Performed>();
    const calls = services.flatMap(({ call }) =>
      Array.from({ length: 12 }, () => call(() => release.promise)),
    );
    const settled = Promise.all(calls);
    await expect.poll(() => ledger.reads).toBeGreaterThanOrEqual(24);
    release.resolve(DONE);
    await settled;
    for (let round = 0; round < 12; round++) for (const { call } of services) await call();
    expect(ledger.calls.length).toBeLessThanOrEqual(10 + 8);
  });
});
