import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { verifySr25519 } from '../chain/hotkey.ts';
import { AppError, isSystemError } from '../errors.ts';
import { logSource } from '../events/source.ts';
import { openCheckpoint } from '../merkle/checkpoint.ts';
import { hexOf } from '../merkle/tree.ts';
import { now } from '../runtime/clock.ts';
import { logFiles, PUBLISHED_FOLDER } from '../runtime/log-files.ts';
import { openLog } from '../runtime/open-log.ts';
import { recreateStream, streamConfig } from '../runtime/streams.ts';
import { emptyLock } from '../sequencer/begin-log.ts';
import { CHECKPOINT_PATH } from '../sequencer/log-files.ts';
import type { SizedRoot } from '../sequencer/sized-root.ts';
import { fetchEvents } from '../sequencer/stored-events.ts';
import { type Command, JSON_OPTION, usage } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { writeWhole } from './export.ts';
import { openWorld } from './log/ask-world.ts';
import { LOG_SETTINGS, type LogSite, openLogSite } from './log/open-log-site.ts';
import { sourceOf } from './open-reader.ts';
import { startOwnLog } from './validator/begin-own-log.ts';

export const logRetireCommand: Command = {
  name: 'log retire',
  summary: 'Give up a log that nothing can put back, and begin its next generation.',
  arguments: ['generation'],
  options: { json: JSON_OPTION },
  details:
    "The argument names the generation that is given up: 0 for the first log of a validator. Its files, its projections and what the stream still gives are kept in EIREL_DATA_DIR/log-retired. The next generation is another log with another name; its first event names the newest checkpoint of this one that is signed here, published, anchored or witnessed, so that nobody can leave that out. What was signed in runs stays in the signing directory. Runs that are under way are not finished. The validator must be stopped; the stream is deleted and created anew, which needs the administrator's credential. May be run again when it broke off.",
  settings: [...LOG_SETTINGS, 'EIREL_CHAIN_ENDPOINTS', 'EIREL_PEER_ADDRESSES'],
  run: async (input, io) => {
    const generation = readGeneration(input.arguments[0] ?? '');
    await using site = await openLogSite(io, 'eirel log retire', { begins: true });
    const names = await namesOf(site, generation);
    await using world = await openWorld(site, io.signal);
    await requireUnused(site, names.next, world);
    const previous = await lastGood(site, names.given, world);
    const began = await isBegun(site, names.next);
    if (!began) await beginNext(site, names, previous);
    const result = { retired: names.given.source, begun: names.next.source, previous };
    io.out(
      input.flag('json')
        ? `${JSON.stringify(result)}\n`
        : `${result.retired} ends with ${previous.size} events, root ${previous.root}\n${result.begun} continues it\n`,
    );
    return EXIT.ok;
  },
};

/** A witness takes no later generation than 255 of one log (sequencer/witness.ts). */
const MAX_GIVEN_GENERATION = 254;

function readGeneration(text: string): number {
  const generation = /^(0|[1-9][0-9]{0,2})$/.test(text) ? Number(text) : Number.NaN;
  if (generation <= MAX_GIVEN_GENERATION) return generation;
  const expected = `the generation that is given up, from 0 to ${MAX_GIVEN_GENERATION}`;
  throw usage(logRetireCommand, { field: 'generation', value: text, expected });
}

type Names = Readonly<
  Record<'given' | 'next', LogSite['owner'] & { generation: number; source: string }>
>;

/** The log that is given up, and its successor. Throws `usage.invalid` where another one is in use. */
async function namesOf(
  { owner, signing: { lock }, ...site }: LogSite,
  generation: number,
): Promise<Names> {
  const nameOf = (each: number) => ({
    ...owner,
    generation: each,
    source: logSource({ ...owner, generation: each }),
  });
  const names = { given: nameOf(generation), next: nameOf(generation + 1) };
  const next = await lock.read(names.next.source);
  const current = site.generation;
  const unfinished = current === generation + 1 && next?.size === 0;
  const locked = site.locked !== null;
  if (unfinished || (locked ? current === generation : next === null)) return names;
  throw usage(logRetireCommand, {
    field: 'generation',
    value: String(generation),
    expected: `${current}, which is in use`,
  });
}

type World = Awaited<ReturnType<typeof openWorld>>;

/** A successor that was begun, and whose lock is lost with the signing directory, is given up itself: never begun twice. */
async function requireUnused(site: LogSite, next: Names['next'], { asks }: World): Promise<void> {
  const { source, generation } = next;
  if ((await site.signing.lock.read(source)) !== null) return;
  const [published] = await publishedOf(site, next);
  const [witnessed] = published === undefined ? (await asks(next)()).witnessed : [];
  const seen = published ?? witnessed;
  if (seen === undefined && !(await isBegun(site, next))) return;
  throw new AppError('log.forked', {
    source,
    found: seen === undefined ? 'its events in the stream' : `${seen.size} events of it`,
    expected: 'a generation that was never begun',
    next: `bring back EIREL_SIGNING_DIR; where it is lost, \`eirel log retire ${generation}\``,
  });
}

