import { parseAnchor, parseCommitment } from '../consensus/commitment.ts';
import { sameWeights } from '../consensus/vector.ts';
import type { Vector } from '../events/weights.ts';
import type { Told } from './chain-facts.ts';
import type { RunReport } from './run-report.ts';

/** What the chain holds of a validator now, and what stood in its slot while a run was committed to. */
export type ChainRun = Readonly<{
  /** The weights row of its hotkey, null when it has none. */
  weights: Told<Readonly<{ block: number; vector: Vector | null }>>;
  /** Its commitments of the run's commit phase, oldest first. */
  slots: Told<readonly Readonly<{ block: number; fields: readonly (string | null)[] }>[]>;
}>;

/** One comparison of a run with the chain; never silently left out. */
export type ChainLine = Readonly<{
  about: 'weights' | 'commitment';
  verdict: 'same' | 'differs' | 'not-checked';
  detail: string;
}>;

/** Compares what a run came to with what the chain has. Null for a chain that was not asked. */
export function compareRun(report: RunReport, chain: ChainRun | null): readonly ChainLine[] {
  return [compareWeights(report, chain), compareCommitment(report, chain)];
}

function compareWeights({ intents, superseded }: RunReport, chain: ChainRun | null): ChainLine {
  const line = lineOf('weights');
  const vector = intents.at(-1)?.vector ?? null;
  if (vector === null) return line('not-checked', 'the run means to set nothing');
  if (superseded) return line('not-checked', 'the weights of a later run stand in their place');
  if (chain === null) return line('not-checked', 'no --rpc');
  if (!chain.weights.known) return line('not-checked', chain.weights.detail);
  const { block, vector: row } = chain.weights.value;
  const told = row === null ? 'none' : tellVector(row);
  return row !== null && sameWeights(row, vector)
    ? line('same', `the intended vector at block ${block}`)
    : line('differs', `intended ${tellVector(vector)}, at block ${block} the chain has ${told}`);
}

function compareCommitment({ run, commitment }: RunReport, chain: ChainRun | null): ChainLine {
  const line = lineOf('commitment');
  if (commitment === null) return line('not-checked', 'the run was not committed to');
  if (chain === null) return line('not-checked', 'no --rpc');
  if (!chain.slots.known) return line('not-checked', chain.slots.detail);
  for (const { block, fields } of chain.slots.value) {
    const parsed = parseCommitment(fields[0] ?? '');
    if (parsed.kind !== 'commitment' || parsed.run !== run) continue;
    if (parsed.digest !== commitment)
      return line(
        'differs',
        `block ${block} commits to ${parsed.digest}, the log to ${commitment}`,
      );
    const anchor = parseAnchor(fields[1] ?? '');
    const tree = anchor === null ? 'no tree' : `the tree of ${anchor.size} events`;
    return line('same', `in block ${block}, which anchors ${tree}`);
  }
  return line('differs', `no commitment to ${run} in its commit phase, the log has ${commitment}`);
}

function lineOf(about: ChainLine['about']) {
  return (verdict: ChainLine['verdict'], detail: string): ChainLine => ({ about, verdict, detail });
}

/** Weights above zero for people: `0: 32768, 5: 65535`. */
export function tellVector(vector: Vector): string {
  return vector
    .filter(({ weight }) => weight > 0)
    .map(({ uid, weight }) => `${uid}: ${weight}`)
    .join(', ');
}
