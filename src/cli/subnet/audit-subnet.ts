import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { auditBundleCommand } from '../audit-bundle.ts';
import { auditEvidenceCommand } from '../audit-evidence.ts';
import { auditLogCommand } from '../audit-log.ts';
import { auditRunCommand } from '../audit-run.ts';
import { type Command, type Io, readInput } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { DISHONEST, hotkeyOf, NETUID, RUNNING, type Running } from './cast.ts';
import { get } from './get.ts';
import type { LocalSubnet } from './local-subnet.ts';

/** What the audit of one validator's log came to. */
export type AuditedLog = Readonly<{ validator: Running; exitCode: number }> & Verdict;

/** A file of evidence, as it was checked again from the disk alone. */
type CheckedEvidence = Readonly<{ file: string; kind: string; summary: string }>;

/** A validator's report of a run by its bundle: what became of each code. */
type CheckedBundle = Readonly<{ validator: Running } & z.infer<typeof BundleVerdict>>;

/** How the subnet's logs stand to an auditor who trusts none of them. */
export type SubnetAudit = Readonly<{
  logs: readonly AuditedLog[];
  /** The newest run, computed again from each honest log and compared with the chain. */
  run: Readonly<{ run: string; same: readonly string[] }>;
  /** The honest reports of that run, each by the one file that its validator serves. */
  bundles: readonly CheckedBundle[];
  evidence: readonly CheckedEvidence[];
}>;

const Asked = z.looseObject({ claims: z.int() }).nullable();
const Counted = z.looseObject({ checked: z.int(), equal: z.int(), unchecked: z.int() });
const Verdict = z.looseObject({
  size: z.int(),
  root: z.string(),
  checkpoint: z.string(),
  faults: z.array(z.looseObject({ code: z.string(), found: z.string() })),
  rules: z.looseObject({ decisions: z.int() }),
  chain: z.looseObject({ snapshots: Counted, commitments: Counted, anchors: Counted }),
  asked: z.looseObject({ anchors: Asked, observations: Asked, witnesses: Asked }),
});
type Verdict = z.infer<typeof Verdict>;

const RunVerdict = z.looseObject({
  runs: z.array(
    z.looseObject({ chain: z.array(z.looseObject({ about: z.string(), verdict: z.string() })) }),
  ),
});
const BundleVerdict = z.looseObject({
  steps: z.array(z.looseObject({ code: z.string(), verdict: z.string(), detail: z.string() })),
});
const EvidenceIndex = z.looseObject({
  evidence: z.array(z.looseObject({ digest: z.string(), hotkey: z.string() })),
});
const EvidenceVerdict = z.looseObject({
  evidence: z.looseObject({ kind: z.string(), summary: z.string() }),
});

/**
 * Audits the log of every validator as a stranger would: over HTTP, with the chain, the others' logs and their
 * witnesses as what it is compared with; then the newest run, and its reports by their bundles; then the evidence, from files. Throws `subnet.failed`
 * where an honest log is not clean, or the dishonest validator is not caught.
 */
export async function auditSubnet(
  run: string,
  subnet: LocalSubnet,
  { dir, io }: { dir: string; io: Io },
): Promise<SubnetAudit> {
  const logs: AuditedLog[] = [];
  for (const { name } of subnet.validators) logs.push(await auditOne(name, subnet, io));
  const same: string[] = [];
  const bundles: CheckedBundle[] = [];
  for (const name of RUNNING.filter((each) => each !== DISHONEST)) {
    same.push(...(await auditRun(name, run, subnet, io)));
    bundles.push(await checkBundle(name, run, subnet, { dir, io }));
  }
  return { logs, run: { run, same }, bundles, evidence: await checkEvidence(subnet, { dir, io }) };
}

async function auditOne(name: Running, subnet: LocalSubnet, io: Io): Promise<AuditedLog> {
  const others = subnet.validators.filter((each) => each.name !== name).map(({ url }) => url);
  const argv = [
    urlOf(name, subnet),
    ...networkOf(subnet),
    '--hotkey',
    hotkeyOf(name),
    '--rpc',
    subnet.chain.url,
    ...others.flatMap((url) => ['--peer', url, '--witness', url]),
  ];
  const { exitCode, json } = await runHere(auditLogCommand, argv, io);
  const verdict = Verdict.parse(json);
  const expected = name === DISHONEST ? EXIT.mismatch : EXIT.ok;
  const caught = verdict.faults.every(({ code }) => code === 'accused');
  const { snapshots, commitments, anchors } = verdict.chain;
  const untold = [snapshots, commitments, anchors].some(({ unchecked }) => unchecked > 0);
  if (exitCode !== expected || !caught || untold)
    throw new AppError('subnet.failed', {
      audited: name,
      faults: verdict.faults,
      chain: verdict.chain,
      exitCode,
    });
  return { validator: name, exitCode, ...verdict };
}

