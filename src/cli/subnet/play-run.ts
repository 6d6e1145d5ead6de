import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { verifySr25519 } from '../../chain/hotkey.ts';
import { SignedDocument, verifyDocument } from '../../consensus/signed.ts';
import { AppError } from '../../errors.ts';
import { Certificate, DecisionMade, InputsGathered, type Outcome } from '../../events/decision.ts';
import { decode } from '../../events/ej1.ts';
import { ReportBody } from '../../events/report.ts';
import { requestCommand } from '../../runtime/commands.ts';
import type { Io } from '../command.ts';
import { readInput } from '../command.ts';
import { connectOperator } from '../connect-operator.ts';
import { EXIT } from '../exit-codes.ts';
import { scoresImportCommand } from '../scores-import.ts';
import { DISHONEST, FAMILY, hotkeyOf, RUNNING, type Running } from './cast.ts';
import { get } from './get.ts';
import { FINALITY_LAG, type LocalSubnet } from './local-subnet.ts';
import { type Measured, measuredIn } from './measured.ts';
import {
  commitAgain,
  type DoubleCommit,
  doubleCommitsOf,
  eventsOf,
  extrinsicsOf,
  type OnChain,
} from './on-chain.ts';
import {
  ALTERED,
  claimedLines,
  type PlannedRun,
  phasesFrom,
  runDescriptor,
  TWICE_COMMITTED_RUN,
} from './plan.ts';
import { checkCertificate, servedDecision } from './verify-run.ts';
import { untilMeasured, untilOpened } from './watch-validator.ts';

/** What a run came to, as each honest validator serves it. */
export type RunResult = Readonly<{
  run: string;
  title: string;
  decision: z.infer<typeof DecisionMade.data>;
  inputs: z.infer<typeof InputsGathered.data>;
  certificate: Certificate | null;
  /** The stake behind the certificate and all voting stake, in rao, as verified here; null without one. */
  certified: Readonly<{ signed: string; total: string }> | null;
  /** Honest validators that serve the decision and its inputs in the same bytes as the first one; all of them, if all is well. */
  identical: readonly Running[];
  honest: readonly Running[];
  /** Every report that is held of a validator that showed more than one. */
  rivals: readonly Rival[];
  /** What the first validator measured of each miner, by its own log. */
  measured: readonly Measured[];
  /** What the dishonest validator's import of made-up measurements came to. */
  imported: readonly Imported[];
  /** What validators put on chain in this run, each found in its final blocks. */
  extrinsics: readonly OnChain[];
  /** Who committed on chain to two reports, as the first validator's log has it. */
  doubleCommits: readonly DoubleCommit[];
  /** The uid that the chain's own consensus pays everything after the run; null when the run changed nothing. */
  paid: number | null;
}>;

/** One of several reports that a validator signed for one run. */
export type Rival = Readonly<{ hotkey: string; scores: Readonly<Record<string, number>> }>;

/** From the block at which weights are signed until their extrinsic is final: twice the finality lag, and one. */
const BLOCKS_TO_SET = 2 * FINALITY_LAG + 1;

const ImportReport = z.looseObject({
  accepted: z.int(),
  refused: z.array(z.strictObject({ line: z.int(), reason: z.string() })),
});
export type Imported = Readonly<{ validator: Running } & z.infer<typeof ImportReport>>;

const Decisions = z.looseObject({ decision: DecisionMade.data, inputs: InputsGathered.data });
const Reports = z.looseObject({ reports: z.array(SignedDocument) });

/**
 * Plays one run: miners submit, the owner publishes its roster, the honest validators run what is in it and close the run
 * when all is measured, the dishonest one makes its results up; then block by block to its end.
 */
export async function playRun(
  plan: PlannedRun,
  subnet: LocalSubnet,
  { dir, io }: { dir: string; io: Io },
): Promise<RunResult> {
  for (const [miner, kind] of Object.entries(plan.submissions)) await subnet.submit(miner, kind);
  const phases = phasesFrom(subnet.block());
  const roster = await subnet.openRun(phases);
  const descriptor = runDescriptor(plan, roster, phases);
  const { run } = descriptor;
  await command(DISHONEST, subnet, io, 'runs.open', JSON.stringify(descriptor));
  const imported = [await importClaims(plan, descriptor.tasks, subnet, { dir, io })];
  const measuring = subnet.validators.filter(({ name }) => name !== DISHONEST);
  await untilOpened(run, measuring, { nextBlock: subnet.nextBlock, signal: io.signal });
  const runnable = roster.members.filter(({ hotkey }) => hotkey !== hotkeyOf(ALTERED));
  await untilMeasured(run, measuring, { pairs: roster.tasks.length * runnable.length, io });
  for (const { name } of subnet.validators)
    await command(name, subnet, io, 'runs.close', JSON.stringify({ family: FAMILY, run }));
  while (subnet.block() <= phases.certify + BLOCKS_TO_SET) {
    await subnet.nextBlock();
    if (plan.sequence === TWICE_COMMITTED_RUN) await commitAgain(run, subnet);
  }
  const collected = await collect(run, subnet);
  const paid = paidBy(collected.decision.outcome);
  if (paid !== null) await subnet.untilPaid(paid);
  const extrinsics = await extrinsicsOf(run, subnet, io);
  const env = subnet.environment(RUNNING[0], 'reader');
  const measured = measuredIn(await eventsOf(run, { ...io, env }));
  const doubleCommits = await doubleCommitsOf(run, subnet, io);
  return {
    ...collected,
    run,
    title: plan.title,
    measured,
    imported,
    extrinsics,
    doubleCommits,
    paid,
  };
}

