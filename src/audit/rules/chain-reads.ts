import { type AuditContext, checkOwnRoot } from '../audit-context.ts';
import { type Entry, type RunRecord, votersOf } from '../run-record.ts';
import { isSortedSet } from './runs.ts';

/** Reads of the voters' commitments follow each other without gaps, within the commit phase, and name voters only. */
export function commitmentsRead(
  { n, data: { after, upTo, found } }: Entry<'commitments.read.v1'>,
  run: RunRecord,
  { fault, note }: AuditContext,
): void {
  const { opened, reads } = run.facts;
  if (opened === null) return;
  const from = reads.at(-1)?.upTo ?? opened.phases.snapshot;
  const { commit } = opened.phases;
  if (after !== from || upTo <= after || upTo > commit) {
    fault(
      'inputs-differ',
      n,
      `a read of blocks after ${from}, up to ${commit} at most`,
      `after ${after} up to ${upTo}`,
    );
  }
  const hotkeys = votersOf(run).map(({ hotkey }) => hotkey);
  note({ about: 'commitments', n, range: { run: run.run, hotkeys, after, upTo }, said: found });
  const voters = new Set(hotkeys);
  const stranger = found.find(({ hotkey }) => !voters.has(hotkey));
  if (stranger !== undefined) fault('inputs-differ', n, 'commitments of voters', stranger.hotkey);
  if (!isSortedSet(found.map(({ hotkey }) => hotkey)))
    fault(
      'inputs-differ',
      n,
      'commitments sorted by hotkey, each once',
      'another order, or a repeat',
    );
  for (const { hotkey, first, second } of found) {
    const blocks = [first.block, ...(second === null ? [] : [second.block])];
    const outside = blocks.find((block) => block <= after || block > upTo);
    if (outside !== undefined)
      fault(
        'inputs-differ',
        n,
        `commitments of blocks after ${after} up to ${upTo}`,
        `one of ${hotkey} in block ${outside}`,
      );
  }
}

/** Anchors that were read from the chain name voters only; this log's own are trees of this log. */
export function anchorsRead(
  { n, data: { after, upTo, anchors } }: Entry<'anchors.read.v1'>,
  run: RunRecord,
  context: AuditContext,
): void {
  const { fault, log, note } = context;
  const { start } = log;
  const hotkeys = votersOf(run).map(({ hotkey }) => hotkey);
  note({ about: 'anchors', n, range: { run: run.run, hotkeys, after, upTo }, said: anchors });
  const voters = new Set(hotkeys);
  if (run.anchorsRead !== null && after < run.anchorsRead)
    fault('inputs-differ', n, `a read of blocks after ${run.anchorsRead}`, `after ${after}`);
  run.anchorsRead = upTo;
  for (const { hotkey, block, generation, size, root } of anchors) {
    if (!voters.has(hotkey)) fault('inputs-differ', n, 'anchors of voters', hotkey);
    if (block <= after || block > upTo)
      fault(
        'inputs-differ',
        n,
        `anchors of blocks after ${after} up to ${upTo}`,
        `one in block ${block}`,
      );
    if (hotkey !== start?.hotkey || generation !== start.generation) continue;
    checkOwnRoot({ size, root }, { n, what: `the anchor in block ${block}` }, context);
  }
}
