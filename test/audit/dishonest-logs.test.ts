import { expect, test } from 'vitest';
import { auditLog, type Expectations, type LogVerdict } from '#src/audit/audit-log.ts';
import { evidenceOfCheckpoints } from '#src/audit/evidence-checkpoints.ts';
import { evidenceOfReports } from '#src/audit/evidence-documents.ts';
import { evidenceText } from '#src/audit/evidence-form.ts';
import { blake2b256 } from '#src/chain/blake2b.ts';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import { ROSTER_TYPE } from '#src/evaluation/roster.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { encode, type Json } from '#src/events/ej1.ts';
import { sha256 } from '#src/events/hash.ts';
import { openFact } from '#src/events/seal-box.ts';
import { devSigner } from '../support/dev-keys.ts';
import { alone, checkpoint, history, report } from '../support/evidence-cases.ts';
import { FAMILY, GENESIS, honestLog, NETUID, noteOf, SELF, SOURCE } from '../support/honest-log.ts';
import { logStarted } from '../support/log-start.ts';
import { filesOf, sourceOf } from '../support/memory-log.ts';
import { rewritten } from '../support/rewritten-log.ts';

const DEPS = { verify: verifySr25519, blake2b256 };
const HONEST = honestLog({ runs: 2, miners: 3, tasks: 2 });

const EXPECTED: Expectations = {
  hotkey: SELF.hotkey,
  genesis: GENESIS,
  netuid: NETUID,
  ownerHotkey: null,
  claims: [],
};

function verdictOf(payloads: readonly Uint8Array[]): Promise<LogVerdict> {
  return auditLog(sourceOf(filesOf(payloads, noteOf(payloads))), EXPECTED, DEPS);
}

async function faultsOf(payloads: readonly Uint8Array[]): Promise<readonly string[]> {
  const { faults } = await verdictOf(payloads);
  return faults.map(({ code }) => code);
}

function added(after: DomainEvent['type'], event: DomainEvent): readonly Uint8Array[] {
  let done = false;
  return rewritten(HONEST, (each) => {
    if (done || each.type !== after) return [each];
    done = true;
    return [each, event];
  });
}

const VICTIM = devSigner('v2');

function accepted(
  file: string,
  changes: Partial<Extract<DomainEvent, { type: 'evidence.accepted.v1' }>['data']> = {},
): DomainEvent {
  const about = { family: FAMILY, run: 'run-1', kind: 'report', hotkey: VICTIM.hotkey } as const;
  return {
    type: 'evidence.accepted.v1',
    data: { ...about, digest: sha256(file), file, ...changes },
  };
}

function twoReports(): string {
  const of = { genesis: GENESIS, netuid: NETUID, run: 'run-1' };
  return evidenceOfReports(report(1, of, VICTIM), report(2, of, VICTIM));
}

test('a log whose first event is of an unknown type does not escape the rules that need its start', async () => {
  const payloads = rewritten(HONEST, (event, n) =>
    n === 0 ? [{ renamed: 'log.started.v9' }] : [event],
  );
  expect(await faultsOf(payloads)).toEqual(['start-invalid']);
});

test('events of types that nobody here knows the rules of are no clean log, at the first of each type', async () => {
  let first = 0;
  const payloads = rewritten(HONEST, (event, n) => {
    if (event.type !== 'weights.observed.v1') return [event];
    first ||= n;
    return [{ renamed: 'weights.observed.v9' }];
  });
  const { faults, unknown } = await verdictOf(payloads);
  expect(unknown).toEqual({ 'weights.observed.v9': 2 });
  expect(faults.filter(({ code }) => code === 'event-unknown')).toEqual([
    {
      code: 'event-unknown',
      index: first,
      where: null,
      expected: 'events of known types',
      found: '2 of weights.observed.v9, whose rules were not applied',
    },
  ]);
});

test('a log of another network is found out by the whole genesis hash, not by the digits in its name', async () => {
  const genesis = GENESIS.slice(0, 8).padEnd(64, '0');
  const payloads = rewritten(HONEST, (event, n) =>
    n === 0 ? [logStarted(SELF, SOURCE, { genesis, netuid: NETUID })] : [event],
  );
  expect(await faultsOf(payloads)).toContain('start-invalid');
});

test('rosters that nobody signed exclude nobody, also where the owner is not known', async () => {
  const body = { genesis: GENESIS, netuid: NETUID, family: FAMILY, run: 'run-1' };
  const documents = [1, 2]
    .map((x) => encode({ ...body, x }))
    .toSorted((a, b) => (sha256(a) < sha256(b) ? -1 : 1))
    .map(
      (text): Json => ({
        alg: 'sr25519',
        body: text,
        hotkey: VICTIM.hotkey,
        signature: 'ab'.repeat(64),
        type: ROSTER_TYPE,
      }),
    );
  const file = evidenceText('roster', [documents[0] ?? null, documents[1] ?? null]);
  const payloads = added('run.opened.v1', accepted(file, { kind: 'roster' }));
  expect(await faultsOf(payloads)).toContain('evidence-invalid');
});