/** The uid that gets everything; null where an outcome names no vector, or spreads it. */
function paidBy({ vector }: Outcome): number | null {
  const weighed = vector?.filter(({ weight }) => weight > 0) ?? [];
  return weighed.length === 1 ? (weighed[0]?.uid ?? null) : null;
}

async function command(
  name: Running,
  subnet: LocalSubnet,
  io: Io,
  what: string,
  payload: string,
): Promise<void> {
  await using operator = await connectOperator({
    ...io,
    env: subnet.environment(name, 'operator'),
  });
  await requestCommand(operator.nc, what, payload);
}

/** Imports what the dishonest validator made up, by the same command that an operator has; gives its report. */
async function importClaims(
  plan: PlannedRun,
  tasks: readonly string[],
  subnet: LocalSubnet,
  { dir, io }: { dir: string; io: Io },
): Promise<Imported> {
  const name = DISHONEST;
  const file = join(dir, `${name}.run-${plan.sequence}.jsonl`);
  await writeFile(file, `${claimedLines(plan, tasks).join('\n')}\n`);
  let report = '';
  const code = await scoresImportCommand.run(readInput(scoresImportCommand, [file, '--json']), {
    ...io,
    env: subnet.environment(name, 'operator'),
    out: (text) => {
      report += text;
    },
    note: () => undefined,
    interactive: false,
  });
  if (code !== EXIT.ok && code !== EXIT.refused) {
    throw new AppError('subnet.failed', { import: file, exitCode: code });
  }
  return { validator: name, ...ImportReport.parse(JSON.parse(report)) };
}

/** Asks every honest validator what came of the run, and verifies it. Throws `subnet.failed` where that fails. */
async function collect(
  run: string,
  subnet: LocalSubnet,
): Promise<
  Omit<
    RunResult,
    'run' | 'title' | 'measured' | 'imported' | 'extrinsics' | 'doubleCommits' | 'paid'
  >
> {
  const honest = RUNNING.filter((name) => name !== DISHONEST);
  const answers = await Promise.all(honest.map((name) => answerOf(name, run, subnet)));
  const [first] = answers;
  if (first === undefined) throw new AppError('subnet.failed', { run, found: 'no decision' });
  const { decision, inputs, certificate, certified } = first;
  const liars = inputs.reports.filter(({ status }) => status === 'equivocated');
  return {
    decision,
    inputs,
    certificate,
    certified,
    honest,
    identical: answers.filter(({ served }) => served.equals(first.served)).map(({ name }) => name),
    rivals:
      liars.length === 0
        ? []
        : rivalsOf(
            liars.map(({ hotkey }) => hotkey),
            await servedBy(subnet, first.name, `/v1/consensus/reports/${run}`),
          ),
  };
}

async function answerOf(name: Running, run: string, subnet: LocalSubnet) {
  const answer = await servedBy(subnet, name, `/v1/consensus/decisions/${run}`);
  if (answer === null)
    throw new AppError('subnet.failed', { run, validator: name, found: 'no decision' });
  const { decision, inputs } = Decisions.parse(JSON.parse(answer.toString()));
  const bytes = await servedBy(subnet, name, `/v1/consensus/certificates/${run}`);
  const certificate = bytes === null ? null : Certificate.parse(JSON.parse(bytes.toString()));
  const checked =
    certificate === null ? null : checkCertificate(name, certificate, decision.outcome);
  return {
    name,
    served: servedDecision(name, answer),
    decision,
    inputs,
    certificate,
    certified:
      checked === null ? null : { signed: String(checked.signed), total: String(checked.total) },
  };
}

/** The reports of these hotkeys among those that are served, each with its author's signature verified. */
function rivalsOf(hotkeys: readonly string[], served: Buffer | null): readonly Rival[] {
  const { reports } = Reports.parse(JSON.parse(served?.toString() ?? 'null'));
  return reports
    .filter(({ hotkey }) => hotkeys.includes(hotkey))
    .map((document) => {
      const { hotkey, body } = document;
      if (!verifyDocument(document, verifySr25519))
        throw new AppError('subnet.failed', { hotkey, found: 'a report that it did not sign' });
      return { hotkey, scores: ReportBody.parse(decode(body)).scores };
    });
}

async function servedBy(subnet: LocalSubnet, name: Running, path: string): Promise<Buffer | null> {
  const url = subnet.validators.find((validator) => validator.name === name)?.url ?? '';
  const answer = await get(`${url}${path}`);
  return answer.ok ? Buffer.from(await answer.arrayBuffer()) : null;
}
