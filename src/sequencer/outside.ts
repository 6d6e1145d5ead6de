import type { Known } from '../chain/chain.ts';
import type { SizedRoot } from './sized-root.ts';

/** A checkpoint of this log that somebody else keeps: `by` names him for people. */
type Witnessed = SizedRoot & Readonly<{ by: string }>;

/**
 * What the world knows of this log. The anchor is the newest one of this hotkey on chain, null where there is
 * none; witnesses are those that answered, an outage of theirs says nothing.
 */
export type Outside = Readonly<{
  anchor: Known<(SizedRoot & Readonly<{ generation: number }>) | null>;
  witnessed: readonly Witnessed[];
}>;

/** Asks chain and witnesses. */
export type AskOutside = () => Promise<Outside>;
