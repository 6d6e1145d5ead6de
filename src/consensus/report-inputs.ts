import type { ReportInput } from '../events/decision.ts';
import { decode } from '../events/ej1.ts';
import { type RejectionReason, ReportBody } from '../events/report.ts';
import type { Voter } from '../events/snapshot.ts';

/** What this validator knows about one hotkey's report when it decides. */
export type ReportFact =
  | Readonly<{
      hotkey: string;
      status: 'accepted';
      reason: null;
      digest: string;
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

/**
 * One entry for each voter, sorted by hotkey, and the ballots that count. Reports of hotkeys that do
 * not vote are ignored. Where several facts name one voter, the worst stands: equivocated before
 * accepted before rejected, then by reason and digest; two accepted reports with different digests are
 * an equivocation. So the order of the facts changes nothing.
 */
export function resolveReports(
  voters: readonly Voter[],
  facts: readonly ReportFact[],
): { inputs: ReportInput[]; ballots: Ballot[] } {
  const byHotkey = Map.groupBy(facts, ({ hotkey }) => hotkey);
  const inputs: ReportInput[] = [];
  const ballots: Ballot[] = [];
  for (const { hotkey, stake } of voters.toSorted((a, b) => compare(a.hotkey, b.hotkey))) {
    const [fact, ...others] = (byHotkey.get(hotkey) ?? []).toSorted(byRank);
    if (fact === undefined) {
      inputs.push({ hotkey, stake, status: 'missing', reason: null, digest: null });
      continue;
    }
    const { reason, digest } = fact;
    const contradicted =
      fact.status === 'accepted' &&
      others.some((other) => other.status === 'accepted' && other.digest !== digest);
    const status = contradicted ? 'equivocated' : fact.status;
    inputs.push({ hotkey, stake, status, reason, digest });
    if (fact.status === 'accepted' && !contradicted) {
      ballots.push({ hotkey, stake: BigInt(stake), scores: fact.scores });
    }
  }
  return { inputs, ballots };
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
