import { logSource } from '../events/source.ts';
import { parseOrigin } from '../merkle/checkpoint.ts';
import type { Lock } from './lock.ts';

/** Whose logs: network, subnet, validator. */
export type LogOwner = Readonly<{ genesis: string; netuid: number; hotkey: string }>;

/** The newest generation of this validator's log that was begun here; 0 where none was. */
export async function generationOf(lock: Pick<Lock, 'sources'>, owner: LogOwner): Promise<number> {
  const generations = (await lock.sources()).flatMap((source) => {
    const origin = parseOrigin(source);
    const ours =
      origin !== null && logSource({ ...owner, generation: origin.generation }) === source;
    return ours ? [origin.generation] : [];
  });
  return Math.max(0, ...generations);
}
