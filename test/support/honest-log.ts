import { blake2b256 } from '#src/chain/blake2b.ts';
import { buildCertificate } from '#src/consensus/certificate.ts';
import {
  anchorPayload,
  commitmentPayload,
  commitmentV2,
  scoreDigest,
} from '#src/consensus/commitment.ts';
import { commitmentFacts } from '#src/consensus/commitment-facts.ts';
import { compositesOf } from '#src/consensus/composite.ts';
import { type DecisionFacts, decide, holdOutcome } from '#src/consensus/decide.ts';
import { decideWeights } from '#src/consensus/intended-weights.ts';
import type { Signer } from '#src/consensus/keys.ts';
import { digestOf } from '#src/consensus/outcome.ts';
import { compareWithOwner } from '#src/consensus/owner-comparison.ts';
import { buildReport } from '#src/consensus/report.ts';
import { reportFacts } from '#src/consensus/report-inputs.ts';
import { signDocument } from '#src/consensus/signed.ts';
import { buildStatement } from '#src/consensus/statement.ts';
import { sampleTasks } from '#src/evaluation/sample.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { type Rules, STATEMENT_TYPE } from '#src/events/decision.ts';
import { EMPTY } from '#src/events/decode.ts';
import { type Head, seal } from '#src/events/envelope.ts';
import { sha256 } from '#src/events/hash.ts';
import { REPORT_TYPE } from '#src/events/report.ts';
import { runKeyOf } from '#src/events/run-key.ts';
import { isSealable, sealFact } from '#src/events/seal-box.ts';
import type { Snapshot } from '#src/events/snapshot.ts';
import { logSource } from '#src/events/source.ts';
import { signCheckpoint } from '#src/merkle/checkpoint.ts';
import { createTree, leafOf } from '#src/merkle/tree.ts';
import { devSigner } from './dev-keys.ts';
import { type Measuring, measureRun, rosterAccepted } from './honest-evaluation.ts';
import { logSeedOf, logStarted } from './log-start.ts';
import { signedCommitment } from './signed-commitment.ts';

export const GENESIS = sha256('a network to audit');
export const NETUID = 36;
export const FAMILY = 'general_chat';
const TIME = '2026-01-02T03:04:05.678Z';
const SECRET = Buffer.from(sha256('sealing secret'), 'hex');

export const RULES: Rules = {
  version: 'swm/1',
  quorum: { num: 2, den: 3 },
  minerQuorum: { num: 1, den: 2 },
  minColdkeys: 3,
  margin: 50_000_000,
  familyShare: 1_000_000_000,
  minVectorLength: 1,
  certificateQuorum: { num: 2, den: 3 },
  requireCommitment: true,
};

const VOTERS = ['v1', 'v2', 'v3', 'v4'].map(devSigner);

/** Whose log it is. */
export const SELF: Signer = VOTERS[0] ?? devSigner('v1');
export const SOURCE = logSource({
  genesis: GENESIS,
  netuid: NETUID,
  hotkey: SELF.hotkey,
  generation: 0,
});

type Shape = Readonly<{
  /** Runs that are played to their end. */
  runs: number;
  miners: number;
  tasks: number;
  mode?: 'decentralized' | 'shadow';
  /** The validator measures miners itself, by all tasks or by a sample of so many; else its scores are imported. */
  measured?: 'all' | number;
}>;

/** Gets each stored payload of a log as it is written. */
type Emit = (payload: Uint8Array) => void;

/**
 * The stored events of an honest validator's log, written by the product's own rules and keys: its start, and whole
 * runs with sealed scores, report, commitment, peers, decision, certificate and weights. Gives their number and root.
 */
export function writeHonestLog(shape: Shape, emit: Emit) {
  const log = createLog(emit);
  log.add(logStarted(SELF, SOURCE, { genesis: GENESIS, netuid: NETUID }));
  const mode = shape.mode ?? 'decentralized';
  log.add({ type: 'mode.changed.v1', data: { ...FIRST_MODE, to: mode } });
  const miners = Array.from({ length: shape.miners }, (_, at) => devSigner(`miner ${at}`).hotkey);
  const { measured = null } = shape;
  const cast = { miners: miners.toSorted(), mode, tasks: tasksOf(shape.tasks), measured };
  let last: Intent | null = null;
  for (let sequence = 1; sequence <= shape.runs; sequence++)
    last = playRun(log, sequence, cast, last);
  return log;
}

