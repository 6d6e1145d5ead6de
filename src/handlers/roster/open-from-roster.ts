import type { Verify } from '../../consensus/keys.ts';
import { isAppError } from '../../errors.ts';
import { checkRoster, type Roster, type RosterExpected } from '../../evaluation/check-roster.ts';
import { checkTaskSet } from '../../evaluation/check-task-set.ts';
import { sampleFault } from '../../evaluation/roster.ts';
import { MAX_TASK_SET_BYTES } from '../../evaluation/task-set.ts';
import type { DomainEvent } from '../../events/catalogue.ts';
import { sha256 } from '../../events/hash.ts';
import { detailOf } from '../../events/scalars.ts';
import type { Queries } from '../../projectors/projector.ts';
import { type RefusedRoster, refusedRosters } from '../../projectors/rosters.ts';
import { listRuns } from '../../projectors/run-state.ts';
import type { Peer } from '../ask-peers.ts';
import type { BlobStore } from '../blobs.ts';
import { decideOpening, type KnownRun } from '../control-run.ts';
import type { Recorder } from '../recorder.ts';
import type { Given, Owner } from './ask-owner.ts';
import type { AskPeersFor } from './ask-peers-for.ts';

type Place = Readonly<{ family: string; run: string }>;

export type OpenDeps = Readonly<{
  owner: Owner;
  peers: AskPeersFor;
  blobs: Pick<BlobStore, 'get' | 'put'>;
  queries: Readonly<{ runState: Queries; rosters: Queries }>;
  verify: Verify;
  finalizedBlock: () => number | null;
  record: Recorder;
  /** As `record`, but not while a disk is nearly full: then no run is begun. */
  open: Recorder;
  alone: <T>(act: () => Promise<T>) => Promise<T>;
}>;

/**
 * Opens the owner's run by its roster, once the roster and its task set are here and right; records why a roster is
 * refused, once. A roster with a sample is refused when the block that chooses it may be known already: who comes that
 * late, an owner or this validator, leaves the run to others. One that opened its run is not looked at again. Gives why nothing came of it, for operators; null where the run is open.
 */
export async function openFromRoster(
  expected: RosterExpected,
  peers: readonly Peer[],
  deps: OpenDeps,
): Promise<string | null> {
  const found = await findRoster(expected, peers, deps);
  if (found.kind === 'none') return found.detail;
  const { bytes, roster } = found;
  const block = deps.finalizedBlock();
  if (block === null) return 'the newest block is not known';
  const known = sampleFault(roster.body, { block, by: 'validator' });
  if (known !== null)
    return refuse(
      expected,
      { roster: roster.roster, reason: 'snapshot-not-ahead', detail: known },
      deps,
    );
  const tasks = await findTaskSet(roster, peers, deps);
  if (tasks.kind === 'missing') return tasks.detail;
  if (tasks.kind === 'differs')
    return refuse(expected, { roster: roster.roster, reason: 'task-set-differs', ...tasks }, deps);
  await deps.blobs.put(tasks.bytes);
  const document = await deps.blobs.put(bytes);
  return deps.alone(async () => {
    const runs = await listRuns(deps.queries.runState, { family: expected.family, limit: 1 });
    const view = { family: expected.family, runs, block: deps.finalizedBlock() };
    const opening = openingOf(roster, document, view);
    if (opening.kind === 'refused') return opening.detail;
    await deps.open(opening.events);
    return null;
  });
}

/** The events by which a roster opens its run, in one append; or why it cannot any more. */
export function openingOf(
  { roster, body, document: { members, tasks } }: Roster,
  document: string,
  view: Readonly<{ family: string; runs: readonly KnownRun[]; block: number | null }>,
):
  | Readonly<{ kind: 'open'; events: readonly DomainEvent[] }>
  | Readonly<{ kind: 'refused'; detail: string }> {
  const { family, run, phases, taskSet, epoch, sample } = body;
  const miners = members.map(({ hotkey }) => hotkey);
  try {
    const opened = decideOpening({ family, run, roster, miners, tasks, phases }, view);
    const accepted = { roster, document, taskSet, epoch, members: members.length, sample };
    const data = { family, run, ...accepted };
    return { kind: 'open', events: [opened, { type: 'roster.accepted.v1', data }] };
  } catch (error) {
    if (!isAppError(error, 'input.invalid')) throw error;
    return { kind: 'refused', detail: error.message };
  }
}

