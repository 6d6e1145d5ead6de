import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../errors.ts';
import { type Command, type Io, JSON_OPTION } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { auditSubnet } from './subnet/audit-subnet.ts';
import { NETUID } from './subnet/cast.ts';
import { describeAudit } from './subnet/describe-audit.ts';
import { describeRun } from './subnet/describe-run.ts';
import { type LocalSubnet, startLocalSubnet } from './subnet/local-subnet.ts';
import { RUNS } from './subnet/plan.ts';
import { playRun, type RunResult } from './subnet/play-run.ts';

export const subnetCommand: Command = {
  name: 'subnet',
  summary:
    'Run a whole subnet on this machine for three runs: four validators, one of them dishonest.',
  arguments: [],
  options: {
    keep: { type: 'boolean', help: 'keep it running after the runs, until Ctrl-C' },
    dir: {
      type: 'string',
      placeholder: 'path',
      help: 'keep its files in this new or empty folder; otherwise they are temporary',
    },
    json: JSON_OPTION,
  },
  run: async (input, io) => {
    const started = performance.now();
    await refuseUsed(input.value('dir'));
    const dir = input.value('dir') ?? (await mkdtemp(join(tmpdir(), 'eirel-subnet-')));
    try {
      await using subnet = await startLocalSubnet(dir, io);
      io.note(`four validators are up after ${seconds(started)} s\n`);
      const results: RunResult[] = [];
      for (const plan of RUNS) {
        const result = await playRun(plan, subnet, { dir, io });
        results.push(result);
        io.out(input.flag('json') ? `${JSON.stringify(result)}\n` : `${describeRun(result)}\n`);
      }
      check(results);
      const newest = results.at(-1)?.run ?? '';
      const audit = await auditSubnet(newest, subnet, { dir, io });
      io.out(input.flag('json') ? `${JSON.stringify({ audit })}\n` : `${describeAudit(audit)}\n`);
      io.note(
        `\n${results.length} runs decided and certified alike by all honest validators, and audited, in ${seconds(started)} s\n`,
      );
      if (!input.flag('keep')) {
        io.note(HOW_TO_KEEP);
        return EXIT.ok;
      }
      io.note(whereToLook(subnet));
      await keepRunning(subnet, io);
      return EXIT.ok;
    } finally {
      if (input.value('dir') === undefined) await rm(dir, { recursive: true, force: true });
    }
  },
};

const HOW_TO_KEEP =
  '\nWhere to look next: `npm start -- --keep` keeps it running, and prints the addresses of its validators and the commands to follow, replay and audit a log.\n';

/** The runs of a subnet are the first ones of its logs: files of another one would not fit them. */
async function refuseUsed(dir: string | undefined): Promise<void> {
  if (dir === undefined) return;
  const found = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    if (error.code === 'ENOTDIR') return ['a file'];
    throw error;
  });
  if (found.length > 0)
    throw new AppError('input.invalid', {
      field: '--dir',
      value: dir,
      expected: 'an empty folder, or one that is not there yet',
    });
}

/** What the subnet is there to show holds, or the command fails. */
function check(results: readonly RunResult[]): void {
  for (const { run, identical, honest, certificate } of results) {
    if (identical.length !== honest.length)
      throw new AppError('subnet.failed', {
        run,
        found: `only ${identical.join(', ')} decided alike`,
        expected: honest.join(', '),
      });
    if (certificate === null) throw new AppError('subnet.failed', { run, found: 'no certificate' });
  }
}

async function keepRunning(subnet: LocalSubnet, io: Io): Promise<void> {
  const BLOCK_MS = 2_000; // slow enough to read along, fast enough to see something move
  const timer = setInterval(() => void subnet.chain.produceBlock(), BLOCK_MS);
  try {
    if (!io.signal.aborted) await once(io.signal, 'abort');
  } finally {
    clearInterval(timer);
  }
}

function whereToLook({ validators, chain, environment }: LocalSubnet): string {
  const settings = Object.entries(environment('v1', 'reader')).map(
    ([name, value]) => `${name}=${value}`,
  );
  const prefix = settings.join(' ');
  const network = `--genesis ${chain.genesisHash.replace(/^0x/, '')} --netuid ${NETUID}`;
  return [
    '\nWhere to look next (Ctrl-C ends it):',
    ...validators.map(({ name, url }) => `  ${name}  ${url}`),
    `  the chain  ${chain.url}`,
    '  /v1/status  /v1/consensus/decisions/run-3  /v1/consensus/certificates/run-3',
    '  /v1/consensus/reports/run-3?view=index  /v1/log/events?from=0&limit=10  /readyz  /metrics  /openapi.json',
    '  /log/checkpoint  /log/proof/0  /log/.well-known/eirel-log.json  /bundle/run-1  /v1/evidence?view=index  /audit',
    'Follow the log of v1, and compute its decisions again:',
    `  ${prefix} npm run eirel -- tail 'validator.decision.>'`,
    `  ${prefix} npm run eirel -- replay`,
    'Audit it like a stranger, who knows its address and the chain:',
    `  npm run eirel -- audit log ${validators[0]?.url} ${network} --rpc ${chain.url}`,
    '',
  ].join('\n');
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1_000).toFixed(1);
}
