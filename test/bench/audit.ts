import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { type Shape, writeLogFiles } from './audit-log-on-disk.ts';
import { compare, summarise } from './measure.ts';
import { type Benchmark, comparedRow, plainRow, type Row } from './row.ts';

/** Published logs on disk, each audited in full by a process that does nothing else. */
export const audit: Benchmark = {
  name: 'audit',
  summary: 'a whole log audited: every event, rule, seal and hash tile',
  measure: async (quick) => {
    const full = quick ? { miners: 16, tasks: 16 } : { miners: 256, tasks: 244 };
    await using scratch = await scratchDirectory();
    // Fifteen runs of a full subnet with all of its tasks, and a little more, are a million events.
    const imported = writeLog(join(scratch.path, 'imported'), { ...full, runs: quick ? 2 : 16 });
    // Each pair has four events then: a million of them would take as long again to write.
    const measuredShape = { ...full, runs: 2, measured: 'all' } as const;
    const measured = writeLog(join(scratch.path, 'measured'), measuredShape);
    const compared = await compare(
      { reference: imported.sample, subject: measured.sample },
      { warmUps: 0, rounds: quick ? 1 : 3 },
    );
    const enough = [{ of: 'value', is: 'at least', bound: 40_000 }] as const;
    return [
      plainRow(
        { name: 'audit', what: `audit of ${imported.events}`, unit: 'events/s' },
        compared.reference,
        enough,
      ),
      memoryRow('audit memory', imported),
      comparedRow(
        {
          name: 'measured audit',
          what: `audit of ${measured.events} of measured runs`,
          unit: 'events/s',
          against: 'of imported scores',
        },
        compared,
        enough,
      ),
      memoryRow('measured audit memory', measured),
    ];
  },
};

type Log = Readonly<{
  /** How many it has, in words. */
  events: string;
  /** Audits it once; events in a second. */
  sample: () => Promise<number>;
  /** What each audit so far took at most, in KiB. */
  maxRSS: readonly number[];
}>;

function writeLog(folder: string, shape: Shape): Log {
  const size = writeLogFiles(folder, shape);
  const maxRSS: number[] = [];
  const sample = async (): Promise<number> => {
    const audited = await auditOnce(folder, size, shape.runs);
    maxRSS.push(audited.maxRSS);
    return size / audited.seconds;
  };
  return { events: `${size.toLocaleString('en-US')} events`, sample, maxRSS };
}

function memoryRow(name: string, { maxRSS }: Log): Row {
  return plainRow(
    { name, what: 'the most that it takes of memory', unit: 'MiB' },
    summarise(maxRSS.map((kib) => kib / KIB_IN_MIB)),
    [{ of: 'value', is: 'at most', bound: 512 }],
  );
}

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
