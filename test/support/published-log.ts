import type { Signer } from '#src/consensus/keys.ts';
import { pae } from '#src/consensus/signed.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { encode } from '#src/events/ej1.ts';
import { LOG_START_TYPE, type LogStart } from '#src/events/log-started.ts';
import { logSource } from '#src/events/source.ts';
import { signCheckpoint } from '#src/merkle/checkpoint.ts';
import { publicKeyEd25519 } from '#src/merkle/ed25519.ts';
import { rootOf } from '#src/merkle/root.ts';
import { leafOf } from '#src/merkle/tree.ts';
import { logFiles } from '#src/runtime/log-files.ts';
import { memoryStore } from '#src/runtime/memory-store.ts';
import { openLog } from '#src/runtime/open-log.ts';
import { publishFromStream } from '#src/sequencer/publish-from-stream.ts';
import { digest, hotkey } from './recorded-events.ts';

const GENESIS = 'ab'.repeat(32);
const NETUID = 36;
const LOG_SEED = Buffer.alloc(32, 1);
const WITNESS_SEED = Buffer.alloc(32, 2);
const SEALING_SECRET = Buffer.alloc(32, 3);

export type PublishedLog = Readonly<{ source: string; size: number; note: Uint8Array }>;

/**
 * Publishes a validator's log of so many events in `<dir>/log`, with the code that a validator publishes with: its
 * start, a run, and the sealed scores of that run, which is still open.
 */
export async function publishLog(dir: string, signer: Signer, size: number): Promise<PublishedLog> {
  const source = logSource({
    genesis: GENESIS,
    netuid: NETUID,
    hotkey: signer.hotkey,
    generation: 0,
  });
  const store = memoryStore({ name: 'validator', source });
  const log = await openLog(store, { secret: SEALING_SECRET });
  const events = [started(signer, source), ...runOf(size - 2)];
  const drafts = events.map((event) => ({
    event,
    time: '2026-01-02T03:04:05.678Z',
    causationId: null,
  }));
  await log.append(drafts);
  const payloads = await store.fetch(0, size);
  const root = rootOf(payloads.map(leafOf));
  const note = signCheckpoint({ origin: source, size, root }, { logSeed: LOG_SEED, signer });
  const locked = {
    source,
    size,
    root: Buffer.from(root).toString('hex'),
    note: Buffer.from(note).toString(),
    time: '2026-01-02T03:04:06.000Z',
  };
  await publishFromStream(locked, { events: store, files: logFiles(dir) });
  return { source, size, note };
}

function started(signer: Signer, source: string): DomainEvent {
  const start: LogStart = {
    v: 'eirel/log-start/1',
    source,
    genesis: GENESIS,
    netuid: NETUID,
    hotkey: signer.hotkey,
    generation: 0,
    logKey: Buffer.from(publicKeyEd25519(LOG_SEED)).toString('hex'),
    witnessKey: Buffer.from(publicKeyEd25519(WITNESS_SEED)).toString('hex'),
    previous: null,
  };
  const body = encode(start);
  const signature = signer.sign(pae(LOG_START_TYPE, body));
  return { type: 'log.started.v1', data: { hotkey: signer.hotkey, body, signature } };
}

/** A run with as many results: each of its tasks by both of its miners. */
function runOf(scores: number): readonly DomainEvent[] {
  const place = { family: 'general_chat', run: 'run-1' };
  const phases = { snapshot: 100, commit: 200, decide: 300, certify: 400 };
  const miners = [hotkey('a'), hotkey('b')];
  const tasks = Array.from({ length: Math.ceil(scores / 2) }, (_, at) => `task-${at}`).toSorted();
  const pairs = tasks.flatMap((task) => miners.map((miner) => ({ task, miner })));
  return [
    { type: 'run.opened.v1', data: { ...place, roster: digest('a'), miners, tasks, phases } },
    ...pairs.slice(0, scores).map(
      (pair, score): DomainEvent => ({
        type: 'score.recorded.v1',
        data: { ...place, ...pair, status: 'scored', score, basis: 'final', evidence: digest('e') },
      }),
    ),
  ];
}
