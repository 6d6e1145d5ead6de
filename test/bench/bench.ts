import { parseArgs } from 'node:util';
import { AppError, isAppError } from '#src/errors.ts';
import { append } from './append.ts';
import { audit } from './audit.ts';
import { bundle } from './bundle.ts';
import { chain } from './chain.ts';
import { crowd } from './crowd.ts';
import { decide } from './decide.ts';
import { events } from './events.ts';
import { http } from './http.ts';
import { scoresImport } from './import.ts';
import { ledger } from './ledger.ts';
import { describeMachine, load, type Machine } from './machine.ts';
import { median } from './median.ts';
import { proof } from './proof.ts';
import { publish } from './publish.ts';
import { rebuild } from './rebuild.ts';
import { type Benchmark, type Row, verdicts } from './row.ts';
import { table } from './table.ts';
import { verify } from './verify.ts';

/** What computes in memory comes first, in a process whose memory nothing else has scattered yet. */
const benchmarks: readonly Benchmark[] = [
  median,
  decide,
  events,
  proof,
  verify,
  bundle,
  audit,
  chain,
  append,
  publish,
  rebuild,
  http,
  scoresImport,
  ledger,
  crowd,
];

const HELP = `Measures the validator against what it stands on, on this machine and its loopback only.

usage: npm run bench -- [--only name]... [--json] [--quick]

  --only name  one group of figures; may be given several times
  --json       the whole result as JSON on standard output
  --quick      small sizes, to see that everything runs; the figures mean nothing
  --help

${benchmarks.map(({ name, summary }) => `  ${name.padEnd(11)}  ${summary}`).join('\n')}

Each figure is the median of several rounds (lower–upper quartile). A ratio is formed within each round,
in which reference and subject take turns. A missed target is shown and is no failure: exit code 0.
`;

try {
  await main();
} catch (error) {
  process.exitCode = 1;
  // What the caller got wrong needs no stack.
  const usage =
    isAppError(error, 'usage.invalid') ||
    (error instanceof TypeError &&
      'code' in error &&
      String(error.code).startsWith('ERR_PARSE_ARGS'));
  console.error(usage ? error.message : error);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const chosen = choose(values.only);
  const machine = await describeMachine();
  const loadBefore = load();
  const rows: Row[] = [];
  for (const { name, measure } of chosen) {
    process.stderr.write(`measuring ${name} …\n`);
    rows.push(...(await measure(values.quick)));
  }
  const result: Result = {
    machine,
    quick: values.quick,
    load: { before: loadBefore, after: load() },
    rows,
  };
  process.stdout.write(values.json ? asJson(result) : asText(result));
}

type Result = Readonly<{
  machine: Machine;
  quick: boolean;
  /** Load averages over a minute. After the run, the run itself is part of it. */
  load: Readonly<{ before: number; after: number }>;
  rows: readonly Row[];
}>;

function choose(names: readonly string[]): readonly Benchmark[] {
  const unknown = names.find((name) => !benchmarks.some((benchmark) => benchmark.name === name));
  if (unknown !== undefined) {
    const expected = benchmarks.map(({ name }) => name).join(', ');
    throw new AppError('usage.invalid', { field: '--only', value: unknown, expected });
  }
  return names.length === 0 ? benchmarks : benchmarks.filter(({ name }) => names.includes(name));
}

function asJson(result: Result): string {
  const rows = result.rows.map((row) => ({ ...row, verdicts: verdicts(row) }));
  return `${JSON.stringify({ ...result, rows }, null, 2)}\n`;
}

function asText({ machine, quick, load: { before, after }, rows }: Result): string {
  const { cores, cpu, memoryGiB, system, kernel, node, natsServer } = machine;
  const lines = [
    `${cores} cores (${cpu}), ${memoryGiB} GiB, ${system}, ${kernel}, Node ${node}, nats-server ${natsServer}`,
    `load average before ${before.toFixed(2)}, after ${after.toFixed(2)}`,
    ...(quick ? ['--quick: these figures mean nothing'] : []),
    '',
    table(rows),
  ];
  return `${lines.join('\n')}\n`;
}