type Found =
  | Readonly<{ kind: 'found'; bytes: Uint8Array; roster: Roster }>
  | Readonly<{ kind: 'none'; detail: string }>;

/** The roster that the owner gives, else one that a peer has from it: who relays one cannot change it. */
async function findRoster(
  expected: RosterExpected,
  peers: readonly Peer[],
  deps: OpenDeps,
): Promise<Found> {
  const { family, run } = expected;
  const given = await deps.owner.roster(family, run);
  const own = check(given, expected, deps);
  if (own.kind === 'found') return own;
  if (own.kind === 'refused') await refuse(expected, own, deps);
  let found: Found = { kind: 'none', detail: own.detail };
  await deps.peers(peers, `/v1/rosters/${family}/${run}`, (_peer, bytes) => {
    const checked = check({ kind: 'given', bytes }, expected, deps);
    if (checked.kind === 'found') found = checked;
    return checked.kind === 'found';
  });
  return found;
}

function check(given: Given, expected: RosterExpected, { verify }: Pick<OpenDeps, 'verify'>) {
  if (given.kind === 'withheld') return { kind: 'none', detail: given.detail } as const;
  const { bytes } = given;
  const checked = checkRoster(bytes, expected, verify);
  return checked.kind === 'refused'
    ? checked
    : ({ kind: 'found', bytes, roster: checked } as const);
}

type TaskSetFound =
  | Readonly<{ kind: 'here'; bytes: Uint8Array }>
  | Readonly<{ kind: 'missing'; detail: string }>
  /** The bytes have the digest that was signed, and are not of the tasks that were signed. */
  | Readonly<{ kind: 'differs'; detail: string }>;

async function findTaskSet(
  { body, document }: Roster,
  peers: readonly Peer[],
  deps: OpenDeps,
): Promise<TaskSetFound> {
  const { taskSet: digest, family } = body;
  const weigh = (bytes: Uint8Array): TaskSetFound => {
    if (sha256(bytes) !== digest) return { kind: 'missing', detail: 'another task set' };
    const checked = checkTaskSet(bytes, { digest, family, tasks: document.tasks });
    return checked.kind === 'accepted'
      ? { kind: 'here', bytes }
      : { kind: 'differs', detail: checked.detail };
  };
  const kept = await deps.blobs.get(digest, MAX_TASK_SET_BYTES);
  if (kept !== null) return weigh(kept);
  const given = await deps.owner.taskSet(digest);
  let found: TaskSetFound =
    given.kind === 'given' ? weigh(given.bytes) : { kind: 'missing', detail: given.detail };
  if (found.kind !== 'missing') return found;
  await deps.peers(peers, `/v1/task-sets/${digest}`, (_peer, bytes) => {
    const weighed = weigh(bytes);
    if (weighed.kind !== 'missing') found = weighed;
    return weighed.kind !== 'missing';
  });
  return found;
}

/** Records that a roster is refused, unless that is recorded; gives it in words. */
async function refuse(
  { family, run }: Place,
  { roster, reason, detail }: Pick<RefusedRoster, 'roster' | 'reason' | 'detail'>,
  { queries, record, alone }: Pick<OpenDeps, 'queries' | 'record' | 'alone'>,
): Promise<string> {
  const data = { family, run, roster, reason, detail: detailOf(detail) };
  await alone(async () => {
    const known = await refusedRosters(queries.rosters, family, run);
    if (known.some((each) => each.roster === roster && each.reason === reason)) return;
    await record([{ type: 'roster.refused.v1', data }]);
  });
  return `${reason}: ${detail}`;
}
