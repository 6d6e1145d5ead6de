import type {
  DecisionRecord,
  InputsRecord,
  MinerMedian,
  Outcome,
  Rules,
  SnapshotRef,
} from '../events/decision.ts';
import type { Phases } from '../events/run.ts';
import type { Seat, Snapshot, UnknownReason } from '../events/snapshot.ts';
import type { WeightReason } from '../events/weights.ts';
import { type CommitmentFacts, commitmentsRef } from './commitment-facts.ts';
import { digestOf } from './outcome.ts';
import { quorumOf } from './quorum.ts';
import { type ReportFact, resolveReports } from './report-inputs.ts';
import { keptSeat, standingsOf } from './standings.ts';
import { BURN_UID, burnVector, shareVector } from './vector.ts';
import { pickWinner } from './winner.ts';

/** The chain at one finalised block, or why it could not be read. */
export type ChainFact =
  | Readonly<{ known: true; snapshot: Snapshot }>
  | Readonly<{ known: false; reason: UnknownReason }>;

/** Everything that a decision may look at. */
export type DecisionFacts = Readonly<{
  rules: Rules;
  genesis: string;
  netuid: number;
  family: string;
  run: string;
  /** SHA-256 of the owner-signed roster, and the hotkeys in it. */
  roster: string;
  miners: readonly string[];
  phases: Phases;
  /** The chain at block `phases.snapshot`: it fixes the voters and whom the chain pays. */
  open: ChainFact;
  /** The chain at block `phases.decide`: it says who still has a seat. */
  current: ChainFact;
  /** What the voters committed to by block `phases.commit`; looked at only where the rules require it. */
  commitments: CommitmentFacts;
  /** Whose report is held against no commitment: the validator's own; null while it has none. */
  self: string | null;
  /** Hotkeys whose reports do not count in this run, by `excludedFrom`. */
  excluded: readonly string[];
  reports: readonly ReportFact[];
}>;

/**
 * The decision of a run by the rules `swm/1`: a hold while the chain is unknown, or what it holds of
 * required commitments is; a hold without a quorum of reports; else the contest of the medians. The same facts in any order give the same bytes.
 * Throws `input.invalid` only for facts that contradict themselves, such as a voter listed twice.
 */
export function decide(facts: DecisionFacts): { inputs: InputsRecord; decision: DecisionRecord } {
  const voters = facts.open.known ? facts.open.snapshot.voters : [];
  const { requireCommitment } = facts.rules;
  const rule =
    requireCommitment && facts.commitments.known
      ? { found: facts.commitments.found, self: facts.self }
      : null;
  const { inputs: reports, ballots } = resolveReports(voters, facts.reports, {
    commitments: rule,
    excluded: new Set(facts.excluded),
  });
  const quorum = quorumOf(voters, new Set(ballots.map(({ hotkey }) => hotkey)), facts.rules);
  const inputs: InputsRecord = {
    family: facts.family,
    run: facts.run,
    rules: facts.rules,
    genesis: facts.genesis,
    netuid: facts.netuid,
    roster: facts.roster,
    decideBlock: facts.phases.decide,
    open: refOf(facts.open),
    current: refOf(facts.current),
    commitments: requireCommitment ? commitmentsRef(facts.commitments) : null,
    reports,
  };
  const chain = chainOf(facts);
  const medians =
    chain.known && quorum.reached && unknownCommitments(facts) === null
      ? standingsOf(facts.miners, ballots, chain, facts.rules.minerQuorum)
      : [];
  const outcome = outcomeOf(facts, chain, { reached: quorum.reached, medians });
  const decision: DecisionRecord = {
    family: facts.family,
    run: facts.run,
    inputs: digestOf(inputs),
    quorum,
    medians,
    incumbent: chain.known ? chain.incumbent : null,
    outcome,
  };
  return { inputs, decision };
}

/**
 * The outcome that keeps everything as it is, for a cause that shows only after the decision: the
 * incumbent is paid on; without one the share burns; nothing is set while the chain is unknown.
 */
export function holdOutcome(facts: DecisionFacts, reason: WeightReason): Outcome {
  return hold(facts, chainOf(facts), reason);
}

/** What both snapshots together say; the first one that is unknown stands for the pair. */
type Chain =
  | Readonly<{ known: true; open: Snapshot; current: Snapshot; incumbent: Seat | null }>
  | Readonly<{ known: false; reason: UnknownReason }>;

