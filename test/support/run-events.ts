import type { DomainEvent } from '#src/events/catalogue.ts';
import type { Certificate, Outcome } from '#src/events/decision.ts';
import type { Snapshot } from '#src/events/snapshot.ts';

import { evaluationEvents, ledgerEvents, ownerEvents } from './evaluation-events.ts';
import { digest, hotkey, signature } from './recorded-events.ts';

export const FAMILY = 'general_chat';
const [own, peer, miner] = [hotkey('a'), hotkey('b'), hotkey('m')];
const seat = { hotkey: miner, uid: 7, registeredAt: 42 };
const vector = [
  { uid: 0, weight: 65_535 },
  { uid: 7, weight: 65_535 },
];

export function snapshot(rowCount: number): Snapshot {
  return {
    block: 100,
    blockHash: digest('b'),
    rowCount,
    voters: [
      { hotkey: own, coldkey: hotkey('c'), uid: 1, stake: '12345678901234567890', axon: null },
    ],
    miners: [seat],
    incumbent: null,
  };
}

export function outcomeOf(run: string): Outcome {
  return {
    v: 'eirel/outcome/1',
    rules: 'swm/1',
    genesis: digest('0'),
    netuid: 36,
    family: FAMILY,
    run,
    roster: digest('a'),
    open: { known: true, block: 100, blockHash: digest('b'), digest: digest('d') },
    kind: 'winner',
    reason: 'first-winner',
    winner: seat,
    vector,
    targetBlock: 500,
  };
}

/** One event of each type of the catalogue, for one run, in the order of a run. */
export function runEvents(run: string): readonly DomainEvent[] {
  const place = { family: FAMILY, run };
  return [
    ...proof(run),
    ...scoring(run),
    ...exchange(run),
    ...deciding(run),
    ...settling(run),
    ...evaluationEvents(place),
    ...ledgerEvents(place),
    ...ownerEvents(place),
  ];
}

function proof(run: string): readonly DomainEvent[] {
  const place = { family: FAMILY, run };
  const tree = { size: 12, root: digest('c') };
  return [
    {
      type: 'log.started.v1',
      data: { hotkey: own, body: '{}', signature: signature('1') },
    },
    {
      type: 'mode.changed.v1',
      data: {
        number: 2,
        family: FAMILY,
        from: 'shadow',
        to: 'decentralized',
        figures: {
          window: { size: 20, firstRun: 'run-1', lastRun: 'run-20' },
          runs: 20,
          recorded: 20,
          missing: 0,
          repeated: 0,
          agreement: { agreed: 19, compared: 20 },
          undefinedRank: 0,
          meanRhoMillionths: 900_000,
          overlap: { common: 57, of: 60 },
        },
        checkpoint: tree,
      },
    },
    {
      type: 'fact.sealed.v1',
      data: {
        ...place,
        of: 'score.recorded.v1',
        key: `t-2/${miner}`,
        digest: digest('a'),
        box: '',
      },
    },
    { type: 'scores.opened.v1', data: { ...place, key: digest('e') } },
    {
      type: 'anchors.read.v1',
      data: {
        ...place,
        after: 100,
        upTo: 200,
        anchors: [{ hotkey: peer, block: 150, generation: 0, ...tree, commit: null }],
      },
    },
    {
      type: 'checkpoint.observed.v1',
      data: { ...place, hotkey: peer, source: 'log-of-b', ...tree, note: 'note' },
    },
    {
      type: 'evidence.accepted.v1',
      data: { ...place, kind: 'report', hotkey: peer, digest: digest('f'), file: '{}' },
    },
  ];
}

function scoring(run: string): readonly DomainEvent[] {
  const place = { family: FAMILY, run };
  const phases = { snapshot: 100, commit: 200, decide: 300, certify: 400 };
  const score = { task: 't-1', miner, status: 'scored', score: 7, basis: 'final' } as const;
  const miss = { phase: 'open', block: 99, reason: 'unavailable', rowCount: null } as const;
  return [
    {
      type: 'run.opened.v1',
      data: { ...place, roster: digest('a'), miners: [miner], tasks: ['t-1'], phases },
    },
    { type: 'snapshot.missed.v1', data: { ...place, ...miss, detail: 'timeout' } },
    { type: 'snapshot.taken.v1', data: { ...place, phase: 'open', snapshot: snapshot(256) } },
    { type: 'score.recorded.v1', data: { ...place, ...score, evidence: digest('e') } },
    { type: 'run.closed.v1', data: { ...place, reason: 'requested' } },
  ];
}

