import { expect, test } from 'vitest';
import { auditLog } from '#src/audit/audit-log.ts';
import type { FaultCode } from '#src/audit/fault.ts';
import { auditServiceLog, type ServiceLogKind } from '#src/audit/service-log.ts';
import { blake2b256 } from '#src/chain/blake2b.ts';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { ownerSource } from '#src/events/source.ts';
import { EvidenceGathered } from '#src/events/task.ts';
import { ownerEvents } from '../support/evaluation-events.ts';
import { ledgerEventsOf, ledgerLog } from '../support/honest-ledger.ts';
import { GENESIS, honestLog, NETUID, noteOf, SELF } from '../support/honest-log.ts';
import { filesOf, sourceOf } from '../support/memory-log.ts';
import { retold } from '../support/retold-log.ts';

type Type = DomainEvent['type'];
type Of<T extends Type> = Extract<DomainEvent, { type: T }>;
type Invoked = Of<'task.invoked.v1'>['data'];

const LOG = honestLog({ runs: 1, miners: 3, tasks: 3, measured: 'all' });
const INVOKED: Invoked[] = [];
const EVIDENCE: Of<'evidence.gathered.v1'>['data'][] = [];
retold(LOG, (event) => {
  if (event.type === 'task.invoked.v1') INVOKED.push(event.data);
  if (event.type === 'evidence.gathered.v1') EVIDENCE.push(event.data);
  return [];
});
const LEDGER = INVOKED.flatMap(ledgerEventsOf);

async function audited(payloads: readonly Uint8Array[], kind: ServiceLogKind = 'ledger') {
  const files = filesOf(payloads, new Uint8Array(0));
  const all = sourceOf(files);
  // As a stream: without a checkpoint, and short where it ends.
  const source = {
    ...all,
    checkpoint: async () => null,
    tile: async () => null,
    entries: async (index: number) => {
      const left = payloads.length - index * 256;
      return left > 0 ? all.entries(index, Math.min(256, left)) : new Uint8Array(0);
    },
  };
  return auditServiceLog(source, kind);
}

async function codesOf(events: readonly DomainEvent[], kind?: ServiceLogKind) {
  const { verdict } = await audited(ledgerLog(events).payloads, kind);
  return verdict.faults.map(({ code, index }) => `${code} ${index}`);
}

/** Changes the first event of a type. */
function altered<T extends Type>(type: T, change: (data: Of<T>['data']) => Of<T>['data']) {
  const at = LEDGER.findIndex((event) => event.type === type);
  // safe: an event of this type
  return LEDGER.map((event, index) =>
    index === at ? ({ type, data: change(event.data as Of<T>['data']) } as DomainEvent) : event,
  );
}

/** Has the first event of a type come again at the end. */
function again(type: Type): readonly DomainEvent[] {
  return [...LEDGER, ...LEDGER.filter((event) => event.type === type).slice(0, 1)];
}

/** The totals of a ledger without jobs. */
const NOTHING_ODD = {
  jobs: 0,
  strays: 0,
  overQuota: 0,
  overBudget: 0,
  otherHashes: 0,
  pending: 0,
};

test('a ledger that kept to its rules is clean, and its totals are told', async () => {
  const { verdict } = await audited(ledgerLog(LEDGER).payloads);
  const jobs = INVOKED.length;
  expect(verdict.faults).toEqual([]);
  expect(verdict.ledger).toEqual({ ...NOTHING_ODD, jobs });
  expect(verdict.size).toBe(7 * jobs);
});

test('calls of two jobs may have one name', async () => {
  const named = new Map<string, number>();
  const events = LEDGER.map((event) => {
    if (!('call' in event.data && 'job' in event.data)) return event;
    const place = `${event.type} ${event.data.job}`;
    const count = named.get(place) ?? 0;
    named.set(place, count + 1);
    // safe: the same event, by another name
    return { ...event, data: { ...event.data, call: `call-${count}` } } as DomainEvent;
  });
  expect(named.size).toBeGreaterThan(2 * Math.max(...named.values()));
  const { verdict } = await audited(ledgerLog(events).payloads);
  expect(verdict.faults).toEqual([]);
  expect(verdict.ledger).toEqual({ ...NOTHING_ODD, jobs: INVOKED.length });
});

