import { join } from 'node:path';
import { AppError } from '../errors.ts';
import { projectors } from '../projectors/all.ts';
import { rebuildProjection } from '../runtime/rebuild.ts';
import { type Command, JSON_OPTION } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { NATS_SETTINGS } from './nats-address.ts';
import { openReader, SOURCE_OPTION } from './open-reader.ts';
import { progressBar } from './progress.ts';

export const rebuildCommand: Command = {
  name: 'rebuild',
  summary: 'Derive projections anew from the log, beside those in use, then switch.',
  arguments: ['[projection]'],
  options: { source: SOURCE_OPTION, json: JSON_OPTION },
  details: `Projections: ${Object.values(projectors)
    .map(({ name }) => name)
    .join(
      ', ',
    )}; all of them without a name. A running validator takes the new files at its next start.`,
  settings: [...NATS_SETTINGS, 'EIREL_DATA_DIR', 'EIREL_SIGNING_DIR'],
  run: async (input, io) => {
    const chosen = choose(input.arguments[0]);
    await using reader = await openReader(io, input.value('source'));
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

function choose(name: string | undefined) {
  const all = Object.values(projectors);
  if (name === undefined) return all;
  const found = all.find((projector) => projector.name === name);
  if (found === undefined) {
    throw new AppError('projection.unknown', {
      field: 'projection',
      value: name,
      expected: all.map((projector) => projector.name).join(', '),
    });
  }
  return [found];
}