/** The payloads of such a log. */
export function honestLog(shape: Shape) {
  const payloads: Uint8Array[] = [];
  writeHonestLog(shape, (payload) => payloads.push(payload));
  return payloads;
}

/** The checkpoint of a log of these payloads, as its owner signs it. */
export function noteOf(payloads: readonly Uint8Array[], size = payloads.length): Uint8Array {
  const tree = createTree();
  for (const payload of payloads.slice(0, size)) tree.append(leafOf(payload));
  return noteOfTree({ size, root: tree.root() });
}

/** A checkpoint of this root, as its owner signs it. */
export function noteOfTree({ size, root }: Readonly<{ size: number; root: Uint8Array }>) {
  return signCheckpoint(
    { origin: SOURCE, size, root },
    { logSeed: logSeedOf(SELF.hotkey), signer: SELF },
  );
}

type Intent = Extract<DomainEvent, { type: 'weights.intended.v1' }>['data'];
type Cast = Readonly<{
  miners: readonly string[];
  tasks: readonly string[];
  mode: 'decentralized' | 'shadow';
  measured: 'all' | number | null;
}>;

/** What the first change of mode in a log says, but for the mode. */
export const FIRST_MODE = {
  number: 1,
  family: FAMILY,
  from: null,
  figures: {
    window: { size: 20, firstRun: null, lastRun: null },
    runs: 0,
    recorded: 0,
    missing: 0,
    repeated: 0,
    agreement: { agreed: 0, compared: 0 },
    undefinedRank: 0,
    meanRhoMillionths: null,
    overlap: { common: 0, of: 0 },
  },
  checkpoint: null,
} as const;

/** Stores events behind each other, sealed where they have to be; `add` gives their place. */
function createLog(emit: Emit) {
  const tree = createTree();
  let head: Head = EMPTY;
  return {
    add: (event: DomainEvent): number => {
      const stored = isSealable(event) ? sealFact(event, keyOf(event.data)) : event;
      const sealed = seal({ event: stored, time: TIME, causationId: null }, SOURCE, head);
      head = sealed.head;
      tree.append(leafOf(sealed.payload));
      emit(sealed.payload);
      return head.size - 1;
    },
    size: tree.size,
    root: tree.root,
  };
}

type Log = ReturnType<typeof createLog>;

function keyOf(run: Readonly<{ family: string; run: string }>): string {
  return runKeyOf(SECRET, SOURCE, run);
}

function tasksOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `task-${String(at).padStart(3, '0')}`);
}

/** A score that looks like any other: the higher the miner's place, the better. */
function scoreOf(task: number, miner: number): number {
  return ((miner + 1) * 3_000_000 + task * 7_919) % 1_000_000_000;
}

function snapshotAt(block: number, miners: readonly string[]): Snapshot {
  const seat = (hotkey: string, uid: number) => ({ hotkey, uid, registeredAt: 1 });
  return {
    block,
    blockHash: sha256(`block ${block}`),
    rowCount: miners.length + VOTERS.length + 1,
    voters: VOTERS.map(({ hotkey }, at) => ({
      hotkey,
      coldkey: devSigner(`cold ${at}`).hotkey,
      uid: miners.length + 1 + at,
      stake: String(300 - 10 * at),
      axon: null,
    })).toSorted((a, b) => (a.hotkey < b.hotkey ? -1 : 1)),
    miners: miners.map((hotkey, at) => seat(hotkey, at + 1)),
    incumbent: null,
  };
}

