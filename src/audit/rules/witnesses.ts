import { openCheckpoint } from '../../merkle/checkpoint.ts';
import { hexOf } from '../../merkle/tree.ts';
import type { AuditContext } from '../audit-context.ts';
import { checkEvidence } from '../evidence.ts';
import type { Entry, RunRecord } from '../run-record.ts';

/** A checkpoint of another log that was seen is the note that its hotkey signed, for the tree that the event says. */
export function checkpointObserved(
  { n, data }: Entry<'checkpoint.observed.v1'>,
  _run: RunRecord,
  { verify, fault }: AuditContext,
): void {
  const { hotkey, source, size, root, note } = data;
  const opened = openCheckpoint(Buffer.from(note, 'utf8'), { hotkey, verify });
  if (opened.kind === 'refused') {
    fault('signature-invalid', n, `a checkpoint that ${hotkey} signed`, opened.detail);
    return;
  }
  const { checkpoint } = opened;
  const said = `${checkpoint.origin}, ${checkpoint.size}, ${hexOf(checkpoint.root)}`;
  const found = `${source}, ${size}, ${root}`;
  if (said !== found) fault('signature-invalid', n, said, found);
}

/**
 * Evidence that was accepted, and from then on excludes its hotkey, proves what the event says, once more and
 * offline. What belongs to no run counts as of the newest one that was opened.
 */
export function evidenceAccepted(
  { n, data }: Entry<'evidence.accepted.v1'>,
  { log, ownerHotkey, verify, blake2b256, fault }: AuditContext,
): void {
  const { start } = log;
  const { family, run, hotkey } = data;
  if (start === null) return;
  const { genesis, netuid } = start;
  // Who owns the subnet is known from the chain alone: without it that, and nothing else, is believed.
  const owner = ownerHotkey ?? hotkey;
  const context = { verify, blake2b256, genesis, netuid, ownerHotkey: owner };
  const checked = checkEvidence(data.file, context);
  if (checked.kind === 'refused') {
    const found = `${checked.reason}: ${checked.detail}`;
    fault('evidence-invalid', n, 'a file that proves what it says', found);
    return;
  }
  const { evidence } = checked;
  const newest = log.newest.get(family) ?? 'no run';
  const place = `${evidence.family ?? family} ${evidence.run ?? newest}`;
  const proved = `${evidence.kind} of ${evidence.hotkey} in ${place}, ${evidence.digest}`;
  const found = `${data.kind} of ${hotkey} in ${family} ${run}, ${data.digest}`;
  if (proved !== found) fault('evidence-invalid', n, proved, found);
  else log.accused.push({ family, run, hotkey });
}
