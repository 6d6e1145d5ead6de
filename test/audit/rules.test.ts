import { expect, test } from 'vitest';
import { auditLog } from '#src/audit/audit-log.ts';
import type { FaultCode } from '#src/audit/fault.ts';
import { blake2b256 } from '#src/chain/blake2b.ts';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import { decodeCommitmentExtrinsic } from '#src/consensus/commitment-extrinsic.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { sha256 } from '#src/events/hash.ts';
import { openFact, sealFact } from '#src/events/seal-box.ts';
import { devSigner } from '../support/dev-keys.ts';
import { GENESIS, honestLog, NETUID, noteOf, SELF } from '../support/honest-log.ts';
import { filesOf, sourceOf } from '../support/memory-log.ts';
import { provedCommitment } from '../support/proved-commitment.ts';
import { rewritten } from '../support/rewritten-log.ts';

const DEPS = { verify: verifySr25519, blake2b256 };
const LOGS = {
  decentralized: honestLog({ runs: 2, miners: 3, tasks: 2 }),
  shadow: honestLog({ runs: 2, miners: 3, tasks: 2, mode: 'shadow' }),
};

type Type = DomainEvent['type'];
type Of<T extends Type> = Extract<DomainEvent, { type: T }>;
type Change = (event: DomainEvent) => readonly DomainEvent[];

async function faultsOf(payloads: readonly Uint8Array[]): Promise<readonly FaultCode[]> {
  const expected = { hotkey: SELF.hotkey, genesis: GENESIS, netuid: NETUID, ownerHotkey: null };
  const source = sourceOf(filesOf(payloads, noteOf(payloads)));
  const { faults } = await auditLog(source, { ...expected, claims: [] }, DEPS);
  return faults.map(({ code }) => code);
}

/** Changes the data of the first event of a type. */
function altered<T extends Type>(type: T, change: (data: Of<T>['data']) => Of<T>['data']): Change {
  let done = false;
  return (event) => {
    if (done || event.type !== type) return [event];
    done = true;
    // safe: an event of this type
    return [{ type, data: change(event.data as Of<T>['data']) } as DomainEvent];
  };
}

/** Leaves out the events of a type, of both runs. */
const without =
  (type: Type): Change =>
  (event) =>
    event.type === type ? [] : [event];

/** Has the first event of a type come again behind the first of another. */
function again(type: Type, behind: Type): Change {
  let [kept, done]: [DomainEvent | null, boolean] = [null, false];
  return (event) => {
    if (event.type === type) kept ??= event;
    if (done || kept === null || event.type !== behind) return [event];
    done = true;
    return [event, kept];
  };
}

/** Changes the first sealed fact of a type as its owner can: he has the key. */
function unsealed<T extends 'score.recorded.v1' | 'report.signed.v1'>(
  type: T,
  change: (data: Of<T>['data']) => Of<T>['data'],
): Change {
  const key = keyOf('run-1');
  let done = false;
  return (event) => {
    if (done || event.type !== 'fact.sealed.v1' || event.data.of !== type) return [event];
    done = true;
    const opened = openFact(event.data, key);
    if (opened.kind !== 'opened') throw new Error(opened.found);
    // safe: an event of this type
    const data = change(opened.event.data as Of<T>['data']);
    return [sealFact({ type, data } as Of<T>, key)];
  };
}

function keyOf(run: string): string {
  let key = '';
  rewritten(LOGS.decentralized, (event) => {
    if (event.type === 'scores.opened.v1' && event.data.run === run) key = event.data.key;
    return [];
  });
  return key;
}

const OTHER = 'ab'.repeat(32);
const FORGED = 'ab'.repeat(64);
const STRANGER = devSigner('a stranger').hotkey;

