import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { Family, RunId } from '../../events/scalars.ts';
import type { Commands } from '../commands.ts';
import { Opening } from './open-run.ts';
import type { Owner } from './owner.ts';
import { createAssembly, Part } from './task-set-parts.ts';

const RunName = z.strictObject({ family: Family, run: RunId });
const List = z.strictObject({ limit: z.int().min(1).max(1_000) });

/** What an operator can command of the owner's service: the process that writes the log does it. */
export function ownerCommandsOf(
  owner: Pick<Owner, 'openRun' | 'endRun' | 'publishTaskSet' | 'listSubmissions'>,
): Commands {
  const assemble = createAssembly();
  return {
    'runs.open': async (payload) => owner.openRun(read(Opening, payload)),
    'runs.end': async (payload) => {
      const { family, run } = read(RunName, payload);
      return owner.endRun(family, run);
    },
    'task-sets.publish': async (payload) => {
      const part = read(Part, payload);
      const whole = assemble(part);
      return whole === null ? { received: part.offset } : owner.publishTaskSet(whole);
    },
    'submissions.list': async (payload) => owner.listSubmissions(read(List, payload).limit),
  };
}

function read<T>(schema: z.ZodType<T>, payload: string): T {
  let json: unknown;
  try {
    json = JSON.parse(payload);
  } catch (cause) {
    throw new AppError('input.invalid', { field: 'input', expected: 'JSON' }, { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new AppError('input.invalid', {
    field: 'input',
    value: payload.slice(0, 80),
    expected: z.prettifyError(parsed.error),
  });
}
