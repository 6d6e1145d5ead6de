import { join } from 'node:path';
import { AppError } from '../errors.ts';
import { type LogName, logs } from '../events/subjects.ts';
import { projectors } from '../projectors/all.ts';
import { ledger } from '../projectors/ledger.ts';
import { ownerEvaluations } from '../projectors/owner-evaluations.ts';
import { ownerRegistry } from '../projectors/owner-registry.ts';
import type { Projector } from '../projectors/projector.ts';
import { rebuildProjection } from '../runtime/rebuild.ts';
import { type Command, type Input, JSON_OPTION } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { NATS_SETTINGS } from './nats-address.ts';
import { LOG_OPTION, openReader, readLogName, SOURCE_OPTION } from './open-reader.ts';
import { progressBar } from './progress.ts';

/** What is derived from each log. */
const OF_LOG: Readonly<Record<LogName, readonly Projector[]>> = {
  validator: Object.values(projectors),
  ledger: [ledger],
  owner: [ownerRegistry, ownerEvaluations],
};

export const rebuildCommand: Command = {
  name: 'rebuild',
  summary: 'Derive projections anew from their log, beside those in use, then switch.',
  arguments: ['[projection]'],
  options: { log: LOG_OPTION, source: SOURCE_OPTION, json: JSON_OPTION },
  details: `Projections: ${Object.entries(OF_LOG)
    .map(([log, all]) => `${all.map(({ name }) => name).join(', ')} (${log})`)
    .join(
      '; ',
    )}. All of the log without a name. A running process takes the new files at its next start.`,
  settings: [...NATS_SETTINGS, 'EIREL_DATA_DIR', 'EIREL_SIGNING_DIR'],
  run: async (input, io) => {
    const { log, chosen } = choose(input);
    await using reader = await openReader(io, { log, source: input.value('source') });
    const dir = join(reader.config.EIREL_DATA_DIR, 'projections');
    for (const projector of chosen) {
      const started = performance.now();
      const { size } = await reader.log.head();
      using bar = progressBar(io, `rebuilding ${projector.name}`, size);
      const head = await rebuildProjection(projector, reader.log, {
        dir,
        onProgress: bar.show,
        signal: io.signal,
      });
      const seconds = (performance.now() - started) / 1_000;
      const result = {
        projection: projector.name,
        version: projector.version,
        events: head.size,
        eventsPerSecond: Math.round(head.size / seconds),
      };
      io.out(
        input.flag('json')
          ? `${JSON.stringify(result)}\n`
          : `${projector.name} v${projector.version}: ${head.size} events, ${result.eventsPerSecond}/s\n`,
      );
    }
    return EXIT.ok;
  },
};

/** A projection says of which log it is; without one all of the log that is asked for are meant. */
function choose(input: Input): Readonly<{ log: LogName; chosen: readonly Projector[] }> {
  const [name] = input.arguments;
  const asked = readLogName(rebuildCommand, input);
  if (name === undefined) return { log: asked, chosen: OF_LOG[asked] };
  for (const log of logs) {
    if (input.value('log') !== undefined && log !== asked) continue;
    const found = OF_LOG[log].find((projector) => projector.name === name);
    if (found !== undefined) return { log, chosen: [found] };
  }
  throw new AppError('projection.unknown', {
    field: 'projection',
    value: name,
    expected: Object.values(OF_LOG)
      .flat()
      .map((projector) => projector.name)
      .join(', '),
  });
}