const CASES: readonly (readonly [title: string, code: FaultCode, change: () => Change])[] = [
  ['no start', 'start-invalid', () => without('log.started.v1')],
  [
    'a start that its hotkey did not sign',
    'start-invalid',
    () => altered('log.started.v1', (data) => ({ ...data, signature: FORGED })),
  ],
  [
    'a start of somebody else',
    'start-invalid',
    () => altered('log.started.v1', (data) => ({ ...data, hotkey: STRANGER })),
  ],
  ['a second start', 'order-broken', () => again('log.started.v1', 'run.opened.v1')],
  ['a run that was never opened', 'order-broken', () => without('run.opened.v1')],
  ['a run that is opened twice', 'order-broken', () => again('run.opened.v1', 'snapshot.taken.v1')],
  ['a run that is closed twice', 'order-broken', () => again('run.closed.v1', 'scores.opened.v1')],
  ['scores of a closed run', 'order-broken', () => again('fact.sealed.v1', 'scores.opened.v1')],
  ['a report of an open run', 'order-broken', () => without('run.closed.v1')],
  [
    'a snapshot of another block',
    'inputs-differ',
    () =>
      altered('snapshot.taken.v1', (data) => ({
        ...data,
        snapshot: { ...data.snapshot, block: 7 },
      })),
  ],
  [
    'voters who are listed in another order',
    'inputs-differ',
    () =>
      altered('snapshot.taken.v1', (data) => ({
        ...data,
        snapshot: { ...data.snapshot, voters: data.snapshot.voters.toReversed() },
      })),
  ],
  ['a second snapshot', 'order-broken', () => again('snapshot.taken.v1', 'run.closed.v1')],
  [
    'another key',
    'seal-broken',
    () => altered('scores.opened.v1', (data) => ({ ...data, key: OTHER })),
  ],
  [
    'a key that is given twice',
    'order-broken',
    () => again('scores.opened.v1', 'inputs.gathered.v1'),
  ],
  ['no key', 'seal-unopened', () => without('scores.opened.v1')],
  [
    'another digest of a sealed fact',
    'seal-broken',
    () => altered('fact.sealed.v1', (data) => ({ ...data, digest: OTHER })),
  ],
  [
    'another score than was counted',
    'report-differs',
    () => unsealed('score.recorded.v1', (data) => ({ ...data, score: 1_000_000_000 })),
  ],
  [
    'a score of a miner outside the roster',
    'score-invalid',
    () => unsealed('score.recorded.v1', (data) => ({ ...data, miner: STRANGER })),
  ],
  [
    'a score of an excused pair',
    'score-invalid',
    () => unsealed('score.recorded.v1', (data) => ({ ...data, status: 'excused' })),
  ],
  [
    'a report that its hotkey did not sign',
    'signature-invalid',
    () => unsealed('report.signed.v1', (data) => ({ ...data, signature: FORGED })),
  ],
  [
    'a report under another digest',
    'report-differs',
    () => unsealed('report.signed.v1', (data) => ({ ...data, digest: OTHER })),
  ],
  [
    'another coverage',
    'report-differs',
    () => unsealed('report.signed.v1', (data) => ({ ...data, coverage: [] })),
  ],
  [
    'another account of what was committed to',
    'commitment-differs',
    () => altered('extrinsic.signed.v1', (data) => ({ ...data, carries: OTHER })),
  ],
  [
    'another name of an extrinsic',
    'commitment-differs',
    () => altered('extrinsic.signed.v1', (data) => ({ ...data, hash: OTHER })),
  ],
  [
    'an anchor of another tree',
    'anchor-differs',
    () => altered('run.closed.v1', (data) => ({ ...data, reason: 'commit-due' })),
  ],
  [
    'an attempt out of turn',
    'order-broken',
    () => altered('extrinsic.signed.v1', (data) => ({ ...data, attempt: 2 })),
  ],
  [
    'an extrinsic that was included and never signed',
    'order-broken',
    () => altered('extrinsic.included.v1', (data) => ({ ...data, hash: OTHER })),
  ],
  [
    'an end of another extrinsic',
    'order-broken',
    () => altered('extrinsic.settled.v1', (data) => ({ ...data, hash: OTHER })),
  ],
  [
    'commitments with a gap before them',
    'inputs-differ',
    () => altered('commitments.read.v1', (data) => ({ ...data, after: data.after + 1 })),
  ],
  [
    'commitments of a stranger',
    'inputs-differ',
    () =>
      altered('commitments.read.v1', (data) => ({
        ...data,
        found: data.found.map((each, at) => (at === 0 ? { ...each, hotkey: STRANGER } : each)),
      })),
  ],
  [
    'another commitment than the report',
    'inputs-differ',
    () =>
      altered('commitments.read.v1', (data) => ({
        ...data,
        found: data.found.map((each) => ({ ...each, first: { ...each.first, digest: OTHER } })),
      })),
  ],
  [
    'a report that a peer did not sign',
    'signature-invalid',
    () => altered('peer-report.accepted.v1', (data) => ({ ...data, signature: FORGED })),
  ],
  [
    'a second report of one peer',
    'inputs-differ',
    () => again('peer-report.accepted.v1', 'peer-report.accepted.v1'),
  ],
  ['inputs that leave a report out', 'inputs-differ', () => without('peer-report.accepted.v1')],
  [
    'inputs of another network',
    'inputs-differ',
    () => altered('inputs.gathered.v1', (data) => ({ ...data, netuid: 1 })),
  ],
  ['a decision without inputs', 'order-broken', () => without('inputs.gathered.v1')],
  [
    'another winner',
    'decision-differs',
    () =>
      altered('decision.made.v1', (data) => ({
        ...data,
        outcome: { ...data.outcome, reason: 'challenger-won' },
      })),
  ],
  [
    'another median',
    'decision-differs',
    () =>
      altered('decision.made.v1', (data) => ({
        ...data,
        medians: data.medians.map((each) => ({ ...each, median: 1 })),
      })),
  ],
  ['a second decision', 'order-broken', () => again('decision.made.v1', 'decision.signed.v1')],
  [
    'evidence of a decision after it',
    'order-broken',
    () => again('commitments.read.v1', 'decision.made.v1'),
  ],
  [
    'a decision that its hotkey did not sign',
    'signature-invalid',
    () => altered('decision.signed.v1', (data) => ({ ...data, signature: FORGED })),
  ],
  [
    'a signature over another decision',
    'decision-differs',
    () =>
      altered('decision.signed.v1', (data) => ({
        ...data,
        body: data.body.replace(/"inputs":"../, '"inputs":"00'),
      })),
  ],
  [
    'a statement that a peer did not sign',
    'signature-invalid',
    () => altered('peer-decision.accepted.v1', (data) => ({ ...data, signature: FORGED })),
  ],
  [
    'a statement under another outcome',
    'inputs-differ',
    () => altered('peer-decision.accepted.v1', (data) => ({ ...data, outcome: OTHER })),
  ],
  [
    'a certificate without enough stake',
    'certificate-differs',
    () =>
      altered('certificate.built.v1', (data) => ({
        ...data,
        certificate: { ...data.certificate, signatures: data.certificate.signatures.slice(2) },
      })),
  ],
  [
    'a certificate of another round',
    'certificate-differs',
    () =>
      altered('certificate.built.v1', (data) => ({
        ...data,
        certificate: {
          ...data.certificate,
          outcome: { ...data.certificate.outcome, targetBlock: 1 },
        },
      })),
  ],
  [
    'another figure of the signed stake',
    'certificate-differs',
    () => altered('certificate.built.v1', (data) => ({ ...data, signed: '1' })),
  ],
  [
    'a second certificate',
    'order-broken',
    () => again('certificate.built.v1', 'weights.intended.v1'),
  ],
  [
    'other weights than are certified',
    'weights-differ',
    () =>
      altered('weights.intended.v1', (data) => ({ ...data, vector: [{ uid: 0, weight: 65_535 }] })),
  ],
  [
    'another reason of the weights',
    'weights-differ',
    () => altered('weights.intended.v1', (data) => ({ ...data, reason: 'incumbent-kept' })),
  ],
  [
    'weights of another mode than is in force',
    'weights-differ',
    () => altered('weights.intended.v1', (data) => ({ ...data, mode: 'owner' })),
  ],
  ['weights without a certificate', 'weights-differ', () => without('certificate.built.v1')],
  ['a second intent', 'order-broken', () => again('weights.intended.v1', 'extrinsic.settled.v1')],
  [
    'weights that give way to a run that is not later',
    'order-broken',
    () => altered('weights.superseded.v1', (data) => ({ ...data, by: 'run-1' })),
  ],
  [
    'an observation that says the opposite of what was observed',
    'weights-differ',
    () => altered('weights.observed.v1', (data) => ({ ...data, matches: false })),
  ],
  [
    'an observation of no attempt',
    'order-broken',
    () => altered('weights.observed.v1', (data) => ({ ...data, attempt: 9 })),
  ],
  [
    'a change of mode that quotes other figures',
    'gate-differs',
    () =>
      altered('mode.changed.v1', (data) => ({
        ...data,
        figures: { ...data.figures, runs: 1, missing: 1 },
      })),
  ],
  [
    'a change of mode that quotes another checkpoint',
    'anchor-differs',
    () => altered('mode.changed.v1', (data) => ({ ...data, checkpoint: { size: 1, root: OTHER } })),
  ],
  [
    'a change of mode out of turn',
    'order-broken',
    () => altered('mode.changed.v1', (data) => ({ ...data, number: 2 })),
  ],
];

test('a log that is written anew without a change is clean, and a harmless change moves only its anchors', async () => {
  expect(await faultsOf(rewritten(LOGS.decentralized, (event) => [event]))).toEqual([]);
  const harmless = altered('run.closed.v1', (data) => ({ ...data, reason: 'commit-due' }));
  const faults = await faultsOf(rewritten(LOGS.decentralized, harmless));
  expect(new Set(faults)).toEqual(new Set(['anchor-differs']));
});

test.for(CASES)('%s is %s', async ([, code, change]) => {
  expect(await faultsOf(rewritten(LOGS.decentralized, change()))).toContain(code);
});

test.for<readonly [string, FaultCode, () => Change]>([
  [
    'another agreement with the owner',
    'divergence-differs',
    () => altered('divergence.recorded.v1', (data) => ({ ...data, topOneAgrees: false })),
  ],
  [
    'a comparison of another pick',
    'divergence-differs',
    () => altered('owner-pick.observed.v1', (data) => ({ ...data, winner: STRANGER })),
  ],
  [
    'a second comparison',
    'order-broken',
    () => again('divergence.recorded.v1', 'weights.intended.v1'),
  ],
  ['a comparison without a pick', 'order-broken', () => without('owner-pick.observed.v1')],
  [
    'other weights than the owner picked',
    'weights-differ',
    () =>
      altered('weights.intended.v1', (data) => ({
        ...data,
        winner: null,
        vector: [{ uid: 0, weight: 65_535 }],
      })),
  ],
])('in shadow mode, %s is %s', async ([, code, change]) => {
  expect(await faultsOf(rewritten(LOGS.shadow, change()))).toContain(code);
});

test('what others signed about this log’s peers has to be what they signed', async () => {
  const note = Buffer.from(noteOf(LOGS.decentralized)).toString();
  const data = {
    family: 'general_chat',
    run: 'run-1',
    hotkey: SELF.hotkey,
    source: 'x',
    size: 1,
    root: OTHER,
    note,
  };
  const added = rewritten(LOGS.decentralized, (event) =>
    event.type === 'scores.opened.v1' && event.data.run === 'run-1'
      ? [event, { type: 'checkpoint.observed.v1', data }]
      : [event],
  );
  expect(await faultsOf(added)).toContain('signature-invalid');
});

test('anchors that are read of this log are of this log', async () => {
  const anchor = {
    hotkey: SELF.hotkey,
    block: 1_050,
    generation: 0,
    size: 3,
    root: sha256('x'),
    commit: null,
  };
  const added = rewritten(LOGS.decentralized, (event) =>
    event.type === 'scores.opened.v1' && event.data.run === 'run-1'
      ? [
          event,
          {
            type: 'anchors.read.v1',
            data: {
              family: 'general_chat',
              run: 'run-1',
              after: 1_000,
              upTo: 1_100,
              anchors: [anchor],
            },
          },
        ]
      : [event],
  );
  expect(await faultsOf(added)).toContain('anchor-differs');
});

/** The log, with a proof behind its first commitment that the chain stored these fields, or the committed ones. */
async function faultsWithProof(change: Partial<Parameters<typeof provedCommitment>[0]>) {
  let [fields, done]: [readonly string[], boolean] = [[], false];
  const log = rewritten(LOGS.decentralized, (event) => {
    if (event.type === 'extrinsic.signed.v1' && event.data.purpose === 'commitment') {
      const decoded = decodeCommitmentExtrinsic(Buffer.from(event.data.bytes, 'hex'));
      if (decoded.kind === 'commitment') fields = decoded.fields.map((field) => field ?? '');
    }
    if (done || event.type !== 'extrinsic.settled.v1') return [event];
    done = true;
    const { family, run, block } = event.data;
    const slot = { netuid: NETUID, hotkey: SELF.hotkey, fields, block, ...change };
    const data = { family, run, block, proof: provedCommitment(slot), detail: '' };
    return [event, { type: 'commitment-proof.read.v1', data }];
  });
  return faultsOf(log);
}

test('a proof of the chain’s storage shows the commitment that was signed', async () => {
  expect(await faultsWithProof({})).not.toContain('commitment-differs');
  expect(await faultsWithProof({ fields: ['another text'] })).toContain('commitment-differs');
  expect(await faultsWithProof({ hotkey: STRANGER })).toContain('commitment-differs');
});
