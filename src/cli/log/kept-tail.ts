import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isSystemError } from '../../errors.ts';
import type { Tail } from '../../sequencer/repair-log.ts';
import { writeWhole } from '../export.ts';

/**
 * Events in a file of the data directory, one a line, as `eirel export` writes them, while the stream that they
 * belong to is not there. The file is there from before the stream is deleted until a repair has come to its end.
 */
export function keptTail(dataDir: string): Tail {
  const file = join(dataDir, 'log-repair.tail');
  return {
    load: async () => {
      try {
        const lines = (await readFile(file, 'latin1')).split('\n').slice(0, -1);
        return lines.map((line) => Buffer.from(line, 'latin1'));
      } catch (error) {
        if (isSystemError(error, 'ENOENT')) return null;
        throw error;
      }
    },
    save: (payloads) =>
      writeWhole(file, async (write) => {
        for (const payload of payloads) await write(Buffer.concat([payload, NEWLINE]));
      }),
    drop: () => rm(file, { force: true }),
  };
}

const NEWLINE = Buffer.from('\n');
