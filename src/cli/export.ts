import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { EMPTY } from '../events/decode.ts';
import { type Command, JSON_OPTION } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { openReader, SOURCE_OPTION } from './open-reader.ts';
import { progressBar } from './progress.ts';

export const exportCommand: Command = {
  name: 'export',
  summary: 'Write the whole log, verified, to one file: the stored payloads, one a line.',
  arguments: ['file'],
  options: { source: SOURCE_OPTION, json: JSON_OPTION },
  run: async (input, io) => {
    const file = input.arguments[0] ?? '';
    await using reader = await openReader(io, input.value('source'));
    const { size } = await reader.log.head();
    using bar = progressBar(io, 'exporting', size);
    // Under another name until it is whole: half a log must not look like one.
    const out = createWriteStream(`${file}.part`);
    let head = EMPTY;
    for await (const batch of reader.log.read({ after: EMPTY, follow: false, signal: io.signal })) {
      for (const payload of batch.payloads) {
        if (!out.write(Buffer.concat([payload, Buffer.from('\n')]))) await once(out, 'drain');
      }
      head = batch.head;
      bar.show(head.size);
    }
    out.end();
    await finished(out);
    await rename(`${file}.part`, file);
    io.out(
      input.flag('json')
        ? `${JSON.stringify({ file, events: head.size, hash: head.hash })}\n`
        : `${head.size} events in ${file}, last leaf ${head.hash}\n`,
    );
    return EXIT.ok;
  },
};
