import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { blake2b256 } from '#src/chain/blake2b.ts';
import { isSs58, verifySr25519 } from '#src/chain/hotkey.ts';
import { isAppError } from '#src/errors.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { EMPTY } from '#src/events/decode.ts';
import type { Recorded } from '#src/events/envelope.ts';
import { sha256 } from '#src/events/hash.ts';
import { logSource } from '#src/events/source.ts';
import type { BlobStore } from '#src/handlers/blobs.ts';
import { createEvidenceDesk } from '#src/handlers/evidence-desk.ts';
import { createRecorder } from '#src/handlers/recorder.ts';
import { createRosterKeeper } from '#src/handlers/roster/roster-keeper.ts';
import { serveRosters } from '#src/handlers/roster/serve-rosters.ts';
import { getPeerDocuments } from '#src/http/get-peer-document.ts';
import { getPeerRoster } from '#src/http/get-peer-roster.ts';
import { httpApp } from '#src/http/http-app.ts';
import { createSignedCallers, NO_BODY } from '#src/http/signed-caller.ts';
import { projectors } from '#src/projectors/all.ts';
import { acceptedEvidence } from '#src/projectors/evidence.ts';
import type { Projector, Queries } from '#src/projectors/projector.ts';
import { memoryDisk, memoryStore } from '#src/runtime/memory-store.ts';
import { openLog } from '#src/runtime/open-log.ts';
import { openProjection } from '#src/runtime/projection.ts';
import { runProjections } from '#src/runtime/projection-pump.ts';
import { readArchive } from '#src/runtime/read-archive.ts';
import { IN_MEMORY } from '#src/runtime/sqlite.ts';
import { serveOnLoopback } from '../http/client.ts';
import { devSigner } from './dev-keys.ts';
import { loopbackClient } from './loopback-client.ts';
import { rosterDraft, rosterOwner } from './rosters.ts';
import { memoryBlobs } from './simulated-log.ts';

const { genesis, netuid, family } = rosterDraft();
const TIME = '2026-11-29T12:00:00.000Z';

/** What an owner answers under a path: bytes, or a status without them. */
export type OwnerAnswers = Map<string, Uint8Array | number>;

