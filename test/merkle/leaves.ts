import { type Hash, leafOf } from '#src/merkle/tree.ts';

/** The leaf hashes of that many entries, each another: its number as text. */
export function numberedLeaves(count: number): readonly Hash[] {
  for (let at = numbered.length; at < count; at += 1) numbered.push(leafOf(Buffer.from(`${at}`)));
  return numbered.slice(0, count);
}

const numbered: Hash[] = [];

export function bytes(hexDigits: string): Uint8Array {
  return Buffer.from(hexDigits, 'hex');
}

export function hex(value: Uint8Array): string {
  return Buffer.from(value).toString('hex');
}
