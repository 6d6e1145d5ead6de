import { type ArchiveFault, refusedReason } from '../../evaluation/archive-fault.ts';
import { readManifest } from '../../evaluation/manifest.ts';
import type { RosterMember } from '../../evaluation/roster.ts';
import { manifestText } from '../../evaluation/submission-yaml.ts';
import type { ReadTar } from '../../evaluation/tar-entries.ts';
import type { DomainEvent } from '../../events/catalogue.ts';
import { sha256 } from '../../events/hash.ts';
import { detailOf } from '../../events/scalars.ts';
import type { Queries } from '../../projectors/projector.ts';
import { archivesIn, type RefusedArchive } from '../../projectors/rosters.ts';
import type { Peer } from '../ask-peers.ts';
import type { BlobStore } from '../blobs.ts';
import type { Recorder } from '../recorder.ts';
import type { Given, Owner } from './ask-owner.ts';
import type { AskPeersFor } from './ask-peers-for.ts';

type Place = Readonly<{ family: string; run: string }>;

/** Lists an archive without unpacking it. */
export type ReadArchive = (bytes: Uint8Array) => Promise<ReadTar | ArchiveFault>;

export type ArchiveDeps = Readonly<{
  owner: Owner;
  peers: AskPeersFor;
  blobs: Pick<BlobStore, 'put'>;
  readArchive: ReadArchive;
  queries: Readonly<{ rosters: Queries }>;
  record: Recorder;
  alone: <T>(act: () => Promise<T>) => Promise<T>;
}>;

type ArchiveEvent = Extract<DomainEvent, { type: 'archive.accepted.v1' | 'archive.refused.v1' }>;

/**
 * Fetches a member's archive, from the owner, else from peers by its digest, and records what came of it. Bytes with
 * another digest are refused with who gave them; the right ones, whoever gives them, make up for it. Gives whether the
 * member is settled: its archive is kept, or refused for what is in it.
 */
export async function fetchArchive(
  place: Place,
  member: RosterMember,
  peers: readonly Peer[],
  deps: ArchiveDeps,
): Promise<boolean> {
  const { archive, bytes: length } = member;
  const given = await deps.owner.archive(place.run, member);
  const refusals: RefusedArchive[] = [];
  const right: Readonly<{ bytes: Uint8Array; from: string }>[] = [];
  const weigh = (from: string, bytes: Uint8Array): boolean => {
    const found = sha256(bytes);
    if (found === archive) right.push({ bytes, from });
    else {
      const detail = `SHA-256 ${found} instead of ${archive}`;
      refusals.push(refusal(place, member, { from, found, reason: 'hash-differs', detail }));
    }
    return found === archive;
  };
  if (given.kind === 'withheld' || !weigh('owner', given.bytes))
    await deps.peers(
      peers,
      `/v1/archives/${archive}`,
      ({ hotkey }, bytes) => weigh(hotkey, bytes),
      length,
    );
  const [first] = right;
  if (first === undefined) {
    if (given.kind === 'withheld') refusals.push(unavailable(place, member, given));
    await recordNew(refusals.map(refusedEvent), place, deps);
    return false;
  }
  const { bytes, from } = first;
  const read = await deps.readArchive(bytes);
  const event = decideArchive(place, member, { bytes: bytes.length, from, read });
  if (event.type === 'archive.accepted.v1') await deps.blobs.put(bytes);
  await recordNew([...refusals.map(refusedEvent), event], place, deps);
  return true;
}

/**
 * Whether a member runs: its archive has the signed length, its listing is within the limits, and its manifest is the one
 * that the roster has, and can be run by.
 */
export function decideArchive(
  place: Place,
  member: RosterMember,
  { bytes, from, read }: Readonly<{ bytes: number; from: string; read: ReadTar | ArchiveFault }>,
): ArchiveEvent {
  const { submission, hotkey: miner, archive, manifest } = member;
  const refuse = (reason: RefusedArchive['reason'], detail: string): ArchiveEvent =>
    refusedEvent(refusal(place, member, { from, found: archive, reason, detail }));
  if (bytes !== member.bytes)
    return refuse('not-an-archive', `${bytes} bytes, the roster says ${member.bytes}`);
  if (read.kind === 'fault') return refuse(refusedReason(read), `${read.code}: ${read.detail}`);
  const own = manifestText(read.manifest);
  if (own.kind === 'unfit') return refuse('manifest-differs', own.detail);
  if (own.text !== manifest)
    return refuse('manifest-differs', `${own.text} instead of what the roster has`);
  const fit = readManifest(own.text);
  if (fit.kind === 'unfit') return refuse('manifest-differs', fit.detail);
  const data = { ...place, submission, miner, archive, bytes, entries: read.entries, from };
  return { type: 'archive.accepted.v1', data };
}

/** Whether what was refused is settled: bytes of another digest may be made up for, what the right ones hold may not. */
export function isFinal({ reason }: Pick<RefusedArchive, 'reason'>): boolean {
  return reason !== 'hash-differs' && reason !== 'unavailable';
}

function unavailable(
  place: Place,
  member: RosterMember,
  { detail }: Extract<Given, { kind: 'withheld' }>,
): RefusedArchive {
  return refusal(place, member, { from: 'owner', found: null, reason: 'unavailable', detail });
}

function refusal(
  place: Place,
  { submission, hotkey: miner, archive }: RosterMember,
  { from, found, reason, detail }: Pick<RefusedArchive, 'from' | 'found' | 'reason' | 'detail'>,
): RefusedArchive {
  return { ...place, submission, miner, archive, found, reason, from, detail: detailOf(detail) };
}

function refusedEvent(data: RefusedArchive): ArchiveEvent {
  return { type: 'archive.refused.v1', data };
}

/** Records those of the events that the log does not have: each says its fact once. */
async function recordNew(
  events: readonly ArchiveEvent[],
  { family, run }: Place,
  { queries, record, alone }: Pick<ArchiveDeps, 'queries' | 'record' | 'alone'>,
): Promise<void> {
  await alone(async () => {
    const { accepted, refused } = await archivesIn(queries.rosters, family, run);
    const known = new Set([
      ...accepted.map((data) => keyOf({ type: 'archive.accepted.v1', data })),
      ...refused.map((data) => keyOf({ type: 'archive.refused.v1', data })),
    ]);
    await record(events.filter((event) => !known.has(keyOf(event))));
  });
}

function keyOf({ type, data }: ArchiveEvent): string {
  if (type === 'archive.accepted.v1') return `${type}/${data.submission}`;
  const { submission, from, reason, found } = data;
  return [type, submission, from, reason, found ?? ''].join('/');
}