test.for<readonly [string, FaultCode, readonly DomainEvent[]]>([
  ['a job that is opened twice', 'order-broken', again('job.opened.v1')],
  ['a job that is closed twice', 'order-broken', again('job.closed.v1')],
  ['a job that is closed and was never opened', 'order-broken', LEDGER.slice(1)],
  [
    'a job that is closed for another run',
    'order-broken',
    altered('job.closed.v1', (data) => ({ ...data, run: 'run-9' })),
  ],
  [
    'a call that comes twice',
    'order-broken',
    LEDGER.flatMap((event, at) => (at === 1 ? [event, event] : [event])),
  ],
  ['a call of a closed job', 'order-broken', again('tool.called.v1')],
  ['a reserved call of a closed job', 'order-broken', again('cost.reserved.v1')],
  ['a call that is metered twice', 'order-broken', again('cost.metered.v1')],
  [
    'a call that is metered after its job and was not reserved',
    'order-broken',
    LEDGER.filter(({ type }) => type !== 'cost.reserved.v1'),
  ],
  [
    'a call that is metered as another model',
    'order-broken',
    altered('cost.metered.v1', (data) => ({ ...data, model: 'large' })),
  ],
  [
    'a reserved call of no job',
    'order-broken',
    [
      ...LEDGER,
      {
        type: 'cost.reserved.v1',
        data: { call: 'x', job: 'x', provider: 'p', model: 'm', most: null, prices: 'p' },
      },
    ],
  ],
  [
    'no cost, and no reason',
    'order-broken',
    altered('cost.metered.v1', (data) => ({ ...data, cost: null })),
  ],
  [
    'an event of another log',
    'order-broken',
    [...LEDGER, ...ownerEvents({ family: 'general_chat', run: 'run-1' }).slice(0, 1)],
  ],
])('%s is %s', async ([, code, events]) => {
  expect((await codesOf(events)).map((told) => told.split(' ')[0])).toContain(code);
});

test('calls of jobs that nobody opened, budgets and quotas are what the services let pass: counted, no faults', async () => {
  const events = LEDGER.filter(({ type }, at) => at > 0 && (at !== 5 || type !== 'job.closed.v1'));
  const cheap = events.map((event) =>
    event.type === 'job.opened.v1'
      ? { ...event, data: { ...event.data, budget: 1, calls: 1 } }
      : event,
  );
  const { verdict } = await audited(ledgerLog(cheap).payloads);
  const jobs = INVOKED.length - 1;
  expect(verdict.ledger).toEqual({
    ...NOTHING_ODD,
    jobs,
    strays: 1,
    overQuota: jobs,
    overBudget: jobs,
  });
});

test('a hash that a service sent for other arguments is counted, and no fault of the ledger', async () => {
  const events = altered('tool.called.v1', (data) => ({ ...data, args: '{}' }));
  const { verdict } = await audited(ledgerLog(events).payloads);
  expect(verdict.faults).toEqual([]);
  expect(verdict.ledger).toEqual({ ...NOTHING_ODD, jobs: INVOKED.length, otherHashes: 1 });
});

test('an altered ledger and one under another name are found at their event', async () => {
  const { payloads } = ledgerLog(LEDGER);
  const [first = new Uint8Array(0)] = payloads;
  const changed = Buffer.from(Buffer.from(first).toString().replace('"calls":12', '"calls":99'));
  expect((await audited([changed, ...payloads.slice(1)])).verdict.faults[0]).toMatchObject({
    code: 'chain-broken',
    index: 1,
  });
  expect(await codesOf(LEDGER, 'owner')).toContain('event-foreign 0');
});

test('the log of an owner is clean where it has an owner’s events alone', async () => {
  const source = ownerSource({ genesis: GENESIS, netuid: NETUID, hotkey: SELF.hotkey });
  const { payloads } = ledgerLog(ownerEvents({ family: 'general_chat', run: 'run-1' }), source);
  expect((await audited(payloads, 'owner')).verdict.faults).toEqual([]);
  expect((await audited(ledgerLog(LEDGER, source).payloads, 'owner')).verdict.faults[0]?.code).toBe(
    'order-broken',
  );
});

test('evidence names a head of the ledger: without one no ledger would contradict it', () => {
  const { data } = EvidenceGathered;
  const [evidence] = EVIDENCE;
  expect(data.safeParse(evidence).success).toBe(true);
  expect(data.safeParse({ ...evidence, ledger: null }).success).toBe(false);
  expect(data.safeParse({ ...evidence, ledger: { size: 0, hash: 'ab'.repeat(32) } }).success).toBe(
    false,
  );
});

