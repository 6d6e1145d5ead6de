import type { Recorded } from '#src/events/envelope.ts';
import { FAMILY, recordedOf } from './simulated-run.ts';
import type { SimulatedNode } from './simulated-subnet.ts';

/** How a node's attempts to set the weights of a run ended. */
export const weightsOf = async (node: SimulatedNode, sequence = 1) =>
  (await recordedOf(node, 'extrinsic.settled.v1', sequence)).filter(
    ({ purpose }) => purpose === 'weights',
  );

/** The most extrinsics that a log ever held signed and not settled, over all runs. */
export function mostLiving(events: readonly Recorded[]): number {
  const living = new Set<string>();
  let most = 0;
  for (const { event } of events) {
    if (event.type !== 'extrinsic.signed.v1' && event.type !== 'extrinsic.settled.v1') continue;
    const { run, purpose, attempt } = event.data;
    const name = `${FAMILY}/${run}/${purpose}/${attempt}`;
    if (event.type === 'extrinsic.signed.v1') living.add(name);
    else living.delete(name);
    most = Math.max(most, living.size);
  }
  return most;
}