/**
 * Both snapshots of a run together, and whom a hold pays by them: the incumbent of the first that still has its seat
 * in the second; null for nobody. Unknown while either is.
 */
export function chainOf({ open, current }: Pick<DecisionFacts, 'open' | 'current'>): Chain {
  if (!open.known) return open;
  if (!current.known) return current;
  const pair = { open: open.snapshot, current: current.snapshot };
  const paid = pair.open.incumbent;
  const seat = paid === null ? null : keptSeat(paid.hotkey, pair);
  // Uid 0 is where weight burns: whoever sits there is paid by nobody's choice.
  return { known: true, ...pair, incumbent: seat?.uid === BURN_UID ? null : seat };
}

function outcomeOf(
  facts: DecisionFacts,
  chain: Chain,
  { reached, medians }: { reached: boolean; medians: readonly MinerMedian[] },
): Outcome {
  if (!chain.known) return hold(facts, chain, CHAIN_REASON[chain.reason]);
  const unknown = unknownCommitments(facts);
  if (unknown !== null) return hold(facts, chain, CHAIN_REASON[unknown]);
  if (!reached) return hold(facts, chain, 'quorum-missed');
  // An incumbent outside the roster was scored by nobody: it defends nothing, but a hold still pays it.
  const defender = medians.find(({ miner }) => miner === chain.incumbent?.hotkey);
  if (defender?.status === 'insufficient') return hold(facts, chain, 'incumbent-insufficient');
  const candidates = medians.flatMap(({ miner, uid, median, status }) =>
    status === 'eligible' && uid !== null && median !== null
      ? [{ hotkey: miner, uid, median }]
      : [],
  );
  const contest = pickWinner(candidates, {
    incumbent: defender?.miner ?? null,
    margin: facts.rules.margin,
  });
  const seat = contest.kind === 'no-eligible-miner' ? null : keptSeat(contest.winner, chain);
  if (seat === null) return hold(facts, chain, 'no-eligible-miner');
  return {
    ...agreed(facts),
    kind: 'winner',
    reason: contest.kind,
    winner: seat,
    vector: payVector(facts.rules, chain.current, seat),
  };
}

/** Why required commitments are unknown; null where they are known or not required. */
function unknownCommitments({ rules, commitments }: DecisionFacts): UnknownReason | null {
  return rules.requireCommitment && !commitments.known ? commitments.reason : null;
}

/** `not-final` is an answer that is not there yet. */
const CHAIN_REASON = {
  unavailable: 'chain-unavailable',
  empty: 'chain-empty',
  shrunken: 'chain-shrunken',
  malformed: 'chain-malformed',
  'not-final': 'chain-unavailable',
} as const satisfies Record<UnknownReason, WeightReason>;

function hold(facts: DecisionFacts, chain: Chain, reason: WeightReason): Outcome {
  const common = { ...agreed(facts), reason };
  if (!chain.known) return { ...common, kind: 'hold', winner: null, vector: null };
  const { current, incumbent } = chain;
  if (incumbent === null) {
    const vector = burnVector(paddingOf(facts.rules, current));
    return { ...common, kind: 'burn', winner: null, vector };
  }
  const vector = payVector(facts.rules, current, incumbent);
  return { ...common, kind: 'hold', winner: incumbent, vector };
}

function agreed(facts: DecisionFacts) {
  const { rules, genesis, netuid, family, run, roster, phases } = facts;
  return {
    v: 'eirel/outcome/1' as const,
    rules: rules.version,
    genesis,
    netuid,
    family,
    run,
    roster,
    open: refOf(facts.open),
    targetBlock: phases.certify,
  };
}

function payVector(rules: Rules, current: Snapshot, seat: Seat) {
  const { familyShare } = rules;
  return shareVector({ winnerUid: seat.uid, familyShare, ...paddingOf(rules, current) });
}

/** The chain numbers its neurons from 0 without gaps, so their count says which uids there are. */
function paddingOf({ minVectorLength }: Rules, { rowCount }: Snapshot) {
  return { minVectorLength, uids: Array.from({ length: rowCount }, (_, uid) => uid) };
}

function refOf(fact: ChainFact): SnapshotRef {
  if (!fact.known) return { known: false, reason: fact.reason };
  const { block, blockHash } = fact.snapshot;
  return { known: true, block, blockHash, digest: digestOf(fact.snapshot) };
}
