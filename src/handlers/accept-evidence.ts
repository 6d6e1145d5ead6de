import type { Evidence } from '../audit/evidence.ts';
import type { DomainEvent } from '../events/catalogue.ts';
import { runSequence } from '../events/scalars.ts';
import type { Voter } from '../events/snapshot.ts';
import { snapshotOf } from '../projectors/decisions.ts';
import { type AcceptedEvidence, acceptedEvidence } from '../projectors/evidence.ts';
import { listRuns } from '../projectors/run-state.ts';
import type { Projections } from './run-view.ts';

/** What evidence is weighed against. */
export type Standing = Readonly<{
  family: string;
  /** The newest run that was opened; null before the first. */
  newestRun: string | null;
  /** Who votes, by the newest snapshot. */
  voters: ReadonlySet<string>;
  accepted: readonly AcceptedEvidence[];
}>;

export type EvidenceDecision =
  | Readonly<{ kind: 'accept'; event: Extract<DomainEvent, { type: 'evidence.accepted.v1' }> }>
  /** Evidence of that kind against that hotkey is held: `digest` is its. */
  | Readonly<{ kind: 'known'; digest: string }>
  | Readonly<{
      kind: 'refuse';
      reason: 'not-a-voter' | 'other-family' | 'run-not-opened';
      detail: string;
    }>;

/**
 * What to do with evidence that proves something. One piece of a kind against a hotkey is enough: a hostile
 * validator can make any number against itself, and each stays in the log. Of the owner's rosters, who need not
 * vote, one for each run is. Evidence of a run that was not opened yet has to come again: it would exclude from no run,
 * and keep better evidence out.
 */
export function decideEvidence(
  { kind, hotkey, digest, run, family: of }: Evidence,
  file: string,
  { family, newestRun, voters, accepted }: Standing,
): EvidenceDecision {
  const known = accepted.find(
    (each) =>
      each.kind === kind && each.hotkey === hotkey && (kind !== 'roster' || each.run === run),
  );
  if (known !== undefined) return { kind: 'known', digest: known.digest };
  if (kind !== 'roster' && !voters.has(hotkey))
    return refuse('not-a-voter', `${hotkey} does not vote`);
  if (of !== null && of !== family) return refuse('other-family', `runs of ${of} are not judged`);
  const counted = run ?? newestRun;
  if (counted === null || newestRun === null || runSequence(counted) > runSequence(newestRun)) {
    return refuse('run-not-opened', `${counted ?? 'no run'} was not opened here yet`);
  }
  const data = { family, run: counted, kind, hotkey, digest, file };
  return { kind: 'accept', event: { type: 'evidence.accepted.v1', data } };
}

/** Runs that may be opened ahead of the newest one whose snapshot was taken. */
const RUNS_AHEAD = 8;

/** Who votes, by the newest snapshot of the family's runs; nobody before the first. */
export async function newestVoters(
  { runState, decisions }: Pick<Projections, 'runState' | 'decisions'>,
  family: string,
): Promise<readonly Voter[]> {
  for (const { run } of await listRuns(runState, { family, limit: RUNS_AHEAD })) {
    const snapshot = await snapshotOf(decisions, family, run, 'open');
    if (snapshot !== null) return snapshot.voters;
  }
  return [];
}

/** What the log says that evidence is weighed against. */
export async function standingIn(
  projections: Pick<Projections, 'runState' | 'decisions' | 'evidence'>,
  family: string,
): Promise<Standing> {
  const [newest] = await listRuns(projections.runState, { family, limit: 1 });
  const voters = await newestVoters(projections, family);
  return {
    family,
    newestRun: newest?.run ?? null,
    voters: new Set(voters.map(({ hotkey }) => hotkey)),
    accepted: await acceptedEvidence(projections.evidence),
  };
}

type Refusal = Extract<EvidenceDecision, { kind: 'refuse' }>;

function refuse(reason: Refusal['reason'], detail: string): Refusal {
  return { kind: 'refuse', reason, detail };
}
