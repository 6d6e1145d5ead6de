import { expect, test } from 'vitest';
import type { LogWriter } from '#src/events/log.ts';
import { MAX_WAITING_WISHES } from '#src/handlers/ledger/desk.ts';
import {
  heldAppends,
  JOB,
  memoryLedger,
  modelCall,
  reservedCall,
  TERMS,
  toolCall,
} from '../support/memory-ledger.ts';

const taken = (...again: readonly boolean[]) => ({
  kind: 'taken',
  facts: again.map((each) => ({ again: each, time: expect.any(String) as string })),
});
const conflict = (detail: string, index = 0) => ({
  kind: 'refused',
  code: 'request.conflict',
  detail,
  index,
});

test('a job is opened once: the same again is no other, other terms are refused', async () => {
  await using site = await memoryLedger();
  const { ledger } = site;
  expect(await ledger.open(TERMS)).toEqual(taken(false));
  expect(await ledger.open(TERMS)).toEqual(taken(true));
  expect(await ledger.open({ ...TERMS, budget: 1 })).toEqual(
    conflict(`the job ${JOB} was opened with other terms`),
  );
  expect(site.disk.messages).toHaveLength(1);
});

test('what is opened, attested and closed at once is ruled on in that order', async () => {
  await using site = await memoryLedger();
  const { ledger } = site;
  const answers = await Promise.all([
    ledger.attest([toolCall('before')]),
    ledger.open(TERMS),
    ledger.open(TERMS),
    ledger.attest([toolCall('a')]),
    ledger.attest([toolCall('a')]),
    ledger.attest([toolCall('a', { latencyMs: 13 })]),
    ledger.close(JOB),
    ledger.attest([toolCall('after')]),
    ledger.attest([toolCall('a')]),
    ledger.close(JOB),
    ledger.meter([modelCall('m')]),
  ]);
  expect(answers).toEqual([
    taken(false),
    taken(false),
    taken(true),
    taken(false),
    taken(true),
    conflict('another call was recorded as a'),
    taken(false),
    conflict(`the job ${JOB} is closed`),
    taken(true),
    taken(true),
    conflict(`the job ${JOB} is closed`),
  ]);
  expect(site.disk.messages.map(({ subject }) => subject)).toEqual([
    'ledger.tool.called',
    'ledger.job.opened.general_chat.run-7',
    'ledger.tool.called',
    'ledger.job.closed.general_chat.run-7',
  ]);
});

test('a call is named within its job: by that name another job has another one', async () => {
  await using site = await memoryLedger();
  const { ledger } = site;
  const other = { job: 'another-job', latencyMs: 13 };
  expect(await ledger.attest([toolCall('a'), toolCall('a', other)])).toEqual(taken(false, false));
  await ledger.meter([modelCall('m')]);
  expect(await ledger.meter([modelCall('m', { job: 'another-job', cost: 1 })])).toEqual(
    taken(false),
  );
  expect(await ledger.attest([toolCall('a'), toolCall('a', other)])).toEqual(taken(true, true));
  const { tools, models } = await ledger.statement('another-job');
  expect(tools.map(({ data }) => data)).toEqual([toolCall('a', other)]);
  expect(models.map(({ data }) => data.cost)).toEqual([1]);
});

test('of many calls all are taken, or none', async () => {
  await using site = await memoryLedger();
  const { ledger } = site;
  await ledger.attest([toolCall('a')]);
  const other = toolCall('a', { tool: 'sandbox' });
  expect(await ledger.attest([toolCall('b'), other])).toEqual(
    conflict('another call was recorded as a', 1),
  );
  expect(await ledger.attest([toolCall('b'), toolCall('b'), toolCall('a')])).toEqual(
    taken(false, true, true),
  );
  expect((await ledger.statement(JOB)).tools.map(({ data }) => data.call)).toEqual(['a', 'b']);
});

test('nobody closes a job that nobody opened', async () => {
  await using site = await memoryLedger();
  expect(await site.ledger.close(JOB)).toMatchObject({ code: 'request.not-found' });
  expect(site.disk.messages).toHaveLength(0);
});

test('a read shows all that was acknowledged before, and the head that it was read at', async () => {
  await using site = await memoryLedger();
  const { ledger } = site;
  for (let call = 0; call < 50; call++) {
    await ledger.attest([toolCall(`call-${call}`)]);
    const { calls, head } = await ledger.statement(JOB);
    expect(calls).toBe(call + 1);
    expect(head.size).toBe(call + 1);
  }
});

test('the cost of a job is the sum of its calls, and unknown once that of one call is', async () => {
  await using site = await memoryLedger();
  const { ledger } = site;
  const cost = async () => (await ledger.account(JOB)).cost;
  await ledger.open(TERMS);
  expect(await cost()).toEqual({ state: 'known', nanoUsd: 0 });
  await ledger.attest([toolCall('a'), toolCall('b', { status: 'error', cost: 500 })]);
  await ledger.meter([modelCall('m')]);
  expect(await cost()).toEqual({ state: 'known', nanoUsd: 3_045_500 });
  await ledger.meter([modelCall('n', { cost: null, promptTokens: null, unknown: 'provider' })]);
  const unknown = { state: 'unknown', reason: 'what one call cost is not known (provider)' };
  expect(await cost()).toEqual(unknown);
  expect((await ledger.statement(JOB)).calls).toBe(2);
});

