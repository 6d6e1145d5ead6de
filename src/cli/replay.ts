import { createReplay, type Recomputed } from '../audit/replay.ts';
import { EMPTY } from '../events/decode.ts';
import { type Command, JSON_OPTION } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { NATS_SETTINGS } from './nats-address.ts';
import { openReader, SOURCE_OPTION } from './open-reader.ts';
import { progressBar } from './progress.ts';

export const replayCommand: Command = {
  name: 'replay',
  summary: 'Read the whole log, verify its chain, and compute every recorded decision again.',
  arguments: [],
  options: { source: SOURCE_OPTION, json: JSON_OPTION },
  details: 'Exit code 4 when the chain is broken or a decision differs from what its events give.',
  settings: NATS_SETTINGS,
  run: async (input, io) => {
    await using reader = await openReader(io, input.value('source'));
    const { size } = await reader.log.head();
    using bar = progressBar(io, 'replaying', size);
    const replay = createReplay();
    const types = new Map<string, number>();
    const decisions: Recomputed[] = [];
    let head = EMPTY;
    for await (const batch of reader.log.read({ after: EMPTY, follow: false, signal: io.signal })) {
      for (const recorded of batch.events) {
        types.set(recorded.event.type, (types.get(recorded.event.type) ?? 0) + 1);
        const verdict = replay(recorded);
        if (verdict !== null) decisions.push(verdict);
      }
      head = batch.head;
      bar.show(head.size);
    }
    const result = {
      source: reader.log.source,
      events: head.size,
      hash: head.hash,
      types: Object.fromEntries([...types].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      decisions,
    };
    io.out(input.flag('json') ? `${JSON.stringify(result)}\n` : describe(result));
    return decisions.every(({ verdict }) => verdict === 'equal') ? EXIT.ok : EXIT.mismatch;
  },
};

function describe({
  source,
  events,
  hash,
  types,
  decisions,
}: {
  source: string;
  events: number;
  hash: string;
  types: Readonly<Record<string, number>>;
  decisions: readonly Recomputed[];
}): string {
  const width = Math.max(0, ...Object.keys(types).map((type) => type.length));
  const lines = [
    `${source}`,
    `${events} events, chain verified, last leaf ${hash}`,
    ...Object.entries(types).map(([type, count]) => `  ${type.padEnd(width)}  ${count}`),
    ...decisions.map(
      ({ n, family, run, verdict, detail }) =>
        `decision ${n} of ${family}/${run}: ${verdict}${detail === null ? '' : ` — ${detail}`}`,
    ),
  ];
  return `${lines.join('\n')}\n`;
}