/** An owner over real HTTP, which gives archives and tasks to signed requests only, as the product's does. */
export async function fakeOwner() {
  const answers: OwnerAnswers = new Map();
  const asked: string[] = [];
  let signed = 0;
  const callers = createSignedCallers({ verify: verifySr25519, isHotkey: isSs58 });
  const server = createServer((req, res) => {
    const path = (req.url ?? '').split('?', 1)[0] ?? '';
    asked.push(path);
    if (req.headers['x-signature'] !== undefined) signed += 1;
    const answer = answers.get(path) ?? 404;
    const guarded = path.endsWith('/archive') || path.startsWith('/v1/task-sets/');
    const request = { method: 'GET', headers: req.headers, originalUrl: req.url ?? '' };
    const admitted = guarded
      ? callers.admit(request, NO_BODY, () => undefined)
      : Promise.resolve('');
    admitted.then(
      () => {
        if (typeof answer === 'number') res.writeHead(answer).end();
        else res.writeHead(200, { 'content-length': answer.length }).end(answer);
      },
      (error: unknown) => {
        res.writeHead(isAppError(error, 'request.unauthorized') ? 401 : 500).end();
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // safe: it listens on TCP
  return {
    url: `http://127.0.0.1:${port}`,
    answers,
    asked,
    /** Requests that carried a signature. */
    signed: () => signed,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** One validator's side of rosters: its log, its projections, its keeper and its interface, over real HTTP. */
export async function rosterValidator(name: string, owner: Readonly<{ url: string }>) {
  const signer = devSigner(name);
  const source = logSource({ genesis, netuid, hotkey: signer.hotkey, generation: 0 });
  const log = await openLog(memoryStore({ name: 'validator', source }, memoryDisk()));
  const stop = new AbortController();
  const { signal } = stop;
  const all = Object.values(projectors);
  const projections = await Promise.all(
    all.map((each) => openProjection(each, { dir: IN_MEMORY, source })),
  );
  const pump = runProjections(log, projections, { signal, follow: true });
  const queriesOf = (wanted: Projector): Queries => {
    const found = projections[all.findIndex((each) => each.name === wanted.name)];
    if (found === undefined) throw new Error(wanted.name);
    return found.queries;
  };
  const queries = {
    runState: queriesOf(projectors.runState),
    decisions: queriesOf(projectors.decisions),
    evidence: queriesOf(projectors.evidence),
    rosters: queriesOf(projectors.rosters),
  };
  const record = createRecorder({ append: log.append, reached: pump.reached, now: () => TIME });
  const alone = oneAtATime();
  const desk = createEvidenceDesk({
    verify: verifySr25519,
    blake2b256,
    genesis,
    netuid,
    family,
    ownerHotkey: rosterOwner.hotkey,
    projections: queries,
    commitmentExtrinsics: async () => ({ known: false, reason: 'unavailable', detail: '' }),
    record,
    alone,
  });
  const client = loopbackClient({ bodyBytes: 32_000_000 });
  const lost = new Set<string>();
  const blobs = forgetful(memoryBlobs(), lost);
  const notes: string[] = [];
  let block = 0;
  const keeper = createRosterKeeper({
    genesis,
    netuid,
    family,
    ownerUrl: owner.url,
    ownerHotkey: rosterOwner.hotkey,
    signer,
    verify: verifySr25519,
    fetch: client.get,
    fetchLarge: client.get,
    blobs,
    readArchive,
    queries,
    finalizedBlock: () => block,
    record,
    open: record,
    alone,
    desk,
    now: () => new Date().toISOString(),
    onNote: (note) => notes.push(note),
    signal,
  });
  const callers = createSignedCallers({ verify: verifySr25519, isHotkey: isSs58 });
  const served = { ...serveRosters({ family, blobs, queries }), callers };
  const http = await serveOnLoopback(
    httpApp([getPeerRoster(served), ...getPeerDocuments(served)], {
      log: () => undefined,
      metrics: { requestAnswered: () => undefined },
    }),
  );
  return {
    signer,
    url: http.url,
    blobs,
    notes,
    record,
    queries,
    desk,
    /** A round at each of the next blocks. */
    pass: async (blocks = 1): Promise<void> => {
      for (const until = block + blocks; block < until; ) {
        block += 1;
        await keeper.round();
      }
    },
    data: async <Type extends DomainEvent['type']>(type: Type) => {
      const events: Recorded[] = [];
      for await (const batch of log.read({ after: EMPTY, follow: false }))
        events.push(...batch.events);
      return events.flatMap(({ event }) =>
        event.type === type ? [event.data as Extract<DomainEvent, { type: Type }>['data']] : [],
      ); // safe: its type says so
    },
    size: async () => (await log.head()).size,
    /** Loses a document, until it is put again. */
    forget: (digest: string) => lost.add(digest),
    evidence: () => acceptedEvidence(queries.evidence),
    [Symbol.asyncDispose]: async () => {
      stop.abort(new Error('stopped'));
      await http[Symbol.asyncDispose]();
      await client[Symbol.asyncDispose]();
      await pump.ended;
      for (const projection of projections) await projection[Symbol.asyncDispose]();
    },
  };
}

export type RosterValidator = Awaited<ReturnType<typeof rosterValidator>>;

/** The events of an earlier run with these voters: from then on they know each other. */
export function runWithVoters(
  run: string,
  voters: readonly Readonly<{ signer: Readonly<{ hotkey: string }>; url: string }>[],
): readonly DomainEvent[] {
  const phases = { snapshot: 1, commit: 20, decide: 30, certify: 40 };
  const miners = [devSigner('ann').hotkey];
  const roster = sha256(`roster of ${run}`);
  return [
    { type: 'run.opened.v1', data: { family, run, roster, miners, tasks: ['t-1'], phases } },
    snapshotOf(run, voters),
    { type: 'run.closed.v1', data: { family, run, reason: 'requested' } },
  ];
}

/** The snapshot by which these vote in a run. */
export function snapshotOf(
  run: string,
  voters: readonly Readonly<{ signer: Readonly<{ hotkey: string }>; url: string }>[],
): DomainEvent {
  const rows = voters.map(({ signer: { hotkey }, url }, uid) => ({
    hotkey,
    coldkey: hotkey,
    uid,
    stake: '1000',
    axon: url,
  }));
  const snapshot = {
    block: 1,
    blockHash: sha256('block'),
    rowCount: 10,
    voters: rows.toSorted((a, b) => (a.hotkey < b.hotkey ? -1 : 1)),
    miners: [],
    incumbent: null,
  };
  return { type: 'snapshot.taken.v1', data: { family, run, phase: 'open', snapshot } };
}

function oneAtATime() {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(act: () => Promise<T>): Promise<T> => {
    const next = last.then(act);
    last = next.catch(() => undefined);
    return next;
  };
}

function forgetful(blobs: BlobStore, lost: Set<string>): BlobStore {
  return {
    put: async (bytes) => {
      const digest = await blobs.put(bytes);
      lost.delete(digest);
      return digest;
    },
    get: async (digest, maxBytes) => (lost.has(digest) ? null : blobs.get(digest, maxBytes)),
    has: async (digest) => !lost.has(digest) && blobs.has(digest),
    size: async (digest) => (lost.has(digest) ? null : blobs.size(digest)),
  };
}
