import { createReadStream } from 'node:fs';
import { AppError } from '../errors.ts';
import { type Command, type Input, usage } from './command.ts';

/** What people sign is short; this is for whole documents. */
const MAX_MESSAGE_BYTES = 1_048_576;

/** Where a message comes from, and how it is read. */
export const MESSAGE_OPTIONS: Command['options'] = {
  file: { type: 'string', placeholder: 'file', help: 'the message is what this file holds' },
  hex: { type: 'boolean', help: 'the message is given in hex digits' },
};

/** For `--help`. */
export const MESSAGE_DETAILS =
  "The message is an argument, a file, or standard input; its bytes are signed as they are, a line feed at the\nend of a file included. Bittensor's own tools read a text that begins with 0x as hex, so such a text is\nrefused unless --hex says the same.";

/** The bytes of the message that a command is given. Throws `usage.invalid` and `file.unreadable`. */
export async function readMessage(
  command: Command,
  input: Input,
  argument: string | undefined,
): Promise<Uint8Array> {
  const given = await readGiven(command, argument, input.value('file'));
  if (input.flag('hex')) return fromHex(command, given);
  if (given.subarray(0, 2).toString() === '0x')
    throw usage(command, {
      field: 'message',
      value: '0x…',
      expected: 'a text that does not begin with 0x, or --hex',
    });
  return given;
}

async function readGiven(
  command: Command,
  argument: string | undefined,
  file: string | undefined,
): Promise<Buffer> {
  if (argument !== undefined && file !== undefined)
    throw usage(command, {
      field: 'message',
      value: 'an argument and --file',
      expected: 'one of them',
    });
  if (argument !== undefined) return Buffer.from(argument);
  return readStream(file === undefined ? process.stdin : createReadStream(file), file ?? '-');
}

async function readStream(stream: AsyncIterable<Buffer>, file: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of stream) {
      bytes += chunk.length;
      if (bytes > MAX_MESSAGE_BYTES) break;
      chunks.push(chunk);
    }
  } catch (cause) {
    throw new AppError('file.unreadable', { file, expected: 'a readable file' }, { cause });
  }
  if (bytes > MAX_MESSAGE_BYTES)
    throw new AppError('file.unreadable', {
      file,
      value: 'more',
      expected: `at most ${MAX_MESSAGE_BYTES} bytes`,
    });
  return Buffer.concat(chunks);
}

function fromHex(command: Command, given: Buffer): Buffer {
  const text = given.toString('latin1').trim();
  if (!/^(0x)?([0-9a-f]{2})*$/i.test(text))
    throw usage(command, {
      field: '--hex',
      value: text.slice(0, 80),
      expected: 'an even number of hex digits',
    });
  return Buffer.from(text.replace(/^0x/i, ''), 'hex');
}
