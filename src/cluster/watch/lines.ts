import { AppError } from '../../errors.ts';

const NEWLINE = 10;

/**
 * The whole lines of a stream, without their ends; what comes after the last newline is no line. Throws `input.invalid`
 * for a line of more than so many bytes, before it is held.
 */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<string> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); ; end = chunk.indexOf(NEWLINE, from)) {
      const part = chunk.subarray(from, end === -1 ? chunk.length : end);
      bytes += part.length;
      if (bytes > maxBytes)
        throw new AppError('input.invalid', {
          field: 'line',
          value: bytes,
          expected: `at most ${maxBytes} bytes`,
        });
      held.push(part);
      if (end === -1) break;
      yield Buffer.concat(held).toString('utf8');
      held = [];
      bytes = 0;
      from = end + 1;
    }
  }
}