function playRun(log: Log, sequence: number, cast: Cast, last: Intent | null): Intent {
  const place = { family: FAMILY, run: `run-${sequence}` };
  const at = sequence * 1_000;
  const phases = { snapshot: at, commit: at + 100, decide: at + 200, certify: at + 300 };
  const roster = sha256(`roster ${sequence}`);
  const { miners, tasks } = cast;
  const open = snapshotAt(phases.snapshot, miners);
  log.add({
    type: 'run.opened.v1',
    data: { ...place, roster, miners: [...miners], tasks: [...tasks], phases },
  });
  const measuring = measuringOf(place, roster, open.blockHash, cast);
  if (measuring !== null) log.add(rosterAccepted(measuring));
  log.add({ type: 'snapshot.taken.v1', data: { ...place, phase: 'open', snapshot: open } });
  const tallies =
    measuring === null
      ? scoreAll(log, place, cast)
      : measureRun(measuring, (event) => log.add(event));
  log.add({ type: 'run.closed.v1', data: { ...place, reason: 'requested' } });
  const taskCount = (measuring ?? cast).tasks.length;
  const { scores, coverage } = compositesOf({ miners, taskCount, tallies });
  const reports = VOTERS.map((signer) => {
    const { hotkey } = signer;
    const fields = { genesis: GENESIS, netuid: NETUID, ...place, roster, hotkey, scores };
    const body = buildReport({ ...fields, snapshotBlock: phases.snapshot });
    const { signature } = signDocument(REPORT_TYPE, body, signer);
    return { hotkey, body, signature, digest: sha256(body) };
  });
  const [own, ...others] = reports;
  if (own === undefined) throw new Error('no report');
  log.add({ type: 'report.signed.v1', data: { ...place, ...own, coverage } });
  commit(log, place, own.body, phases.commit - 10);
  const found = reports
    .map(({ hotkey, body }) => ({
      hotkey,
      first: { block: phases.commit - 5, digest: scoreDigest(body) },
      second: null,
    }))
    .toSorted((a, b) => (a.hotkey < b.hotkey ? -1 : 1));
  const read = { after: phases.snapshot, upTo: phases.commit };
  log.add({ type: 'commitments.read.v1', data: { ...place, ...read, found } });
  log.add({ type: 'scores.opened.v1', data: { ...place, key: keyOf(place) } });
  for (const report of others)
    log.add({
      type: 'peer-report.accepted.v1',
      data: { ...place, ...report, servedBy: report.hotkey },
    });
  const current = snapshotAt(phases.decide, miners);
  log.add({ type: 'snapshot.taken.v1', data: { ...place, phase: 'decide', snapshot: current } });
  const facts: DecisionFacts = {
    rules: RULES,
    genesis: GENESIS,
    netuid: NETUID,
    ...place,
    roster,
    miners,
    phases,
    open: { known: true, snapshot: open },
    current: { known: true, snapshot: current },
    commitments: commitmentFacts([{ ...read, found }], { commit: phases.commit, missed: null }),
    self: SELF.hotkey,
    excluded: [],
    reports: reportFacts({ held: reports, equivocators: [], rejections: [] }),
  };
  return settle(log, facts, cast, last);
}

/** How a run is measured; null where its scores are imported. */
function measuringOf(
  place: Readonly<{ family: string; run: string }>,
  roster: string,
  blockHash: string,
  { miners, tasks, measured }: Cast,
): Measuring | null {
  if (measured === null) return null;
  const sample = measured === 'all' ? null : measured;
  const counting = sampleTasks(tasks, { count: sample, blockHash });
  return { place, validator: SELF.hotkey, roster, miners, tasks: counting, sample };
}

function scoreAll(
  log: Log,
  place: Readonly<{ family: string; run: string }>,
  { miners, tasks }: Cast,
) {
  const tallies = miners.map((miner) => ({ miner, sum: 0, judged: 0, excused: 0 }));
  for (const [taskAt, task] of tasks.entries()) {
    for (const [minerAt, miner] of miners.entries()) {
      const score = scoreOf(taskAt, minerAt);
      const evidence = sha256(`${place.run} ${task} ${miner}`);
      const result = { task, miner, status: 'scored', score, basis: 'final', evidence } as const;
      log.add({ type: 'score.recorded.v1', data: { ...place, ...result } });
      const tally = tallies[minerAt];
      if (tally === undefined) continue;
      tally.sum += score;
      tally.judged += 1;
    }
  }
  return tallies;
}

/** Commits to the report on chain, and anchors the tree that stands now. */
function commit(
  log: Log,
  place: Readonly<{ family: string; run: string }>,
  body: string,
  block: number,
): void {
  const [size, root] = [log.size(), Buffer.from(log.root()).toString('hex')];
  const anchor = { generation: 0, size, root, commit: commitmentV2(keyOf(place), body) };
  const fields = [commitmentPayload(place.run, body), anchorPayload(anchor)];
  const { extrinsic: bytes } = signedCommitment(SELF, { genesis: GENESIS, netuid: NETUID, fields });
  const hash = hashOf(bytes);
  const attempt = {
    ...place,
    purpose: 'commitment',
    attempt: 1,
    carries: scoreDigest(body),
  } as const;
  signAndSettle(log, attempt, { call: 'Commitments.set_commitment', hash, bytes, block });
}

