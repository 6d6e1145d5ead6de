import { AppError } from '../errors.ts';
import { createTree, hexOf } from '../merkle/tree.ts';
import { now } from '../runtime/clock.ts';
import { recreateStream, streamConfig } from '../runtime/streams.ts';
import type { CoverDeps } from '../sequencer/cover-events.ts';
import type { Locked } from '../sequencer/lock.ts';
import {
  authenticateBodies,
  firstBodies,
  type LogBodies,
  type ReadBodies,
} from '../sequencer/log-bodies.ts';
import { mendFiles, planStream, repairStream, type StreamPlan } from '../sequencer/repair-log.ts';
import { fetchEvents } from '../sequencer/stored-events.ts';
import { type Survey, surveyLog } from '../sequencer/survey.ts';
import { LOG_HELP, type OpenLogSource, openLogSource } from './audit/open-log-source.ts';
import { type Command, type Io, JSON_OPTION } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { bodiesOf, ownBodies } from './log/bodies-of.ts';
import { keptTail } from './log/kept-tail.ts';
import { coverDepsOf, LOG_SETTINGS, type LogSite, openLogSite } from './log/open-log-site.ts';
import { progressBar } from './progress.ts';

export const logRepairCommand: Command = {
  name: 'log repair',
  summary: 'Put a damaged or lost stream, or damaged published files, back as they were signed.',
  arguments: [],
  options: {
    from: {
      type: 'string',
      placeholder: 'log',
      help: 'a copy of the log to take events from: a mirror, an auditor; nothing of it is believed',
    },
    'dry-run': { type: 'boolean', help: 'say what would be done, and change nothing' },
    json: JSON_OPTION,
  },
  details: `Every event is authenticated by the root that was signed last, so a copy may be anybody's. The stream gets the same bytes at the same places; events that no checkpoint covers yet are kept where they still follow from what was signed. Where the copy has a newer checkpoint under this validator's own signatures, it is taken over: be sure that no other machine signs. The validator must be stopped. Where the stream holds something else it is deleted and created anew, which needs the administrator's credential.\n\n${LOG_HELP}`,
  settings: LOG_SETTINGS,
  run: async (input, io) => {
    await using site = await openLogSite(io, 'eirel log repair', { begins: false });
    const from = input.value('from');
    await using mirror = from === undefined ? null : await openLogSource(from, io);
    const repair = await planRepair(site, mirror, io);
    const dryRun = input.flag('dry-run');
    if (!dryRun) await perform(site, repair, io);
    const told = tell(site, repair);
    io.out(
      input.flag('json') ? `${JSON.stringify({ ...told, dryRun })}\n` : describe(told, dryRun),
    );
    return EXIT.ok;
  },
};

type Repair = Readonly<{
  deps: CoverDeps;
  locked: Locked;
  /** What the log is to be: what is locked, or a newer checkpoint of a copy. */
  target: Locked;
  bodies: LogBodies;
  mendsFiles: boolean;
  stream: StreamPlan;
}>;

async function planRepair(site: LogSite, mirror: OpenLogSource | null, io: Io): Promise<Repair> {
  const { locked } = site;
  if (locked === null)
    throw new AppError('log.forked', {
      source: site.source,
      found: 'no checkpoint in EIREL_SIGNING_DIR',
      expected: 'the last one that was signed, by which every event is authenticated',
      next: 'bring back EIREL_SIGNING_DIR, or give the log up with `eirel log retire`',
    });
  const deps = await coverDepsOf(site);
  const survey = await surveyLog(locked, deps);
  const target = notAhead(mirror === null ? locked : await newestOf(locked, mirror, deps));
  using bar = progressBar(io, 'authenticating', target.size);
  const read = firstBodies(await copies(survey, target, { mirror, deps }));
  const bodies = await authenticateBodies(read, target, bar.show);
  requireGrowth(bodies, locked);
  const { published, tiles } = survey;
  const whole =
    tiles.kind === 'whole' && (typeof published === 'string' ? 0 : published.size) === target.size;
  const stream = await planStream(bodies, deps.events);
  return { deps, locked, target, bodies, mendsFiles: !whole, stream };
}

