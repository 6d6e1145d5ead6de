import { encode } from './scale.ts';
import { storageKey } from './storage.ts';
import type { At, Item } from './storage-item.ts';
import { put, remove, type Trie } from './trie.ts';

/**
 * The trie of a whole state, for one state after the other: what an item's entries follow from is noted, and an item
 * of which none of that changed is not read again. So a block costs what it changes, whichever state comes next.
 */
export function createStateTrie(items: readonly Item[]): (at: At) => Trie {
  let trie: Trie = null;
  const kept = items.map((item): Kept => ({ item, last: null, entries: new Map() }));
  return (at) => {
    const watched = watch(at);
    for (const each of kept) {
      if (each.last !== null && isSame(each.last.looks, at)) continue;
      watched.looks = { state: new Map(), extra: new Map() };
      trie = update(trie, each, watched.at);
      each.last = { at, looks: watched.looks };
    }
    return trie;
  };
}

/** What the trie has of an item: its entries by their keys, and what they were read from. */
type Kept = {
  readonly item: Item;
  last: Readonly<{ at: At; looks: Looks }> | null;
  readonly entries: Map<string, Entry>;
};

type Entry = Readonly<{ path: string; value: unknown; bytes: Uint8Array }>;

/** The members of a state and of its block that were looked at. */
type Looks = Readonly<Record<keyof At, Map<string, unknown>>>;

function isSame(looks: Looks, at: At): boolean {
  for (const of of PARTS)
    for (const [member, value] of looks[of])
      if (!Object.is(Reflect.get(at[of], member), value)) return false;
  return true;
}

const PARTS = ['state', 'extra'] as const;

/** A copy that notes in `looks` which of its members are looked at. */
function watch(at: At): { readonly at: At; looks: Looks } {
  const watched = {
    at: { state: { ...at.state }, extra: { ...at.extra } },
    looks: { state: new Map<string, unknown>(), extra: new Map<string, unknown>() },
  };
  for (const of of PARTS)
    for (const [member, value] of Object.entries(at[of]))
      Object.defineProperty(watched.at[of], member, {
        get: () => {
          watched.looks[of].set(member, value);
          return value;
        },
      });
  return watched;
}

/** The trie with what an item has now, instead of what it had. */
function update(trie: Trie, { item, last, entries }: Kept, at: At): Trie {
  let updated = trie;
  const drop = (name: string): void => {
    const known = entries.get(name);
    if (known === undefined) return;
    updated = remove(updated, known.path);
    entries.delete(name);
  };
  const take = (keys: readonly unknown[]): string => {
    const name = nameOf(keys);
    const value = item.read(at, keys);
    if (value === null) {
      drop(name);
      return name;
    }
    const known = entries.get(name);
    // States are immutable: the same value has the same bytes.
    if (known !== undefined && Object.is(known.value, value)) return name;
    const path = known?.path ?? storageKey(item, keys).slice(2);
    const bytes = encode(item.value, value);
    entries.set(name, { path, value, bytes });
    if (known === undefined || Buffer.compare(known.bytes, bytes) !== 0)
      updated = put(updated, path, bytes);
    return name;
  };
  const changed = last === null ? null : item.changed(last.at, at);
  if (changed !== null) {
    for (const keys of changed) take(keys);
    return updated;
  }
  const present = new Set<string>();
  for (const keys of item.entries(at.state)) present.add(take(keys));
  for (const name of entries.keys()) if (!present.has(name)) drop(name);
  return updated;
}

/** Keys are numbers and addresses: no blanks. */
function nameOf(keys: readonly unknown[]): string {
  return keys.join(' ');
}