function signAndSettle(
  log: Log,
  attempt: Pick<
    Extract<DomainEvent, { type: 'extrinsic.signed.v1' }>['data'],
    'family' | 'run' | 'purpose' | 'attempt' | 'carries'
  >,
  {
    call,
    hash,
    bytes,
    block,
  }: Readonly<{ call: string; hash: string; bytes: string; block: number }>,
): void {
  const life = { nonce: block, birth: block, death: block + 32, reveal: null };
  log.add({ type: 'extrinsic.signed.v1', data: { ...attempt, call, hash, bytes, ...life } });
  const where = { block: block + 1, blockHash: sha256(`block ${block + 1}`) };
  const { carries, ...numbered } = attempt;
  log.add({ type: 'extrinsic.included.v1', data: { ...numbered, hash, ...where } });
  log.add({
    type: 'extrinsic.settled.v1',
    data: {
      ...numbered,
      carries,
      hash,
      outcome: 'succeeded',
      ...where,
      error: null,
      errorClass: null,
      detail: '',
      retryAt: null,
    },
  });
}

function hashOf(bytes: string): string {
  return Buffer.from(blake2b256(Buffer.from(bytes, 'hex'))).toString('hex');
}

/** From the decision to weights that stand on the chain. */
function settle(log: Log, facts: DecisionFacts, { mode }: Cast, last: Intent | null): Intent {
  const { family, run, phases, open } = facts;
  const place = { family, run };
  const { inputs, decision } = decide(facts);
  log.add({ type: 'inputs.gathered.v1', data: inputs });
  log.add({ type: 'decision.made.v1', data: decision });
  const outcome = digestOf(decision.outcome);
  const statements = VOTERS.map((signer) => {
    const { hotkey } = signer;
    const fields = { genesis: GENESIS, netuid: NETUID, ...place, hotkey, outcome };
    const body = buildStatement({ ...fields, inputs: decision.inputs });
    const { signature } = signDocument(STATEMENT_TYPE, body, signer);
    return { hotkey, body, signature, outcome };
  });
  for (const [index, statement] of statements.entries()) {
    const type = index === 0 ? 'decision.signed.v1' : 'peer-decision.accepted.v1';
    log.add({ type, data: { ...place, ...statement } });
  }
  const voters = open.known ? open.snapshot.voters : [];
  const certified = buildCertificate({
    outcome: decision.outcome,
    statements,
    voters,
    quorum: RULES.certificateQuorum,
  });
  if (certified.kind === 'short') throw new Error('no certificate');
  const { certificate, signed, total } = certified;
  const stake = { signed: String(signed), total: String(total) };
  log.add({ type: 'certificate.built.v1', data: { ...place, certificate, ...stake } });
  const pick = {
    winner: decision.outcome.winner?.hotkey ?? null,
    share: 1_000_000_000,
    scores: [],
  };
  const observed = { ...place, ...pick, evidence: sha256(`owner ${run}`) };
  if (mode === 'shadow') {
    log.add({ type: 'owner-pick.observed.v1', data: observed });
    log.add(compareWithOwner(decision, observed));
  }
  const vector = decision.outcome.vector;
  if (vector === null) throw new Error('no vector');
  const intent = decideWeights({
    ...place,
    mode,
    targetBlock: phases.certify,
    certificate,
    owner: { kind: 'pick', winner: pick.winner, vector },
    hold: holdOutcome(facts, 'certificate-missed'),
    last,
  });
  log.add({ type: 'weights.intended.v1', data: intent });
  if (last !== null) {
    const before = { family, run: last.run, by: run };
    log.add({ type: 'weights.superseded.v1', data: before });
  }
  setWeights(log, place, vector, phases.certify);
  return intent;
}

function setWeights(
  log: Log,
  place: Readonly<{ family: string; run: string }>,
  vector: NonNullable<Intent['vector']>,
  block: number,
): void {
  const bytes = Buffer.from(`weights of ${place.run}`).toString('hex');
  const attempt = { ...place, purpose: 'weights', attempt: 1, carries: digestOf(vector) } as const;
  const call = 'SubtensorModule.set_mechanism_weights';
  signAndSettle(log, attempt, { call, hash: hashOf(bytes), bytes, block });
  log.add({
    type: 'weights.observed.v1',
    data: {
      ...place,
      attempt: 1,
      block: block + 2,
      vector,
      matches: true,
      lastUpdate: block + 1,
      activityCutoff: 5_000,
      weightsRateLimit: 100,
      detail: 'the chain holds the intended vector',
    },
  });
}