/** The validator's log with the heads of a ledger in its evidence, as an honest validator writes them. */
function withHeads(
  change: (data: Of<'evidence.gathered.v1'>['data']) => Of<'evidence.gathered.v1'>['data'] = (
    data,
  ) => data,
  /** So many events of the ledger before the last one of the invocation. */
  { earlier }: Readonly<{ earlier: number }> = { earlier: 0 },
) {
  const { heads } = ledgerLog(LEDGER);
  let invoked = -1;
  return retold(LOG, (event) => {
    if (event.type === 'task.invoked.v1') invoked += 1;
    if (event.type !== 'evidence.gathered.v1') return [event];
    const head = heads[7 * (invoked + 1) - 1 - earlier];
    if (head === undefined) throw new Error('an invocation that the ledger knows nothing of');
    const ledger = { size: head.size, hash: head.hash };
    return [
      { ...event, data: change({ ...event.data, cost: { state: 'known', cost: 60_000 }, ledger }) },
    ];
  });
}

async function crossChecked(payloads: readonly Uint8Array[], ledger: readonly DomainEvent[]) {
  const { facts } = await audited(ledgerLog(ledger).payloads);
  const expected = {
    hotkey: SELF.hotkey,
    genesis: GENESIS,
    netuid: NETUID,
    ownerHotkey: null,
    claims: [],
  };
  const source = sourceOf(filesOf(payloads, noteOf(payloads)));
  const deps = { verify: verifySr25519, blake2b256 };
  const { faults, rules } = await auditLog(source, { ...expected, ledger: facts }, deps);
  const differing = faults.filter(({ code }) => code === 'ledger-differs').length;
  return { differing, beyondLedger: rules.beyondLedger };
}

test('what a validator says of its ledger is held against the ledger’s own log', async () => {
  expect(await crossChecked(withHeads(), LEDGER)).toEqual({ differing: 0, beyondLedger: 0 });
});

const left = (data: Of<'evidence.gathered.v1'>['data']) =>
  ({ ...data, cost: { state: 'left', calls: 1 } }) as const;

test('calls that a miner left under way are in its ledger’s log, reserved and not metered by then', async () => {
  const found = await crossChecked(withHeads(left, { earlier: 1 }), LEDGER);
  expect(found).toEqual({ differing: 0, beyondLedger: 0 });
});

test('a copy of a ledger that ends before what was read of it accuses nobody: that is counted', async () => {
  const older = await crossChecked(withHeads(), LEDGER.slice(0, -8));
  expect(older).toEqual({ differing: 0, beyondLedger: 2 });
  const none = await crossChecked(withHeads(), []);
  expect(none).toEqual({ differing: 0, beyondLedger: EVIDENCE.length });
});

test.for<readonly [string, readonly Uint8Array[], readonly DomainEvent[]]>([
  [
    'another head',
    withHeads((data) => ({
      ...data,
      ledger: { size: data.ledger.size, hash: 'ab'.repeat(32) },
    })),
    LEDGER,
  ],
  [
    'a head before the job was final',
    withHeads((data) => ({
      ...data,
      ledger: { size: 1, hash: ledgerLog(LEDGER).heads[0]?.hash ?? '' },
    })),
    LEDGER,
  ],
  [
    'a tool that was never called',
    withHeads((data) => ({ ...data, tools: ['rag.retrieve', 'sandbox', 'web_search'] })),
    LEDGER,
  ],
  [
    'a tool of which every call failed',
    withHeads((data) => ({ ...data, tools: ['sandbox', 'url_fetch', 'web_search'] })),
    LEDGER,
  ],
  [
    'another cost',
    withHeads((data) => ({ ...data, cost: { state: 'known', cost: 50_000 } })),
    LEDGER,
  ],
  ['a call left under way that was metered before', withHeads(left), LEDGER],
  [
    'a cost that is not known',
    withHeads((data) => ({ ...data, cost: { state: 'unknown', by: 'us', reason: '' } })),
    LEDGER,
  ],
])('%s is ledger-differs', async ([, payloads, ledger]) => {
  expect((await crossChecked(payloads, ledger)).differing).toBeGreaterThan(0);
});
