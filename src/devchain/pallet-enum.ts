import { AppError } from '../errors.ts';
import { PALLET_PATHS, PALLETS, type PalletName } from './pallets.ts';
import type { Scale } from './scale.ts';
import { fieldsOf, pathOf, type Type } from './scale-type.ts';

/** A call or event of a pallet: `SubtensorModule.set_weights`, its index and what it carries. */
export type Entry = Readonly<{
  pallet: PalletName;
  name: string;
  index: number;
  content: Scale<unknown>;
}>;

/** A table keyed by `Pallet.name`, as entries. */
export function entriesOf(
  table: Readonly<Record<string, readonly [index: number, content: Scale<unknown>]>>,
): readonly Entry[] {
  return Object.entries(table).map(([key, [index, content]]) => {
    const [pallet, name = ''] = key.split('.');
    // safe: the keys of the tables are those of DevCall and DevEvent, which start with a pallet's name
    return { pallet: pallet as PalletName, name, index, content };
  });
}

/** The enum of one pallet's calls, events or errors; null where it has none. */
export function palletEnum(
  pallet: PalletName,
  name: 'Call' | 'Event' | 'Error',
  entries: readonly Entry[],
): Type | null {
  const own = entries.filter((entry) => entry.pallet === pallet);
  if (own.length === 0) return null;
  return {
    kind: 'variant',
    path: pathOf(`${PALLET_PATHS[pallet]}::${name}`),
    params: [],
    variants: own.map(({ name, index, content }) => ({
      name,
      index,
      fields: fieldsOf(content.type),
    })),
  };
}

/** The runtime's enum over the pallets that have such an enum. */
export function runtimeEnum(name: 'Call' | 'Event' | 'Error', entries: readonly Entry[]): Type {
  return {
    kind: 'variant',
    path: pathOf(`node_subtensor_runtime::Runtime${name}`),
    params: [],
    variants: palletNames.flatMap((pallet) => {
      const type = palletEnum(pallet, name, entries);
      if (type === null) return [];
      return [{ name: pallet, index: PALLETS[pallet], fields: [{ name: null, type }] }];
    }),
  };
}

/**
 * Calls or events as plain objects that carry their `Pallet.name` under `tag`, and their content beside
 * it. On the wire: the pallet's index, the entry's, the content.
 */
export function runtimeScale<T extends Readonly<Record<Tag, string>>, Tag extends string>(
  name: 'Call' | 'Event',
  tag: Tag,
  entries: readonly Entry[],
): Scale<T> {
  const find = (matches: (entry: Entry) => boolean, value: string): Entry => {
    const found = entries.find(matches);
    if (found !== undefined) return found;
    throw new AppError('input.invalid', {
      field: tag,
      value,
      expected: `one of ${entries.map(keyOf).join(', ')}`,
    });
  };
  return {
    type: runtimeEnum(name, entries),
    write: (value, out) => {
      const entry = find((entry) => keyOf(entry) === value[tag], value[tag]);
      out.uint(PALLETS[entry.pallet], 1);
      out.uint(entry.index, 1);
      entry.content.write(value, out);
    },
    read: (input) => {
      const [pallet, index] = [input.uint(1), input.uint(1)];
      const entry = find(
        (entry) => PALLETS[entry.pallet] === pallet && entry.index === index,
        `${pallet}.${index}`,
      );
      // safe: an entry's content is what T has beside the tag, as the tables' own types demand
      return { [tag]: keyOf(entry), ...(entry.content.read(input) as object) } as T;
    },
  };
}

function keyOf({ pallet, name }: Entry): string {
  return `${pallet}.${name}`;
}

// safe: the keys of the table are its own
export const palletNames = Object.keys(PALLETS) as readonly PalletName[];
