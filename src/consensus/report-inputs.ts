import type { CommitmentFound } from '../events/commitment.ts';
import type { ReportInput } from '../events/decision.ts';
import { decode } from '../events/ej1.ts';
import { type RejectionReason, ReportBody } from '../events/report.ts';
import type { Voter } from '../events/snapshot.ts';
import { scoreDigest } from './commitment.ts';

/** What this validator knows about one hotkey's report when it decides. */
export type ReportFact =
  | Readonly<{
      hotkey: string;
      status: 'accepted';
      reason: null;
      digest: string;
      /** What a commitment to this report says. */
      scoreDigest: string;
      scores: Readonly<Record<string, number>>;
    }>
  | Readonly<{
      hotkey: string;
      status: 'rejected' | 'equivocated';
      reason: RejectionReason | null;
      digest: string | null;
      scores: null;
    }>;

/** What a validator's log holds of a run's reports. */
export type HeldReports = Readonly<{
  /** Own and accepted reports. */
  held: readonly Readonly<{ hotkey: string; digest: string; body: string }>[];
  /** Hotkeys of which two different reports are held. */
  equivocators: readonly Readonly<{ hotkey: string }>[];
  rejections: readonly Readonly<{ peer: string; reason: RejectionReason; digest: string | null }>[];
}>;

/**
 * The facts of a decision from what is held. An equivocator's entry names no digest, because which of
 * its reports came first depends on who asked. A refusal without a report behind it (nobody answered,
 * or nonsense) is left out and so counts as missing, for the same reason.
 */
export function reportFacts({
  held,
  equivocators,
  rejections,
}: HeldReports): readonly ReportFact[] {
  return [
    ...equivocators.map(
      ({ hotkey }): ReportFact => ({
        hotkey,
        status: 'equivocated',
        reason: null,
        digest: null,
        scores: null,
      }),
    ),
    ...held.map(
      ({ hotkey, digest, body }): ReportFact => ({
        hotkey,
        status: 'accepted',
        reason: null,
        digest,
        scoreDigest: scoreDigest(body),
        scores: ReportBody.parse(decode(body)).scores,
      }),
    ),
    ...rejections.flatMap(({ peer, reason, digest }): ReportFact[] =>
      digest === null ? [] : [{ hotkey: peer, status: 'rejected', reason, digest, scores: null }],
    ),
  ];
}

/** An accepted report of a voter. */
export type Ballot = Readonly<{
  hotkey: string;
  stake: bigint;
  scores: Readonly<Record<string, number>>;
}>;

/** The commitments that reports are held against, and whose report is not: this validator's own. */
export type CommitmentRule = Readonly<{
  found: readonly CommitmentFound[];
  self: string | null;
}>;

/**
 * One entry for each voter, sorted by hotkey, and the ballots that count. Reports of hotkeys that do
 * not vote are ignored. Where several facts name one voter, the worst stands: equivocated before
 * accepted before rejected, then by reason and digest; two accepted reports with different digests are
 * an equivocation. So the order of the facts changes nothing. With a commitment rule, who committed to
 * two different reports equivocated, and a peer's report counts only if it is the committed one. Who is
 * excluded is that whatever it reported; its stake stays in the total.
 */
export function resolveReports(
  voters: readonly Voter[],
  facts: readonly ReportFact[],
  {
    commitments,
    excluded,
  }: Readonly<{ commitments: CommitmentRule | null; excluded: ReadonlySet<string> }>,
): { inputs: ReportInput[]; ballots: Ballot[] } {
  const byHotkey = Map.groupBy(facts, ({ hotkey }) => hotkey);
  const committed = new Map(commitments?.found.map((each) => [each.hotkey, each]));
  const inputs: ReportInput[] = [];
  const ballots: Ballot[] = [];
  for (const { hotkey, stake } of voters.toSorted((a, b) => compare(a.hotkey, b.hotkey))) {
    const resolved = resolve(byHotkey.get(hotkey) ?? []);
    const held = excluded.has(hotkey)
      ? EXCLUDED
      : commitments === null
        ? resolved
        : hold(resolved, committed.get(hotkey) ?? null, hotkey === commitments.self);
    const { status, reason, digest } = held;
    inputs.push({ hotkey, stake, status, reason, digest });
    if (held.status === 'accepted') {
      ballots.push({ hotkey, stake: BigInt(stake), scores: held.scores });
    }
  }
  return { inputs, ballots };
}

type Resolved =
  | Omit<Extract<ReportFact, { status: 'accepted' }>, 'hotkey'>
  | Readonly<
      Pick<ReportInput, 'reason' | 'digest'> & {
        status: Exclude<ReportInput['status'], 'accepted'>;
      }
    >;

const EXCLUDED: Resolved = { status: 'excluded', reason: null, digest: null };

/** What all that is known of one voter's reports comes to. */
function resolve(facts: readonly ReportFact[]): Resolved {
  const [fact, ...others] = facts.toSorted(byRank);
  if (fact === undefined) return { status: 'missing', reason: null, digest: null };
  const { reason, digest } = fact;
  const contradicted =
    fact.status === 'accepted' &&
    others.some((other) => other.status === 'accepted' && other.digest !== digest);
  return contradicted ? { status: 'equivocated', reason, digest } : fact;
}

/** The same, held against what its author committed to. */
function hold(resolved: Resolved, committed: CommitmentFound | null, own: boolean): Resolved {
  if (committed !== null && committed.second !== null) {
    return { status: 'equivocated', reason: null, digest: null };
  }
  if (resolved.status !== 'accepted' || own) return resolved;
  if (committed?.first.digest === resolved.scoreDigest) return resolved;
  const reason = committed === null ? 'commitment-missing' : 'commitment-mismatch';
  return { status: 'rejected', reason, digest: resolved.digest };
}

const RANK = { equivocated: 0, accepted: 1, rejected: 2 } as const;

function byRank(a: ReportFact, b: ReportFact): number {
  return (
    RANK[a.status] - RANK[b.status] ||
    compare(a.reason ?? '', b.reason ?? '') ||
    compare(a.digest ?? '', b.digest ?? '')
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