test('a call that is reserved leaves the cost unknown until it is metered, whatever closes meanwhile', async () => {
  await using site = await memoryLedger();
  const { ledger } = site;
  await ledger.open(TERMS);
  await ledger.meter([modelCall('earlier')]);
  expect(await ledger.reserve(reservedCall('m'))).toEqual(taken(false));
  expect(await ledger.reserve(reservedCall('m'))).toEqual(taken(true));
  const open = {
    spent: { state: 'known', nanoUsd: 45_000 },
    pending: [{ data: reservedCall('m') }],
    cost: { state: 'unknown', reason: 'what one call cost is not metered yet' },
  };
  expect(await ledger.statement(JOB)).toMatchObject(open);
  await ledger.close(JOB);
  expect(await ledger.account(JOB)).toMatchObject(open);
  expect(await ledger.meter([modelCall('m')])).toEqual(taken(false));
  expect(await ledger.meter([modelCall('m')])).toEqual(taken(true));
  expect(await ledger.statement(JOB)).toMatchObject({
    pending: [],
    cost: { state: 'known', nanoUsd: 90_000 },
  });
});

test('a closed job takes the end of what was reserved before, and nothing new', async () => {
  await using site = await memoryLedger();
  const { ledger } = site;
  expect(await ledger.reserve(reservedCall('m'))).toMatchObject({ code: 'request.not-found' });
  await ledger.open(TERMS);
  await ledger.reserve(reservedCall('m'));
  await ledger.close(JOB);
  expect(await ledger.reserve(reservedCall('m'))).toEqual(taken(true));
  const closed = conflict(`the job ${JOB} is closed`);
  expect(await ledger.reserve(reservedCall('n'))).toEqual(closed);
  expect(await ledger.meter([modelCall('n')])).toEqual(closed);
  expect(await ledger.meter([modelCall('m', { model: 'cheap' })])).toEqual(
    conflict('another call was reserved as m'),
  );
  expect(await ledger.meter([modelCall('m')])).toEqual(taken(false));
  expect(await ledger.meter([modelCall('m', { cost: 1 })])).toEqual(
    conflict('another call was recorded as m'),
  );
});

test('reservation, end and close at once are ruled on in their order', async () => {
  await using site = await memoryLedger();
  const { ledger } = site;
  const answers = await Promise.all([
    ledger.open(TERMS),
    ledger.reserve(reservedCall('m')),
    ledger.close(JOB),
    ledger.meter([modelCall('m')]),
    ledger.reserve(reservedCall('late')),
  ]);
  expect(answers.map(({ kind }) => kind)).toEqual(['taken', 'taken', 'taken', 'taken', 'refused']);
});

test('a ledger that starts again knows what the one before it recorded', async () => {
  const first = await memoryLedger();
  await first.ledger.open(TERMS);
  await first.ledger.attest([toolCall('a')]);
  await first.ledger.reserve(reservedCall('m'));
  await first.ledger.close(JOB);
  await first[Symbol.asyncDispose]();

  await using site = await memoryLedger(first.disk);
  const { ledger } = site;
  expect(await ledger.attest([toolCall('a')])).toEqual(taken(true));
  expect(await ledger.attest([toolCall('b')])).toMatchObject({ kind: 'refused' });
  expect(await ledger.open(TERMS)).toEqual(taken(true));
  expect(await ledger.statement(JOB)).toMatchObject({
    opened: { data: TERMS, closed: true },
    tools: [{ data: toolCall('a') }],
    pending: [{ data: reservedCall('m') }],
  });
  expect(await ledger.meter([modelCall('m')])).toEqual(taken(false));
});

test('what waits is bounded: more is refused, and taken when it is sent again', async () => {
  const held = heldAppends();
  await using site = await memoryLedger(undefined, held.append);
  const { ledger } = site;
  const thousand = (name: number) =>
    Array.from({ length: 1_000 }, (_, index) => toolCall(`${name}-${index}`));
  const sent = Array.from({ length: MAX_WAITING_WISHES / 1_000 + 4 }, (_, index) =>
    ledger.attest(thousand(index)),
  );
  const refused = await Promise.race(sent.map((each) => each.then(() => null, String)));
  expect(refused).toContain('log.full');
  held.release();
  const settled = await Promise.allSettled(sent);
  const accepted = settled.filter(({ status }) => status === 'fulfilled').length;
  expect(settled.length - accepted).toBeGreaterThan(0);
  expect(site.disk.messages).toHaveLength(accepted * 1_000);
  expect(await ledger.attest(thousand(99))).toMatchObject({ kind: 'taken' });
});

test('an append that fails is told to everybody whose answer rests on it, and forgotten', async () => {
  let failing = true;
  const broken = (append: LogWriter['append']): LogWriter['append'] => {
    return async (drafts) => {
      if (failing) throw new Error('the disk is on fire');
      return append(drafts);
    };
  };
  await using site = await memoryLedger(undefined, broken);
  const { ledger } = site;
  const both = await Promise.allSettled([ledger.open(TERMS), ledger.open(TERMS)]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  failing = false;
  expect(await ledger.open(TERMS)).toEqual(taken(false));
});
