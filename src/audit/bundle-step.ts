import type { Policy } from '../merkle/tlog-policy.ts';
import type { Told } from './chain-facts.ts';

/** What the verifier brings along: nothing of it is taken from the file. */
export type BundleExpectations = Readonly<{
  hotkey: string;
  /** Genesis hash, 64 hex digits. */
  genesis: string;
  netuid: number;
  /** Whose cosignatures are asked for; null asks for none. */
  policy: Policy | null;
  /** Seconds since 1970: no cosignature may be later. */
  now: number;
}>;

/** What a node of the verifier's says of the commitment; null where none was asked. */
export type OnChain = Readonly<{
  /** The commitments of the hotkey in the body of the named block, which is final: lower-case hex. */
  inBlock: Told<readonly string[]>;
  /** The hash of the final block of which the file has a header; null where it has none. */
  blockHash: Told<string> | null;
  /** What stood in the hotkey's slot after the snapshot block and up to the named block, oldest first. */
  slots: Told<readonly Readonly<{ block: number; text: string | null }>[]>;
}>;

export const BUNDLE_CODES = {
  B01: 'the file is a bundle',
  B02: 'the report is of the hotkey, network and subnet that were asked for',
  B03: 'the hotkey signed the report',
  B04: 'the sealed event opens to exactly this report',
  B05: 'the checkpoint is of the log that was asked for, signed by its hotkey and its log key',
  B06: 'the log began with a start that the hotkey signed',
  B07: 'the event is in the log',
  B08: 'the witnesses that were asked for cosigned the checkpoint',
  B09: 'the commitment is to this report',
  B10: 'the hotkey signed the commitment',
  B11: 'the chain stored the commitment',
  B12: 'the block that holds the commitment is final',
  B13: 'it is the first commitment to this run',
  B14: 'the tree that the commitment anchors is the beginning of the log',
} as const;
export type BundleCode = keyof typeof BUNDLE_CODES;

/** What became of one check; never silently left out. */
export type Outcome = Readonly<{ verdict: 'passed' | 'failed' | 'not-checked'; detail: string }>;
export type BundleStep = Readonly<{ code: BundleCode }> & Outcome;

export const PASSED: Outcome = { verdict: 'passed', detail: '' };
export const failed = (detail: string): Outcome => ({ verdict: 'failed', detail });
export const notChecked = (detail: string): Outcome => ({ verdict: 'not-checked', detail });

export const NO_COMMITMENT = notChecked('the file holds no commitment');
