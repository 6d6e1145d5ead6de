import { createMetadata } from '#src/devchain/metadata.ts';
import type { Scale } from '#src/devchain/scale.ts';
import { u16, u32 } from '#src/devchain/scale-basic.ts';
import { createStorage } from '#src/devchain/storage.ts';
import { type Item, identity, item } from '#src/devchain/storage-item.ts';
import { count64 } from '#src/devchain/types.ts';

/**
 * Metadata of a runtime that stores its schedule of epochs and derives the activity cutoff from a factor:
 * what came with spec 423, on top of what the development chain has.
 */
export function newerMetadata(): Uint8Array {
  const items = [
    ...createStorage().items.filter(({ name }) => name !== 'ActivityCutoff'),
    bySubnet('SubnetEpochIndex', count64),
    bySubnet('LastEpochBlock', count64),
    bySubnet('PendingEpochAt', count64),
    bySubnet('ActivityCutoffFactorMilli', u32, 13_889),
  ];
  return createMetadata(items, { specVersion: 343, slotMs: 12_000 })[15];
}

function bySubnet(name: string, value: Scale<number>, absent = 0): Item {
  return item({
    pallet: 'SubtensorModule',
    name,
    keys: [identity(u16)],
    value,
    absent: { default: absent },
    read: () => null,
    entries: (): [number][] => [],
  });
}
