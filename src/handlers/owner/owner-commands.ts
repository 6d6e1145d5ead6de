import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { MAX_TASK_SET_BYTES } from '../../evaluation/task-set.ts';
import { sha256 } from '../../events/hash.ts';
import { Family, Hex32, RunId } from '../../events/scalars.ts';
import type { Commands } from '../commands.ts';
import { Opening } from './open-run.ts';
import type { Owner } from './owner.ts';

/** A NATS message has 1 MiB at most, and base64 takes a third more. */
export const MAX_PART_BYTES = 700_000;

/** A piece of a document that is larger than a message. The last one completes it. */
const Part = z.strictObject({
  sha256: Hex32,
  bytes: z.int().min(1).max(MAX_TASK_SET_BYTES),
  offset: z.int().min(0),
  base64: z.base64().max(4 * Math.ceil(MAX_PART_BYTES / 3)),
});

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

/**
 * Puts the parts of one document together, in their order; gives it when it is whole. A part at the beginning starts
 * anew, so that no more than one document waits, whoever broke off. Throws `input.invalid` for a part out of its place.
 */
function createAssembly(): (part: z.infer<typeof Part>) => Uint8Array | null {
  let waiting: { sha256: string; buffer: Buffer; length: number } | null = null;
  return ({ sha256: digest, bytes, offset, base64 }) => {
    if (offset === 0) waiting = { sha256: digest, buffer: Buffer.alloc(bytes), length: 0 };
    const piece = Buffer.from(base64, 'base64');
    const fits =
      waiting?.sha256 === digest &&
      waiting.length === offset &&
      waiting.buffer.length === bytes &&
      offset + piece.length <= bytes;
    if (waiting === null || !fits) throw outOfPlace(offset);
    waiting.buffer.set(piece, offset);
    waiting.length += piece.length;
    if (waiting.length < bytes) return null;
    const { buffer } = waiting;
    waiting = null;
    if (sha256(buffer) !== digest) throw outOfPlace(offset);
    return buffer;
  };
}

function outOfPlace(offset: number): AppError {
  return new AppError('input.invalid', {
    field: 'part',
    value: offset,
    expected: 'the part that follows the one before',
    next: 'send the document again',
  });
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
