import { z } from 'zod';
import type { Verify } from '../consensus/keys.ts';
import { SignedDocument, verifyDocument } from '../consensus/signed.ts';
import { DIVERGENCE_TYPE } from '../events/divergence.ts';
import { decodeBytes, encode, type Json } from '../events/ej1.ts';
import { type Fault, gatherFaults } from './fault.ts';
import { countGate, type GateRun, recordsOf, windowOf } from './gate.ts';

/** What the figures have to be of. */
export type GateQuestion = Readonly<{ family: string; hotkey: string; window: number }>;

/**
 * Holds a signed summary, which anybody may have written, against the figures that the records of a log give:
 * the same hotkey signed it, and every figure and every record in it is the same, byte for byte.
 */
export function checkGate(
  document: Uint8Array,
  closed: readonly GateRun[],
  { family, hotkey, window }: GateQuestion,
  { verify }: Readonly<{ verify: Verify }>,
): readonly Fault[] {
  const faults = gatherFaults();
  const of = { index: null, where: 'summary' } as const;
  const signed = read(document);
  if (signed?.type !== DIVERGENCE_TYPE) {
    const found = signed === null ? 'something else' : `a document of the type ${signed.type}`;
    faults.add({ ...of, code: 'gate-differs', expected: 'a signed divergence summary', found });
    return faults.list();
  }
  if (signed.hotkey !== hotkey || !verifyDocument(signed, verify)) {
    const expected = `a signature of ${hotkey} over the summary`;
    faults.add({ ...of, code: 'signature-invalid', expected, found: `one of ${signed.hotkey}` });
  }
  const counted = {
    v: 'eirel/divergence/1',
    family,
    hotkey,
    ...countGate(closed, window),
    records: recordsOf(windowOf(closed, window)),
  };
  const expected = encode(counted as Json); // safe: figures and records are JSON
  if (signed.body !== expected)
    faults.add({ ...of, code: 'gate-differs', expected, found: signed.body });
  return faults.list();
}

/** Half a kilobyte for a record of each of a thousand runs, escaped once. */
const MAX_SUMMARY_LENGTH = 1_048_576;

/** As any signed document, but longer. */
const Summary = SignedDocument.extend({ body: z.string().max(MAX_SUMMARY_LENGTH) });

function read(document: Uint8Array): SignedDocument | null {
  try {
    return Summary.safeParse(decodeBytes(document)).data ?? null;
  } catch {
    // Not canonical: no document.
    return null;
  }
}
