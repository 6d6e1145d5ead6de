import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { MAX_TASK_SET_BYTES } from '../../evaluation/task-set.ts';
import { sha256 } from '../../events/hash.ts';
import { Hex32 } from '../../events/scalars.ts';

/** A NATS message has 1 MiB at most, and base64 takes a third more. */
export const MAX_PART_BYTES = 700_000;

/** A piece of a document that is larger than a message. The last one completes it. */
export const Part = z.strictObject({
  sha256: Hex32,
  bytes: z.int().min(1).max(MAX_TASK_SET_BYTES),
  offset: z.int().min(0),
  base64: z.base64().max(4 * Math.ceil(MAX_PART_BYTES / 3)),
});

/**
 * Puts the parts of one document together, in their order; gives it when it is whole. A part at the beginning starts
 * anew, so that no more than one document waits, whoever broke off. Throws `input.invalid` for a part out of its place.
 */
export function createAssembly(): (part: z.infer<typeof Part>) => Uint8Array | null {
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
