import { AppError } from '../errors.ts';
import type { LogFile } from './log-files.ts';

/** The files that take a log from one size to the next, as they lie staged in one file: one sync for all of them. */
export type Staging = Readonly<{
  from: number;
  size: number;
  /** 64 hex digits. */
  root: string;
  files: readonly LogFile[];
}>;

/** The name that a staging lies under: two with the same name hold the same log. */
export function stagingName({ size, root }: Readonly<{ size: number; root: string }>): string {
  return `${size}-${root}`;
}

/** A line with format, sizes and root; then for each file a line with path and length, and its bytes. */
export function encodeStaging({ from, size, root, files }: Staging): Uint8Array {
  const parts: Uint8Array[] = [line(`${FORMAT} ${from} ${size} ${root}`)];
  for (const { path, bytes } of files) parts.push(line(`${path} ${bytes.length}`), bytes);
  return Buffer.concat(parts);
}

/** Reads a staging. Throws `checkpoint.invalid` for anything that `encodeStaging` does not give. */
export function decodeStaging(bytes: Uint8Array): Staging {
  const cursor = { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), at: 0 };
  const [, from, size, root] = match(cursor, HEADER, 'format, sizes and root');
  const files: LogFile[] = [];
  while (cursor.at < bytes.length) {
    const [, path, length] = match(cursor, ENTRY, 'path and length');
    const end = cursor.at + Number(length);
    if (end > bytes.length) throw malformed(cursor.at, `${length} bytes of ${path}`);
    files.push({ path, bytes: cursor.bytes.subarray(cursor.at, end) });
    cursor.at = end;
  }
  return { from: Number(from), size: Number(size), root, files };
}

const FORMAT = 'eirel-staging/1';
const HEADER = /^eirel-staging\/1 (0|[1-9]\d{0,14}) (0|[1-9]\d{0,14}) ([0-9a-f]{64})$/;
const ENTRY = /^([a-z0-9./]{1,64}) (0|[1-9]\d{0,9})$/;

/** Longer than any line that is written; a damaged file is not searched to its end. */
const MAX_LINE_BYTES = 160;

function line(text: string): Uint8Array {
  return Buffer.from(`${text}\n`, 'latin1');
}

type Cursor = { readonly bytes: Buffer; at: number };

function match(
  cursor: Cursor,
  pattern: RegExp,
  expected: string,
): [string, string, string, string] {
  const window = cursor.bytes.subarray(cursor.at, cursor.at + MAX_LINE_BYTES);
  const end = window.indexOf('\n');
  const found = pattern.exec(end === -1 ? '' : window.toString('latin1', 0, end));
  if (found === null) throw malformed(cursor.at, `a line with ${expected}`);
  cursor.at += end + 1;
  return [found[0], found[1] ?? '', found[2] ?? '', found[3] ?? ''];
}

function malformed(at: number, expected: string): AppError {
  return new AppError('checkpoint.invalid', { field: 'staging', byte: at, expected });
}
