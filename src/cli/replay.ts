import { createReplay, type Recomputed } from '../audit/replay.ts';
import { EMPTY } from '../events/decode.ts';
import { createUnsealer, type SealedRun } from '../events/unsealer.ts';
import { logReader } from '../runtime/log-reader.ts';
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
    await using reader = await openReader(io, { log: 'validator', source: input.value('source') });
    const { size } = await reader.log.head();
    using bar = progressBar(io, 'replaying', size);
    const replay = createReplay();
    const unsealer = createUnsealer();
    const types = new Map<string, number>();
    const decisions: Recomputed[] = [];
    let head = EMPTY;
    // As an auditor reads it: what is sealed is opened by the keys that the log itself gives.
    const log = logReader(reader.store);
    for await (const batch of log.read({ after: EMPTY, follow: false, signal: io.signal })) {
      for (const recorded of batch.events.flatMap(unsealer.take)) {
        types.set(recorded.event.type, (types.get(recorded.event.type) ?? 0) + 1);
        const verdict = replay(recorded);
        if (verdict !== null) decisions.push(verdict);
      }
      head = batch.head;
      bar.show(head.size);
    }
    const sealed = unsealer.sealed();
    const result = {
      source: reader.log.source,
      events: head.size,
      hash: head.hash,
      types: Object.fromEntries([...types].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      sealed,
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
  sealed,
  decisions,
}: {
  source: string;
  events: number;
  hash: string;
  types: Readonly<Record<string, number>>;
  sealed: readonly SealedRun[];
  decisions: readonly Recomputed[];
}): string {
  const width = Math.max(0, ...Object.keys(types).map((type) => type.length));
  const lines = [
    `${source}`,
    `${events} events, chain verified, last leaf ${hash}`,
    ...Object.entries(types).map(([type, count]) => `  ${type.padEnd(width)}  ${count}`),
    ...sealed.map(
      ({ family, run, facts, firstIndex }) =>
        `still sealed: ${facts} facts of ${family}/${run}, from event ${firstIndex} on`,
    ),
    ...decisions.map(
      ({ n, family, run, verdict, detail }) =>
        `decision ${n} of ${family}/${run}: ${verdict}${detail === null ? '' : ` — ${detail}`}`,
    ),
  ];
  return `${lines.join('\n')}\n`;
}
