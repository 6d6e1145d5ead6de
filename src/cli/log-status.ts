import { decideStart, type StartDecision, type StartFacts } from '../sequencer/decide-start.ts';
import { gatherFacts } from '../sequencer/reconcile.ts';
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
    await using site = await openLogSite(io, 'eirel log status');
    const { source } = site;
    const { facts } = await gatherFacts(source, NOBODY_ASKED, await coverDepsOf(site));
    const decision = decideStart(facts);
    io.out(
      input.flag('json')
        ? `${JSON.stringify({ source, ...told(facts), decision })}\n`
        : describe(source, facts, decision),
    );
    return decision.kind === 'go-on' ? EXIT.ok : EXIT.mismatch;
  },
};

/** What lies here is looked at alone. */
const NOBODY_ASKED = { anchor: { known: true, value: null }, witnessed: [] } as const;

function told({ lock, published, tiles, staged, stream, differsAt }: StartFacts) {
  const signed = lock === null ? null : { size: lock.size, root: lock.root, time: lock.time };
  return { stream, signed, published, tiles, staged, differsAt };
}

function describe(source: string, facts: StartFacts, decision: StartDecision): string {
  const { lock, published, tiles, stream, staged } = facts;
  const checkpoint = typeof published === 'string' ? published : sizeAndRoot(published);
  const files = tiles.kind === 'whole' ? 'whole' : `${tiles.file} is ${tiles.kind}`;
  return `${[
    source,
    `stream     ${stream.size} events`,
    `signed     ${lock === null ? 'nothing' : `${sizeAndRoot(lock)} at ${lock.time}`}`,
    `published  ${checkpoint}`,
    `files      ${files}${staged ? ', the next checkpoint is staged' : ''}`,
    tellDecision(decision),
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
