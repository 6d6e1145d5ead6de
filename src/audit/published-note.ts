import type { Verify } from '../consensus/keys.ts';
import { isAppError } from '../errors.ts';
import type { LogStart } from '../events/log-started.ts';
import { genesis8Of } from '../events/source.ts';
import {
  type Checkpoint,
  openCheckpoint,
  parseCheckpoint,
  parseOrigin,
  verdictOfLogLine,
} from '../merkle/checkpoint.ts';
import { type Note, parseNote } from '../merkle/signed-note.ts';
import type { Fault, Faults } from './fault.ts';

/** The checkpoint that a log publishes, as far as it can be read: a bad signature does not hide what it says. */
export type Published = Readonly<{ note: Note | null; checkpoint: Checkpoint | null }>;

type Expected = Readonly<{ hotkey: string | null; genesis: string | null; netuid: number | null }>;

/** Reads a published checkpoint, and verifies the hotkey's signature and whose log it is; null where there is none. */
export function checkNote(
  bytes: Uint8Array | null,
  expected: Expected,
  { verify, faults }: Readonly<{ verify: Verify; faults: Faults }>,
): Published {
  if (bytes === null) return { note: null, checkpoint: null };
  const parsed = parse(bytes);
  if ('fault' in parsed) {
    faults.add(parsed.fault);
    return { note: null, checkpoint: null };
  }
  const { origin } = parsed.checkpoint;
  const named = parseOrigin(origin);
  const wanted = {
    hotkey: expected.hotkey ?? named?.hotkey,
    genesis8: expected.genesis === null ? named?.genesis8 : genesis8Of(expected.genesis),
    netuid: expected.netuid ?? named?.netuid,
  };
  const other = (['hotkey', 'genesis8', 'netuid'] as const).find(
    (field) => wanted[field] === undefined || named?.[field] !== wanted[field],
  );
  if (other !== undefined) {
    const found = `the log ${origin}`;
    faults.add({
      ...OF_CHECKPOINT,
      code: 'checkpoint-other-log',
      expected: `a log of ${other} ${wanted[other] ?? 'that it names'}`,
      found,
    });
    return parsed;
  }
  const opened = openCheckpoint(bytes, { hotkey: wanted.hotkey ?? '', verify });
  if (opened.kind === 'refused') {
    const expected = `a signature of the hotkey ${wanted.hotkey ?? ''}`;
    faults.add({ ...OF_CHECKPOINT, code: 'checkpoint-signature', expected, found: opened.detail });
  }
  return parsed;
}

/** Verifies the log key's signature on the checkpoint, by the key that the first event names. */
export function checkLogKey(
  { note, checkpoint }: Published,
  start: LogStart | null,
  faults: Faults,
): void {
  if (note === null || checkpoint === null || start === null) return;
  const verdict = verdictOfLogLine(note, checkpoint.origin, Buffer.from(start.logKey, 'hex'));
  if (verdict === 'verified') return;
  const found = verdict === 'absent' ? 'no line of that key' : 'a line that it did not sign';
  const expected = `a signature of the log key ${start.logKey}`;
  faults.add({ ...OF_CHECKPOINT, code: 'checkpoint-signature', expected, found });
}

const OF_CHECKPOINT = { index: null, where: 'checkpoint' } as const;

function parse(
  bytes: Uint8Array,
): Readonly<{ note: Note; checkpoint: Checkpoint }> | Readonly<{ fault: Fault }> {
  try {
    const note = parseNote(bytes);
    return { note, checkpoint: parseCheckpoint(note.text) };
  } catch (error) {
    if (!isAppError(error, 'checkpoint.invalid')) throw error;
    const expected = 'a signed note of a checkpoint';
    return {
      fault: { ...OF_CHECKPOINT, code: 'checkpoint-malformed', expected, found: error.message },
    };
  }
}
