import { verifyCommitmentStatement } from '../consensus/commitment-extrinsic.ts';
import type { AuditDeps } from './audit-context.ts';
import { type Bundle, parseBundle } from './bundle.ts';
import { checkAnchored, checkCommitted, checkStored, committedIn } from './bundle-commitment.ts';
import { checkEvent, checkReport } from './bundle-report.ts';
import {
  BUNDLE_CODES,
  type BundleCode,
  type BundleExpectations,
  type BundleStep,
  failed,
  NO_COMMITMENT,
  notChecked,
  type OnChain,
  type Outcome,
  PASSED,
} from './bundle-step.ts';
import { checkInclusion, checkLogStart, checkPublished, checkWitnesses } from './bundle-tree.ts';

/**
 * Checks a bundle that anybody may have written: each code passed, failed, or not checked with
 * the reason. After a failure what rests on it is not checked. Never throws, asks nobody.
 */
export function checkBundle(
  bytes: Uint8Array,
  expected: BundleExpectations,
  deps: AuditDeps,
  onChain: OnChain | null,
): readonly BundleStep[] {
  const parsed = parseBundle(bytes);
  if ('fault' in parsed) return inOrder({ B01: failed(parsed.fault) });
  const { bundle } = parsed;
  const report = checkReport(bundle, expected, deps);
  const event = checkEvent(bundle);
  const published = checkPublished(bundle, expected, deps);
  const commitment = committedIn(bundle);
  const { statement } = bundle.commitment ?? {};
  return inOrder({
    B01: PASSED,
    ...report,
    B04: event.outcome,
    B05: published.outcome,
    B06: checkLogStart(bundle, published),
    B07: checkInclusion({ event, published }),
    B08: checkWitnesses(published, expected),
    B09: checkCommitted(bundle, commitment),
    B10:
      statement === undefined
        ? NO_COMMITMENT
        : statement.hotkey === expected.hotkey &&
            commitment?.netuid === expected.netuid &&
            verifyCommitmentStatement(statement, expected.genesis, deps)
          ? PASSED
          : failed(`no commitment that ${expected.hotkey} signed for subnet ${expected.netuid}`),
    B11: checkStored(bundle, commitment, expected, deps),
    B12: checkFinal(bundle, onChain),
    B13: checkFirst(commitment, onChain),
    B14: checkAnchored(bundle, { commitment, published }),
  });
}

/** Whether nothing failed. What was not checked is for the reader to weigh. */
export function isClean(steps: readonly BundleStep[]): boolean {
  return steps.every(({ verdict }) => verdict !== 'failed');
}

const NOT_ASKED = notChecked('no node of the chain was asked: --rpc URL');

/** The block that holds the commitment is final, and so is the one whose state has it. */
function checkFinal({ commitment }: Bundle, onChain: OnChain | null): Outcome {
  if (commitment === null) return NO_COMMITMENT;
  if (onChain === null) return NOT_ASKED;
  const { inBlock, blockHash } = onChain;
  const { statement, readProof } = commitment;
  if (inBlock.known && !inBlock.value.includes(statement.extrinsic))
    return failed('the final block that the file names does not hold this extrinsic');
  if (
    readProof.kind === 'taken' &&
    blockHash?.known === true &&
    blockHash.value !== readProof.blockHash
  )
    return failed(`a header of block ${readProof.blockHash}, the final one is ${blockHash.value}`);
  for (const told of [inBlock, blockHash])
    if (told?.known === false) return notChecked(told.detail);
  return PASSED;
}

/** The chain keeps one slot for a hotkey, and the first commitment to a run counts. */
function checkFirst(commitment: ReturnType<typeof committedIn>, onChain: OnChain | null): Outcome {
  if (commitment === null) return NO_COMMITMENT;
  if (onChain === null) return NOT_ASKED;
  const { slots } = onChain;
  if (!slots.known) return notChecked(slots.detail);
  const [first] = slots.value.filter(({ text }) => text?.startsWith(commitment.prefix) === true);
  if (first === undefined) return failed(`the chain holds no commitment to ${commitment.run}`);
  return first.text === commitment.text
    ? PASSED
    : failed(`block ${first.block} holds an earlier one: ${first.text}`);
}

function inOrder(outcomes: Readonly<Partial<Record<BundleCode, Outcome>>>): readonly BundleStep[] {
  // safe: the keys of the table are the codes
  const codes = Object.keys(BUNDLE_CODES) as BundleCode[];
  return codes.map((code) => ({
    code,
    ...(outcomes[code] ?? notChecked('the file is no bundle')),
  }));
}
