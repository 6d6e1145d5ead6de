import type { Head } from '../events/envelope.ts';
import { decideStart, type StartDecision, type StartFacts } from '../sequencer/decide-start.ts';
import { gatherFacts } from '../sequencer/reconcile.ts';
import { readTail } from '../sequencer/repair-log.ts';
import type { StoredEvents } from '../sequencer/stored-events.ts';
import { type Command, JSON_OPTION } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { coverDepsOf, LOG_SETTINGS, openLogSite } from './log/open-log-site.ts';

export const logStatusCommand: Command = {
  name: 'log status',
  summary: 'Compare stream, published files and signing database, every event hashed anew.',
  arguments: [],
  options: { json: JSON_OPTION },
  details:
    'Changes nothing. The validator must be stopped: while it runs it has compared them itself, and /readyz tells how it goes. What chain and witnesses know is asked at the start.\nExit code 4 unless everything agrees.',
  settings: LOG_SETTINGS,
  run: async (input, io) => {
    await using site = await openLogSite(io, 'eirel log status', { begins: false });
    const { source } = site;
    const deps = await coverDepsOf(site);
    const { facts, survey } = await gatherFacts(source, NOBODY_ASKED, deps);
    const decision = decideStart(facts);
    const brokenAt =
      decision.kind === 'go-on' && survey !== null
        ? await brokenBehind(survey.covered.head, deps.events)
        : null;
    io.out(
      input.flag('json')
        ? `${JSON.stringify({ source, ...told(facts), decision, brokenAt })}\n`
        : describe(
            source,
            facts,
            brokenAt === null ? tellDecision(decision) : tellBroken(brokenAt),
          ),
    );
    return decision.kind === 'go-on' && brokenAt === null ? EXIT.ok : EXIT.mismatch;
  },
};

/** What lies here is looked at alone. */
const NOBODY_ASKED = { anchor: { known: true, value: null }, witnessed: [] } as const;

/** The index of the first event behind the signed ones that does not follow from the one before it; null where all do. */
async function brokenBehind(
  head: Head,
  events: Pick<StoredEvents, 'size' | 'fetch' | 'source'>,
): Promise<number | null> {
  const at = head.size + (await readTail(head, events)).length;
  return at < (await events.size()) ? at : null;
}

function tellBroken(index: number): string {
  return `event ${index}, which no checkpoint covers yet, is missing or altered: \`eirel log repair\` keeps those before it`;
}

function told({ lock, published, tiles, staged, stream, differsAt }: StartFacts) {
  const signed = lock === null ? null : { size: lock.size, root: lock.root, time: lock.time };
  return { stream, signed, published, tiles, staged, differsAt };
}

function describe(source: string, facts: StartFacts, verdict: string): string {
  const { lock, published, tiles, stream, staged } = facts;
  const checkpoint = typeof published === 'string' ? published : sizeAndRoot(published);
  const files = tiles.kind === 'whole' ? 'whole' : `${tiles.file} is ${tiles.kind}`;
  return `${[
    source,
    `stream     ${stream.size} events`,
    `signed     ${lock === null ? 'nothing' : `${sizeAndRoot(lock)} at ${lock.time}`}`,
    `published  ${checkpoint}`,
    `files      ${files}${staged ? ', the next checkpoint is staged' : ''}`,
    verdict,
  ].join('\n')}\n`;
}

function sizeAndRoot({ size, root }: Readonly<{ size: number; root: string }>): string {
  return `${size} events, root ${root}`;
}

/** What a start will do about it, for people. */
function tellDecision(decision: StartDecision): string {
  switch (decision.kind) {
    case 'go-on':
      return `everything agrees; ${decision.gap} events wait to be covered`;
    case 'wait':
      return `nothing is signed until the chain answers: ${decision.detail}`;
    case 'replay-staging':
      return 'a crash left the last checkpoint staged: the next start publishes it';
    case 'publish-from-stream':
      return 'published files are missing: the next start publishes them from the stream';
    case 'refill-stream':
      return `the stream lost its end: the next start appends it from event ${decision.from} on`;
    case 'rebuild-stream':
      return `the stream holds another event ${decision.index} than was signed: run \`eirel log repair\``;
    case 'refuse':
      return `${decision.reason}: found ${decision.found}, expected ${decision.expected}; ${decision.next}`;
  }
}