/** The newest checkpoint of a log that anybody has: its successor names it. */
async function lastGood(
  site: LogSite,
  given: Names['given'],
  { asks }: World,
): Promise<SizedRoot & { source: string }> {
  const { source, generation } = given;
  const { size, root } = (await site.signing.lock.read(source)) ?? NOTHING;
  const published = await publishedOf(site, given);
  const { anchor, witnessed } = await asks(given)();
  if (!anchor.known)
    throw new AppError('chain.unavailable', {
      found: anchor.detail,
      next: 'the last anchor has to be known, because the next generation names it: try again later',
    });
  if (anchor.value !== null && anchor.value.generation > generation)
    throw new AppError('log.forked', {
      found: `an anchor of generation ${anchor.value.generation} on chain`,
      next: 'this is an old copy of the validator; that generation is the one in use',
    });
  const candidates = [
    { size, root },
    ...published,
    ...(anchor.value === null ? [] : [anchor.value]),
    ...witnessed,
  ];
  const newest = candidates.reduce((best, each) => (each.size > best.size ? each : best));
  if (newest.size === 0)
    throw new AppError('input.invalid', {
      field: 'generation',
      value: generation,
      expected: 'a log of which something was published',
      next: 'nothing of it is known to anybody: `eirel export` what the stream holds, delete the stream, create it with `eirel streams apply`, and run `eirel log init`',
    });
  return { source, size: newest.size, root: newest.root };
}

/** What is published of it under the hotkey's signature, here or where a run that broke off has put it. */
async function publishedOf(
  { config, signer, files }: LogSite,
  { source, generation }: Names['given'],
): Promise<readonly SizedRoot[]> {
  const kept = logFiles(keptFolder(config, generation));
  const note = (await files.read(CHECKPOINT_PATH)) ?? (await kept.read(CHECKPOINT_PATH));
  if (note === null) return [];
  const opened = openCheckpoint(note, { hotkey: signer.hotkey, verify: verifySr25519 });
  if (opened.kind === 'refused' || opened.checkpoint.origin !== source) return [];
  return [{ size: opened.checkpoint.size, root: hexOf(opened.checkpoint.root) }];
}

function keptFolder({ EIREL_DATA_DIR }: LogSite['config'], generation: number): string {
  return join(EIREL_DATA_DIR, 'log-retired', String(generation));
}

const NOTHING: SizedRoot = { size: 0, root: '' };

async function isBegun({ storeOf }: LogSite, { source }: Names['next']): Promise<boolean> {
  const store = storeOf(source);
  return (await store.size()) > 0 && (await sourceOf(store)) === source;
}

/** Each step may have been made by a run that broke off. */
async function beginNext(
  site: LogSite,
  { given, next }: Names,
  previous: SizedRoot & { source: string },
): Promise<void> {
  const { config, files, signing, signer, nc, storeOf } = site;
  const kept = keptFolder(config, given.generation);
  await mkdir(kept, { recursive: true });
  await keepStream(storeOf(given.source), join(kept, 'stream.jsonl'));
  for (const name of await files.staged()) await files.unstage(name);
  for (const folder of [PUBLISHED_FOLDER, 'projections'])
    await moveAway(join(config.EIREL_DATA_DIR, folder), join(kept, folder));
  const secrets = await signing.secrets.create();
  await signing.lock.begin(emptyLock(next.source, now()));
  await recreateStream(nc, streamConfig('validator'));
  const log = await openLog(storeOf(next.source), { secret: secrets.sealSecret });
  await startOwnLog(next, previous, { append: log.append, secrets, signer });
}

/** Whatever the stream still gives, in its order, unverified: one payload a line. */
async function keepStream(
  store: Parameters<typeof fetchEvents>[0] & { size: () => Promise<number> },
  file: string,
) {
  const size = await store.size();
  if (size === 0) return;
  await writeWhole(file, async (write) => {
    for (let at = 0; at < size; at += KEPT_AT_ONCE) {
      for (const payload of await fetchEvents(store, at, Math.min(size, at + KEPT_AT_ONCE)))
        await write(Buffer.concat([payload, NEWLINE]));
    }
  });
}

const KEPT_AT_ONCE = 256;
const NEWLINE = Buffer.from('\n');

async function moveAway(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return;
    throw error;
  }
}