/** What of the run is the same on chain: weights and commitment, by a validator's own log. */
async function auditRun(
  name: Running,
  run: string,
  subnet: LocalSubnet,
  io: Io,
): Promise<readonly string[]> {
  const argv = [run, urlOf(name, subnet), ...networkOf(subnet), '--rpc', subnet.chain.url];
  const { exitCode, json } = await runHere(auditRunCommand, argv, io);
  const lines = RunVerdict.parse(json).runs.flatMap(({ chain }) => chain);
  if (exitCode !== EXIT.ok)
    throw new AppError('subnet.failed', { audited: `${run} of ${name}`, lines, exitCode });
  return lines
    .filter(({ verdict }) => verdict === 'same')
    .map(({ about }) => `${about} of ${name}`);
}

/** Takes the bundle of a validator's report as anybody can, and checks it from the file, with the chain at hand. */
async function checkBundle(
  name: Running,
  run: string,
  subnet: LocalSubnet,
  { dir, io }: { dir: string; io: Io },
): Promise<CheckedBundle> {
  const answer = await get(`${urlOf(name, subnet)}/bundle/${run}`);
  const file = join(dir, `${run}-${name}.eirel-bundle.json`);
  await writeFile(file, Buffer.from(await answer.arrayBuffer()));
  const argv = [file, ...networkOf(subnet), '--hotkey', hotkeyOf(name), '--rpc', subnet.chain.url];
  const { exitCode, json } = await runHere(auditBundleCommand, argv, io);
  const verdict = BundleVerdict.parse(json);
  const stored = verdict.steps.find(({ code }) => code === 'B11')?.verdict;
  if (exitCode !== EXIT.ok || stored !== 'passed')
    throw new AppError('subnet.failed', { file, exitCode, steps: verdict.steps });
  return { validator: name, ...verdict };
}

/** Takes the evidence that an honest validator holds, and checks each file with nothing else at hand. */
async function checkEvidence(
  subnet: LocalSubnet,
  { dir, io }: { dir: string; io: Io },
): Promise<readonly CheckedEvidence[]> {
  const url = urlOf(RUNNING[0], subnet);
  const index = await get(`${url}/v1/evidence?view=index`);
  const { evidence } = EvidenceIndex.parse(await index.json());
  const checked: CheckedEvidence[] = [];
  for (const { digest } of evidence.filter(({ hotkey }) => hotkey === hotkeyOf(DISHONEST))) {
    const answer = await get(`${url}/v1/evidence/${digest}`);
    const file = join(dir, `${DISHONEST}.${digest.slice(0, 12)}.eirel-evidence.json`);
    await writeFile(file, Buffer.from(await answer.arrayBuffer()));
    const argv = [file, ...networkOf(subnet), '--hotkey', hotkeyOf(DISHONEST)];
    const { exitCode, json } = await runHere(auditEvidenceCommand, argv, io);
    if (exitCode !== EXIT.ok) throw new AppError('subnet.failed', { file, exitCode, found: json });
    const { kind, summary } = EvidenceVerdict.parse(json).evidence;
    checked.push({ file, kind, summary });
  }
  if (checked.length === 0)
    throw new AppError('subnet.failed', { found: `no evidence against ${DISHONEST}` });
  return checked;
}

function networkOf({ chain }: LocalSubnet): readonly string[] {
  return ['--genesis', chain.genesisHash.replace(/^0x/, ''), '--netuid', String(NETUID)];
}

function urlOf(name: Running, { validators }: LocalSubnet): string {
  return validators.find((each) => each.name === name)?.url ?? '';
}

/** Runs one of our commands as an auditor's own process would, with no setting but its arguments. */
async function runHere(
  command: Command,
  argv: readonly string[],
  io: Io,
): Promise<{ exitCode: number; json: unknown }> {
  let out = '';
  const exitCode = await command.run(readInput(command, [...argv, '--json']), {
    ...io,
    env: {},
    out: (text) => {
      out += text;
    },
    note: () => undefined,
    interactive: false,
  });
  return { exitCode, json: JSON.parse(out) };
}
