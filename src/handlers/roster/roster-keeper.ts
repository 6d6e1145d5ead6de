import type { Signer, Verify } from '../../consensus/keys.ts';
import type { RosterExpected } from '../../evaluation/check-roster.ts';
import type { RosterMember } from '../../evaluation/roster.ts';
import { runSequence } from '../../events/scalars.ts';
import type { Queries } from '../../projectors/projector.ts';
import { archivesIn, rosterOf } from '../../projectors/rosters.ts';
import { listRuns, type Run } from '../../projectors/run-state.ts';
import { newestVoters } from '../accept-evidence.ts';
import { type Fetch, type Peer, peersOf } from '../ask-peers.ts';
import type { BlobStore } from '../blobs.ts';
import type { EvidenceDesk } from '../evidence-desk.ts';
import type { Recorder } from '../recorder.ts';
import { askOwner } from './ask-owner.ts';
import { askPeersFor } from './ask-peers-for.ts';
import { createAttempts } from './attempts.ts';
import { compareRosters } from './compare-rosters.ts';
import { fetchArchive, isFinal, type ReadArchive } from './fetch-archive.ts';
import { keptRoster } from './kept-roster.ts';
import { openFromRoster } from './open-from-roster.ts';
import { restoreDocuments } from './restore-documents.ts';

export type RosterParts = Readonly<{
  genesis: string;
  netuid: number;
  family: string;
  ownerUrl: string;
  /** Who signs rosters, by this validator's own configuration. */
  ownerHotkey: string;
  signer: Signer;
  verify: Verify;
  /** Fetches what is small, from peers. */
  fetch: Fetch;
  /** Fetches documents of some megabytes, from the owner and from peers. */
  fetchLarge: Fetch;
  blobs: BlobStore;
  readArchive: ReadArchive;
  queries: Readonly<{ runState: Queries; decisions: Queries; rosters: Queries }>;
  finalizedBlock: () => number | null;
  record: Recorder;
  /** As `record`, but not while a disk is nearly full: then no run is begun. */
  open: Recorder;
  /** Runs what reads the projections and then appends while nothing else does. */
  alone: <T>(act: () => Promise<T>) => Promise<T>;
  desk: Pick<EvidenceDesk, 'accuse'>;
  now: () => string;
  /** Told what does not go on, for operators. */
  onNote: (note: string) => void;
  signal: AbortSignal;
}>;

/** Runs that are looked at: the newest is the one that is open, if any is. */
const NEWEST_RUNS = 2;

/**
 * Keeps a validator's runs in step with the owner's: finds the owner's current run and opens it by its roster, fetches the
 * archives of its members, and compares rosters with the peers. Everything is decided from the log; a round does each thing
 * at most once a block, and what failed again after some blocks.
 */
export function createRosterKeeper(parts: RosterParts) {
  const { family, signer, signal } = parts;
  const large = { ...parts, fetch: parts.fetchLarge };
  const deps = { ...parts, owner: askOwner(parts.ownerUrl, large), peers: askPeersFor(large) };
  const attempts = createAttempts();
  /** Peers of a run that opened it by the same roster. */
  const agreed = new Map<string, Set<string>>();
  let settled: number | null = null;

  const find = async (newest: Run | undefined, peers: readonly Peer[], block: number) => {
    const run = await deps.owner.currentRun(family);
    const candidate = run ?? nextOf(newest);
    const isNew = newest === undefined || runSequence(candidate) > newest.sequence;
    // A run that the owner announces is tried at once, however often peers were asked for one that it hides.
    const attempt = run === null ? `hidden ${candidate}` : candidate;
    if (!isNew || !attempts.isDue(attempt, block)) return;
    const note = await openFromRoster(expectedOf(parts, candidate), peers, deps);
    if (note === null) return attempts.succeeded(attempt);
    attempts.failed(attempt, block);
    // Who does not say that there is a run is not asked for its roster: that there is none yet is as it should be.
    if (run !== null) parts.onNote(`${candidate} was not opened: ${note}`);
  };
  const gather = async ({ run }: Run, peers: readonly Peer[], block: number) => {
    for (const member of await missingMembers({ family, run }, parts)) {
      const key = `${run}/${member.submission}`;
      if (signal.aborted) return;
      if (!attempts.isDue(key, block)) continue;
      if (await fetchArchive({ family, run }, member, peers, deps)) attempts.succeeded(key);
      else attempts.failed(key, block);
    }
  };
  const compare = async ({ run }: Run, peers: readonly Peer[]) => {
    const kept = await keptRoster({ family, run }, parts);
    const accepted = await rosterOf(parts.queries.rosters, family, run);
    if (kept === null || accepted === null) return;
    const { roster } = accepted;
    const known = agreed.get(run) ?? new Set();
    agreed.clear(); // one run at a time is open
    agreed.set(run, known);
    const asked = peers.filter(({ hotkey }) => !known.has(hotkey));
    const own = { roster, signed: kept.document.signed };
    for (const same of await compareRosters(expectedOf(parts, run), own, asked, parts))
      known.add(same);
  };

  return {
    /** One round at the newest finalised block; nothing where there was one at that block. */
    round: async (): Promise<void> => {
      const block = parts.finalizedBlock();
      if (block === null || block === settled) return;
      const runs = await listRuns(parts.queries.runState, { family, limit: NEWEST_RUNS });
      const peers = peersOf(await newestVoters(parts.queries, family), signer.hotkey);
      for (const run of runs.filter(({ status }) => status === 'open')) {
        await restoreDocuments(run, peers, deps);
        await compare(run, peers);
        await gather(run, peers, block);
      }
      await find(runs[0], peers, block);
      settled = block;
    },
  };
}

/** Members whose archive is neither kept nor refused for what is in it; none where the roster is not here. */
async function missingMembers(
  place: Readonly<{ family: string; run: string }>,
  parts: Pick<RosterParts, 'queries' | 'blobs'>,
): Promise<readonly RosterMember[]> {
  const kept = await keptRoster(place, parts);
  if (kept === null) return [];
  const { accepted, refused } = await archivesIn(parts.queries.rosters, place.family, place.run);
  const taken = new Set(accepted.map(({ submission }) => submission));
  const given = new Set(refused.filter(isFinal).map(({ submission }) => submission));
  const missing: RosterMember[] = [];
  for (const member of kept.document.members) {
    if (given.has(member.submission)) continue;
    // A file that was lost is fetched again, without a second event.
    if (taken.has(member.submission) && (await parts.blobs.has(member.archive))) continue;
    missing.push(member);
  }
  return missing;
}

function expectedOf(
  { genesis, netuid, family, ownerHotkey: owner }: RosterParts,
  run: string,
): RosterExpected {
  return { genesis, netuid, family, run, owner };
}

/** Where the owner says nothing, a peer may have the roster of the run after the newest. */
function nextOf(newest: Run | undefined): string {
  return `run-${newest === undefined ? 1 : newest.sequence + 1}`;
}
