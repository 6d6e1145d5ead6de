import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { writeLogFiles } from './audit-log-on-disk.ts';
import { summarise } from './measure.ts';
import { type Benchmark, plainRow } from './row.ts';

/** A published log on disk, audited in full by a process that does nothing else. */
export const audit: Benchmark = {
  name: 'audit',
  summary: 'a whole log audited: every event, rule, seal and hash tile',
  measure: async (quick) => {
    // Fifteen runs of a full subnet with all of its tasks, and a little more, are a million events.
    const shape = quick
      ? { runs: 2, miners: 16, tasks: 16 }
      : { runs: 16, miners: 256, tasks: 244 };
    const rounds = quick ? 1 : 3;
    await using scratch = await scratchDirectory();
    const folder = join(scratch.path, 'log');
    const size = writeLogFiles(folder, shape);
    const audited: Audited[] = [];
    for (let round = 0; round < rounds; round++)
      audited.push(await auditOnce(folder, size, shape.runs));
    const events = size.toLocaleString('en-US');
    return [
      plainRow(
        { name: 'audit', what: `audit of ${events} events`, unit: 'events/s' },
        summarise(audited.map(({ seconds }) => size / seconds)),
        [{ of: 'value', is: 'at least', bound: 40_000 }],
      ),
      plainRow(
        { name: 'audit memory', what: `the most that it takes of memory`, unit: 'MiB' },
        summarise(audited.map(({ maxRSS }) => maxRSS / KIB_IN_MIB)),
        [{ of: 'value', is: 'at most', bound: 512 }],
      ),
    ];
  },
};

const KIB_IN_MIB = 1_024;

const Audited = z.object({
  size: z.int(),
  seconds: z.number(),
  /** KiB. */
  maxRSS: z.number(),
  decisions: z.int(),
  faults: z.array(z.unknown()).length(0),
});
type Audited = z.infer<typeof Audited>;

const CHILD = fileURLToPath(new URL('audit-child.ts', import.meta.url));

async function auditOnce(folder: string, size: number, decisions: number): Promise<Audited> {
  const { stdout } = await promisify(execFile)(process.execPath, [CHILD, folder]);
  const audited = Audited.parse(JSON.parse(stdout));
  if (audited.size !== size || audited.decisions !== decisions)
    throw new Error(`an audit that ended after ${audited.size} events`);
  return audited;
}
