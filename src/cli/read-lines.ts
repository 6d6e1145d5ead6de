import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { AppError } from '../errors.ts';

/** One line without its end, null for one that is longer than asked for; and its length in the file. */
export type Line = Readonly<{ bytes: Uint8Array | null; length: number }>;

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/**
 * The lines of a file as bytes, each of at most `maxBytes`; of a longer one nothing is kept. A newline
 * alone ends a line: other separators of Unicode may stand inside of JSON. Throws `file.unreadable`.
 */
export async function* readLines(file: string, maxBytes: number): AsyncGenerator<Line> {
  let [pieces, length]: [Buffer[], number] = [[], 0];
  const take = (piece: Buffer): void => {
    length += piece.length;
    if (length > maxBytes) pieces = [];
    else pieces.push(piece);
  };
  const line = (): Line => {
    const bytes = length > maxBytes ? null : withoutReturn(Buffer.concat(pieces));
    const taken = { bytes, length };
    [pieces, length] = [[], 0];
    return taken;
  };
  for await (const chunk of chunksOf(file)) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      take(chunk.subarray(from, end));
      yield line();
      from = end + 1;
    }
    take(chunk.subarray(from));
  }
  if (length > 0) yield line();
}

/** How long a file is, before its lines are read. Throws `file.unreadable` for what has none. */
export async function sizeOfFile(file: string): Promise<number> {
  const found = await stat(file).catch((cause: unknown) => {
    throw unreadable(file, cause);
  });
  if (found.isDirectory()) throw unreadable(file, new Error('it is a folder'));
  return found.size;
}

/** A file that went through another system may end its lines with both. */
function withoutReturn(line: Buffer): Buffer {
  return line.at(-1) === RETURN ? line.subarray(0, -1) : line;
}

async function* chunksOf(file: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of createReadStream(file)) yield chunk as Buffer; // safe: no encoding is set
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

function unreadable(file: string, cause: unknown): AppError {
  return new AppError('file.unreadable', { file, expected: 'a readable file' }, { cause });
}
