import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { Certificate, DecisionMade, InputsGathered } from '../../events/decision.ts';
import { requestCommand } from '../../runtime/commands.ts';
import type { Io } from '../command.ts';
import { readInput } from '../command.ts';
import { connectOperator } from '../connect-operator.ts';
import { EXIT } from '../exit-codes.ts';
import { scoresImportCommand } from '../scores-import.ts';
import { DISHONEST, FAMILY, RUNNING, type Running } from './cast.ts';
import type { LocalSubnet } from './local-subnet.ts';
import { type PlannedRun, resultLines, runDescriptor } from './plan.ts';

/** What a run came to, as each honest validator serves it. */
export type RunResult = Readonly<{
  run: string;
  title: string;
  decision: z.infer<typeof DecisionMade.data>;
  inputs: z.infer<typeof InputsGathered.data>;
  certificate: Certificate | null;
  /** Honest validators whose decision has the same bytes as the first one's; all of them, if all is well. */
  identical: readonly Running[];
  honest: readonly Running[];
  /** What each validator's import of its own measurements came to. */
  imported: readonly Imported[];
}>;

const ImportReport = z.looseObject({
  accepted: z.int(),
  refused: z.array(z.strictObject({ line: z.int(), reason: z.string() })),
});
export type Imported = Readonly<{ validator: Running } & z.infer<typeof ImportReport>>;

const Decisions = z.looseObject({ decision: DecisionMade.data, inputs: InputsGathered.data });

/** Plays one run: opened, scored from files and closed on every validator, then block by block to its end. */
export async function playRun(
  plan: PlannedRun,
  subnet: LocalSubnet,
  { dir, io }: { dir: string; io: Io },
): Promise<RunResult> {
  const descriptor = runDescriptor(plan, subnet.chain.block());
  const { run, phases } = descriptor;
  await eachValidator(subnet, io, 'runs.open', JSON.stringify(descriptor));
  const imported: Imported[] = [];
  for (const { name } of subnet.validators) {
    imported.push(await importResults(plan, name, subnet, { dir, io }));
  }
  await eachValidator(subnet, io, 'runs.close', JSON.stringify({ family: FAMILY, run }));
  while (subnet.chain.block() <= phases.certify) await subnet.nextBlock();
  await subnet.payMiners();
  return { ...(await collect(run, subnet)), run, title: plan.title, imported };
}

async function eachValidator(
  subnet: LocalSubnet,
  io: Io,
  command: string,
  payload: string,
): Promise<void> {
  for (const { name } of subnet.validators) {
    await using operator = await connectOperator({
      ...io,
      env: subnet.environment(name, 'operator'),
    });
    await requestCommand(operator.nc, command, payload);
  }
}

/** Imports a validator's own measurements by the same command that an operator has; gives its report. */
async function importResults(
  plan: PlannedRun,
  name: Running,
  subnet: LocalSubnet,
  { dir, io }: { dir: string; io: Io },
): Promise<Imported> {
  const file = join(dir, `${name}.run-${plan.sequence}.jsonl`);
  await writeFile(file, `${resultLines(plan, name).join('\n')}\n`);
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

async function collect(
  run: string,
  subnet: LocalSubnet,
): Promise<Pick<RunResult, 'decision' | 'inputs' | 'certificate' | 'identical' | 'honest'>> {
  const honest = RUNNING.filter((name) => name !== DISHONEST);
  const answers: { name: Running; decision: string; text: string }[] = [];
  for (const name of honest) {
    const text = await get(subnet, name, `/v1/consensus/decisions/${run}`);
    const { decision, inputs } = Decisions.parse(JSON.parse(text ?? 'null'));
    answers.push({ name, text: text ?? '', decision: JSON.stringify([decision, inputs]) });
  }
  const [first] = answers;
  if (first === undefined) throw new AppError('subnet.failed', { run, found: 'no decision' });
  const { decision, inputs } = Decisions.parse(JSON.parse(first.text));
  const certificate = await get(subnet, first.name, `/v1/consensus/certificates/${run}`);
  return {
    decision,
    inputs,
    certificate: certificate === null ? null : Certificate.parse(JSON.parse(certificate)),
    honest,
    identical: answers
      .filter((answer) => answer.decision === first.decision)
      .map(({ name }) => name),
  };
}

async function get(subnet: LocalSubnet, name: Running, path: string): Promise<string | null> {
  const url = subnet.validators.find((validator) => validator.name === name)?.url ?? '';
  const answer = await fetch(`${url}${path}`);
  return answer.ok ? answer.text() : null;
}