function exchange(run: string): readonly DomainEvent[] {
  const place = { family: FAMILY, run };
  const report = (hotkey: string, digit: string) => ({
    ...place,
    hotkey,
    body: '{}',
    signature: signature(digit),
    digest: digest(digit),
  });
  const coverage = [{ miner, judged: 1, excused: 0, missing: 0 }];
  const scores = [{ miner, weight: 1_000_000_000 }];
  const first = { block: 190, digest: digest('7') };
  return [
    { type: 'report.signed.v1', data: { ...report(own, '1'), coverage } },
    {
      type: 'commitments.read.v1',
      data: { ...place, after: 100, upTo: 200, found: [{ hotkey: peer, first, second: null }] },
    },
    {
      type: 'commitments.missed.v1',
      data: { ...place, block: 350, reason: 'unavailable', detail: 'timeout' },
    },
    {
      type: 'commitment-proof.read.v1',
      data: {
        ...place,
        block: 150,
        proof: { blockHash: digest('a'), header: 'ab', nodes: ['AA=='] },
        detail: '',
      },
    },
    { type: 'peer-report.accepted.v1', data: { ...report(peer, '2'), servedBy: peer } },
    {
      type: 'peer-report.rejected.v1',
      data: { ...place, peer, reason: 'timeout', detail: 'no answer', digest: null },
    },
    {
      type: 'equivocation.recorded.v1',
      data: { ...report(peer, '3'), servedBy: own, firstDigest: digest('2') },
    },
    {
      type: 'owner-pick.observed.v1',
      data: { ...place, winner: miner, share: 1_000_000_000, scores, evidence: digest('e') },
    },
    { type: 'owner-pick.missed.v1', data: { ...place, detail: 'no answer' } },
  ];
}

function deciding(run: string): readonly DomainEvent[] {
  const place = { family: FAMILY, run };
  const outcome = outcomeOf(run);
  const half = { num: 1, den: 2 };
  const rules = {
    version: 'swm/1',
    quorum: half,
    minerQuorum: half,
    minColdkeys: 3,
    margin: 50_000_000,
    familyShare: 500_000_000,
    minVectorLength: 1,
    certificateQuorum: half,
    requireCommitment: false,
  } as const;
  const chain = { genesis: digest('0'), netuid: 36, roster: digest('a'), decideBlock: 300 };
  const signed = (hotkey: string, digit: string) => ({
    ...place,
    hotkey,
    body: '{}',
    signature: signature(digit),
    outcome: digest(digit),
  });
  return [
    {
      type: 'inputs.gathered.v1',
      data: {
        ...place,
        ...chain,
        rules,
        open: outcome.open,
        current: outcome.open,
        commitments: null,
        reports: [],
      },
    },
    {
      type: 'decision.made.v1',
      data: {
        ...place,
        inputs: digest('1'),
        quorum: { reported: '2', total: '3', coldkeys: 3, reached: true },
        medians: [],
        incumbent: null,
        outcome,
      },
    },
    { type: 'decision.signed.v1', data: signed(own, '5') },
    { type: 'peer-decision.accepted.v1', data: signed(peer, '5') },
    {
      type: 'peer-decision.rejected.v1',
      data: { ...place, peer, reason: 'bad-signature', detail: 'forged' },
    },
  ];
}

function settling(run: string): readonly DomainEvent[] {
  const place = { family: FAMILY, run };
  const certificate: Certificate = {
    v: 'eirel/certificate/1',
    outcome: outcomeOf(run),
    signatures: [],
  };
  const stake = { signed: '2', total: '3' };
  const rank = { n: 3, num: '6', denA: '8', denB: '8' };
  const compared = { consensusWinner: miner, ownerWinner: miner, topOneAgrees: true, rank };
  const digests = { inputs: digest('1'), owner: digest('2') };
  const intent = { mode: 'shadow', reason: 'owner-pick', winner: miner, vector } as const;
  return [
    { type: 'certificate.built.v1', data: { ...place, certificate, ...stake } },
    { type: 'certificate.missed.v1', data: { ...place, block: 400, ...stake } },
    { type: 'divergence.recorded.v1', data: { ...place, ...compared, overlap: null, ...digests } },
    { type: 'divergence.repeated.v1', data: { ...place, ...digests } },
    { type: 'weights.intended.v1', data: { ...place, ...intent, targetBlock: 500, outcome: null } },
    { type: 'weights.superseded.v1', data: { ...place, by: 'run-8' } },
    ...attempted(run),
    {
      type: 'weights.observed.v1',
      data: {
        ...place,
        attempt: 1,
        block: 510,
        vector,
        matches: true,
        lastUpdate: 502,
        activityCutoff: 5_000,
        weightsRateLimit: 100,
        detail: '',
      },
    },
  ];
}

/** An extrinsic from its signature to its end. */
function attempted(run: string): readonly DomainEvent[] {
  const at = { family: FAMILY, run, purpose: 'weights', attempt: 1 } as const;
  const carries = digest('c');
  const hash = digest('e');
  const seen = { block: 502, blockHash: digest('b') };
  return [
    {
      type: 'extrinsic.signed.v1',
      data: {
        ...at,
        carries,
        call: 'SubtensorModule.set_weights',
        hash,
        bytes: '00',
        nonce: 3,
        birth: 500,
        death: 532,
        reveal: null,
      },
    },
    { type: 'extrinsic.included.v1', data: { ...at, hash, ...seen } },
    {
      type: 'extrinsic.settled.v1',
      data: {
        ...at,
        carries,
        hash,
        outcome: 'succeeded',
        ...seen,
        error: null,
        errorClass: null,
        detail: '',
        retryAt: null,
      },
    },
  ];
}

/** The data of a run's event of a type. */
export function dataOf<Type extends DomainEvent['type']>(
  run: string,
  type: Type,
): Extract<DomainEvent, { type: Type }>['data'] {
  const event = runEvents(run).find((event) => event.type === type);
  if (event === undefined) throw new Error(`no event of type ${type}`);
  // safe: found by its type
  return event.data as never;
}
