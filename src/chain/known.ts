import { detailOf } from '../events/scalars.ts';
import type { UnknownReason } from '../events/snapshot.ts';
import type { Known } from './chain.ts';

export function known<T>(value: T): Known<T> {
  return { known: true, value };
}

/** The node answered with what cannot be right. */
export function malformed(detail: string): Known<never> {
  return unknown('malformed', detail);
}

/** The chain has nothing where something was asked for. */
export function empty(detail: string): Known<never> {
  return unknown('empty', detail);
}

/** The node cannot answer now. */
export function unavailable(detail: string): Known<never> {
  return unknown('unavailable', detail);
}

/** A block that is asked for too early. */
export function notFinal(block: number, finalized: number): Known<never> {
  return unknown('not-final', `block ${block} is not final, the newest final one is ${finalized}`);
}

function unknown(reason: UnknownReason, detail: string): Known<never> {
  return { known: false, reason, detail: detailOf(detail) };
}
