import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { writeImport } from '../handlers/commands.ts';
import { type ImportReport, MAX_IMPORT_LINES } from '../handlers/import-scores.ts';
import { MAX_RESULT_BYTES } from '../handlers/read-result.ts';
import { requestCommand } from '../runtime/commands.ts';
import { type Command, JSON_OPTION } from './command.ts';
import { connectOperator } from './connect-operator.ts';
import { EXIT } from './exit-codes.ts';
import { NATS_SETTINGS } from './nats-address.ts';
import { progressBar } from './progress.ts';
import { readLines, sizeOfFile } from './read-lines.ts';

/** One request is one NATS message of at most 1 MiB; a line alone may take most of it. */
const MAX_REQUEST_BYTES = MAX_RESULT_BYTES + 65_536;

const Report = z.strictObject({
  accepted: z.int(),
  repeated: z.int(),
  refused: z.array(z.strictObject({ line: z.int(), reason: z.string() })),
  scores: z.strictObject({ scored: z.int(), failed: z.int(), excused: z.int(), repeated: z.int() }),
});

export const scoresImportCommand: Command = {
  name: 'scores import',
  summary: 'Import task results, one JSON object a line; bad lines are refused, the rest goes in.',
  arguments: ['file'],
  options: { json: JSON_OPTION },
  details:
    'Each line: {"run_id","family_id","task_id","miner_results":[…]}, with rows as they are submitted to the owner\'s API. Importing a file again changes nothing.\nExit code 3 when a line was refused.',
  settings: NATS_SETTINGS,
  run: async (input, io) => {
    const file = input.arguments[0] ?? '';
    const size = await sizeOfFile(file);
    await using operator = await connectOperator(io);
    using bar = progressBar(io, 'importing', size);
    let report: ImportReport = {
      accepted: 0,
      repeated: 0,
      refused: [],
      scores: { scored: 0, failed: 0, excused: 0, repeated: 0 },
    };
    for await (const { payload, done, refused } of requests(file)) {
      const part =
        payload === null
          ? null
          : Report.parse(await requestCommand(operator.nc, 'scores.import', payload));
      const both = [...(part?.refused ?? []), ...refused].toSorted((a, b) => a.line - b.line);
      report = add(report, { ...(part ?? EMPTY), refused: both });
      bar.show(done);
    }
    io.out(input.flag('json') ? `${JSON.stringify(report)}\n` : describe(report));
    return report.refused.length === 0 ? EXIT.ok : EXIT.refused;
  },
};

const EMPTY: ImportReport = {
  accepted: 0,
  repeated: 0,
  refused: [],
  scores: { scored: 0, failed: 0, excused: 0, repeated: 0 },
};

type Request = Readonly<{ payload: string | null; done: number; refused: ImportReport['refused'] }>;

/** The file in requests of a bounded number of lines and bytes; lines that fit no request are refused here. */
async function* requests(file: string): AsyncGenerator<Request> {
  let [number, done, bytes] = [0, 0, 0];
  let lines: string[] = [];
  let refused: { line: number; reason: string }[] = [];
  const flush = (): Request => {
    const payload = lines.length === 0 ? null : writeImport(number - lines.length + 1, lines);
    const request = { payload, done, refused };
    [lines, refused, bytes] = [[], [], 0];
    return request;
  };
  for await (const { bytes: line, length } of readLines(file, MAX_RESULT_BYTES)) {
    if (lines.length === MAX_IMPORT_LINES || bytes + length + 1 > MAX_REQUEST_BYTES) yield flush();
    number++;
    done += length + 1;
    const reason = faultOf(line);
    if (reason !== null) {
      // Its place stays, as a blank line, so that the lines after it keep their numbers.
      refused.push({ line: number, reason });
      lines.push('');
      bytes++;
    } else {
      lines.push(Buffer.from(line ?? []).toString());
      bytes += length + 1;
    }
  }
  if (lines.length > 0) yield flush();
}

/** What is wrong with a line before anybody looks at what it says. */
function faultOf(line: Uint8Array | null): string | null {
  if (line === null) return `longer than ${MAX_RESULT_BYTES} bytes`;
  return isUtf8(line) ? null : 'not UTF-8';
}

function add(a: ImportReport, b: ImportReport): ImportReport {
  return {
    accepted: a.accepted + b.accepted,
    repeated: a.repeated + b.repeated,
    refused: [...a.refused, ...b.refused],
    scores: {
      scored: a.scores.scored + b.scores.scored,
      failed: a.scores.failed + b.scores.failed,
      excused: a.scores.excused + b.scores.excused,
      repeated: a.scores.repeated + b.scores.repeated,
    },
  };
}

function describe({ accepted, repeated, refused, scores }: ImportReport): string {
  const lines = [
    `${accepted} lines imported, ${repeated} were there before, ${refused.length} refused`,
    `${scores.scored} scores, ${scores.failed} failed by the miner, ${scores.excused} excused`,
    ...refused.map(({ line, reason }) => `  line ${line}: ${reason}`),
  ];
  return `${lines.join('\n')}\n`;
}
