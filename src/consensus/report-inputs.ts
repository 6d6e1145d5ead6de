import type { ReportInput } from '../events/decision.ts';
import type { RejectionReason } from '../events/report.ts';
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