test('evidence that is recorded as it is passes', async () => {
  expect(await faultsOf(added('weights.observed.v1', accepted(twoReports())))).not.toContain(
    'evidence-invalid',
  );
});

test.for([
  ['another family', { family: 'another' }],
  ['another run', { run: 'run-2' }],
] as const)('evidence that is recorded as of %s is a fault', async ([, changes]) => {
  const payloads = added('weights.observed.v1', accepted(twoReports(), changes));
  expect(await faultsOf(payloads)).toContain('evidence-invalid');
});

test('evidence of no run counts from the newest run on, not from one that its finder chose', async () => {
  const log = added('weights.observed.v1', accepted(forkOf(VICTIM), { kind: 'checkpoint' }));
  expect(await faultsOf(log)).not.toContain('evidence-invalid');
  const late = { kind: 'checkpoint', run: 'run-900' } as const;
  const postponed = added('weights.observed.v1', accepted(forkOf(VICTIM), late));
  expect(await faultsOf(postponed)).toContain('evidence-invalid');
});

test('a report that was not computed here can not come in as a peer’s', async () => {
  const own = ownReportOf('run-1');
  let moved = false;
  const payloads = rewritten(HONEST, (event) => {
    if (event.type === 'fact.sealed.v1' && event.data.of === 'report.signed.v1') return [];
    if (moved || event.type !== 'scores.opened.v1') return [event];
    moved = true;
    const { coverage: _, ...signed } = own;
    const data = { ...signed, servedBy: VICTIM.hotkey };
    return [event, { type: 'peer-report.accepted.v1', data }];
  });
  expect(await faultsOf(payloads)).toContain('report-differs');
});

test('a commitment to a report that the log does not hold is a fault', async () => {
  const payloads = rewritten(HONEST, (event) =>
    event.type === 'fact.sealed.v1' && event.data.of === 'report.signed.v1' ? [] : [event],
  );
  expect(await faultsOf(payloads)).toContain('commitment-differs');
});

test('facts of a run that gave way to a later one do not stay sealed unseen', async () => {
  const dropped = new Set<DomainEvent['type']>([
    'scores.opened.v1',
    'inputs.gathered.v1',
    'decision.made.v1',
  ]);
  const payloads = rewritten(HONEST, (event) =>
    dropped.has(event.type) && 'run' in event.data && event.data.run === 'run-1' ? [] : [event],
  );
  expect(await faultsOf(payloads)).toContain('seal-unopened');
});

test('weights in a mode that the log never changed to are a fault', async () => {
  const payloads = rewritten(HONEST, (event) => (event.type === 'mode.changed.v1' ? [] : [event]));
  expect(await faultsOf(payloads)).toContain('weights-differ');
});

test('nobody certifies his own decision by rules under which his signature is enough', async () => {
  const certificateQuorum = { num: 0, den: 1 };
  const payloads = rewritten(HONEST, (event) => {
    if (event.type !== 'inputs.gathered.v1') return [event];
    const { data } = event;
    return [{ ...event, data: { ...data, rules: { ...data.rules, certificateQuorum } } }];
  });
  const { faults } = await verdictOf(payloads);
  expect(faults).toContainEqual(
    expect.objectContaining({ expected: 'a certificate quorum of more than 1/2' }),
  );
});

function forkOf(signer: typeof VICTIM): string {
  const log = { genesis: GENESIS, netuid: NETUID };
  const [one, other] = [history(9)(9), history(9, 3)(9)].map((face) =>
    alone({ note: checkpoint(face, log, signer) }),
  );
  if (one === undefined || other === undefined) throw new Error('no checkpoints');
  return evidenceOfCheckpoints(one, other);
}

/** The report in the sealed fact of a run, as its key opens it. */
function ownReportOf(run: string) {
  const events: DomainEvent[] = [];
  rewritten(HONEST, (event) => {
    if ('run' in event.data && event.data.run === run) events.push(event);
    return [];
  });
  const key = events.find((event) => event.type === 'scores.opened.v1')?.data.key ?? '';
  for (const event of events) {
    if (event.type !== 'fact.sealed.v1') continue;
    const opened = openFact(event.data, key);
    if (opened.kind === 'opened' && opened.event.type === 'report.signed.v1')
      return opened.event.data;
  }
  throw new Error('no report');
}