/** Where events are taken from, the best first. A copy that has less is helped out by the others. */
async function copies(
  { covered, stream: streamed, tiles, published }: Survey,
  target: Locked,
  { mirror, deps }: Readonly<{ mirror: OpenLogSource | null; deps: CoverDeps }>,
): Promise<readonly ReadBodies[]> {
  const filed = typeof published === 'string' ? target.size : published.size;
  const own = ownBodies(deps.files, filed);
  const stream: ReadBodies = (index, width) =>
    fetchEvents(deps.events, index * BUNDLE_EVENTS, index * BUNDLE_EVENTS + width);
  // Files under a checkpoint that nobody can open were not looked at: a stream that is whole goes before them.
  const streamWhole = streamed.root === covered.locked.root;
  const here = tiles.kind === 'whole' && !streamWhole ? [own, stream] : [stream, own];
  return mirror === null ? here : [await bodiesOf(mirror.source), ...here];
}

const BUNDLE_EVENTS = 256;

/** The locked checkpoint, or the copy's, if that is a newer one with both signatures of this validator. */
async function newestOf(
  locked: Locked,
  mirror: OpenLogSource,
  { notes }: CoverDeps,
): Promise<Locked> {
  const note = await mirror.source.checkpoint();
  const opened = note === null ? null : notes.open(note);
  if (note === null || opened?.origin !== locked.source || opened.size <= locked.size)
    return locked;
  const { source } = locked;
  const text = Buffer.from(note).toString('utf8');
  return { source, size: opened.size, root: hexOf(opened.root), note: text, time: now() };
}

/** What a clock that ran ahead has signed would hold up what the right one signs, until that time has come. */
function notAhead(target: Locked): Locked {
  const time = now();
  return target.time > time ? { ...target, time } : target;
}

/** A newer checkpoint that is not over what was signed here is a fork, not a repair. */
function requireGrowth({ leaves }: LogBodies, { size, root }: Locked): void {
  const tree = createTree();
  for (const leaf of leaves.slice(0, size)) tree.append(leaf);
  const found = hexOf(tree.root());
  if (found !== root)
    throw new AppError('log.forked', {
      found: `root ${found} at size ${size} in the copy`,
      expected: `root ${root}, which was signed here`,
      next: 'two machines signed for this hotkey; `eirel log retire`',
    });
}

/** The lock moves first: what is published is never newer than it. */
async function perform(
  { nc, config, files, signing }: LogSite,
  repair: Repair,
  io: Io,
): Promise<void> {
  const { deps, locked, target, bodies, mendsFiles, stream } = repair;
  if (target !== locked && (await signing.lock.advance(locked, target)) === 'stale')
    throw new AppError('log.conflict', { found: 'a lock that moved meanwhile' });
  if (mendsFiles) await mendFiles(bodies, target.note, files);
  using bar = progressBar(io, 'storing', bodies.size);
  await repairStream(bodies, stream, {
    events: deps.events,
    recreate: () => recreateStream(nc, streamConfig('validator')),
    tail: keptTail(config.EIREL_DATA_DIR),
    onProgress: bar.show,
  });
}

function tell({ source }: LogSite, { locked, target, mendsFiles, stream }: Repair) {
  const { size, root } = target;
  const takenOver = size === locked.size ? null : { from: locked.size, to: size };
  const files = mendsFiles ? 'mend' : 'whole';
  return { source, size, root, takenOver, files, stream: tellStream(stream) };
}

type ToldStream =
  | Exclude<StreamPlan, { kind: 'rebuild' }>
  | Readonly<{ kind: 'rebuild'; index: number; kept: number; lost: number }>;

function tellStream(stream: StreamPlan): ToldStream {
  if (stream.kind !== 'rebuild') return stream;
  return { kind: 'rebuild', index: stream.index, kept: stream.tail.length, lost: stream.lost };
}

function describe(told: ReturnType<typeof tell>, dryRun: boolean): string {
  const { source, size, root, takenOver, files, stream } = told;
  const lines = [
    source,
    ...(takenOver === null
      ? []
      : [`signed     ${takenOver.from} events, the copy has ${takenOver.to}: taken over`]),
    `files      ${files === 'whole' ? 'whole' : 'written again from events'}`,
    `stream     ${describeStream(stream)}`,
    `${dryRun ? 'to be' : 'now'}: ${size} events with root ${root}, as they were signed`,
  ];
  return `${lines.join('\n')}\n`;
}

function describeStream(stream: ToldStream): string {
  switch (stream.kind) {
    case 'whole':
      return 'whole';
    case 'append':
      return `its end is missing: appended from event ${stream.from} on`;
    case 'rebuild':
      return `another event ${stream.index}: deleted, created, filled; ${stream.kept} events that no checkpoint covers are kept, ${stream.lost} lost`;
  }
}
