import { readFile, stat } from 'node:fs/promises';
import { AppError } from '../errors.ts';
import { MAX_TASK_SET_BYTES } from '../evaluation/task-set.ts';
import { sha256 } from '../events/hash.ts';
import { MAX_PART_BYTES } from '../handlers/owner/task-set-parts.ts';
import { requestCommand } from '../runtime/commands.ts';
import { type Command, JSON_OPTION } from './command.ts';
import { connectOperator } from './connect-operator.ts';
import { EXIT } from './exit-codes.ts';
import { NATS_SETTINGS } from './nats-address.ts';
import { tellMembers } from './owner/ask-owner.ts';

export const ownerTaskSetPublishCommand: Command = {
  name: 'owner task-set publish',
  summary: 'Publish a set of tasks from a JSON file; its SHA-256 names it from then on.',
  arguments: ['file'],
  options: { json: JSON_OPTION },
  details: 'The running `eirel owner` does it. Publishing the same bytes again changes nothing.',
  settings: NATS_SETTINGS,
  run: async (input, io) => {
    const bytes = await readTaskSetFile(input.arguments[0] ?? '');
    await using operator = await connectOperator(io);
    const digest = sha256(bytes);
    let result: unknown;
    for (let offset = 0; offset < bytes.length; offset += MAX_PART_BYTES) {
      const base64 = bytes.subarray(offset, offset + MAX_PART_BYTES).toString('base64');
      const part = JSON.stringify({ sha256: digest, bytes: bytes.length, offset, base64 });
      result = await requestCommand(operator.nc, 'task-sets.publish', part, 'owner');
    }
    tellMembers(input, io, result);
    return EXIT.ok;
  },
};

async function readTaskSetFile(path: string): Promise<Buffer> {
  try {
    const { size } = await stat(path);
    if (size > 0 && size <= MAX_TASK_SET_BYTES) return await readFile(path);
    const expected = `1 to ${MAX_TASK_SET_BYTES} bytes`;
    throw new AppError('file.unreadable', { file: path, value: `${size} bytes`, expected });
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError('file.unreadable', { file: path, expected: 'a readable file' }, { cause });
  }
}
