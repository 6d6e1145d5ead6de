import type { V1ObjectMeta } from '@kubernetes/client-node';
import { AppError } from '../../errors.ts';

/** What every object of the API has. */
export type Watched = Readonly<{ metadata?: V1ObjectMeta }>;

/** More than this of one kind is nothing that a validator makes. */
export const MAX_OBJECTS = 20_000;

export type ObjectCache<T extends Watched> = ReturnType<typeof objectCache<T>>;

/**
 * The objects of one kind as far as they were heard of, by their UIDs: a name is given away again, and what is heard late
 * about its last bearer must not end the next one.
 */
export function objectCache<T extends Watched>(onChange: () => void) {
  let objects = new Map<string, T>();
  return {
    all: (): readonly T[] => [...objects.values()],
    /** The whole truth of one moment. */
    replace: (listed: readonly T[]): void => {
      const before = objects;
      objects = new Map(listed.map((each) => [uidOf(each), each]));
      const same =
        before.size === objects.size &&
        [...objects].every(([uid, each]) => versionOf(before.get(uid)) === versionOf(each));
      if (!same) onChange();
    },
    /** Throws `input.invalid` for more objects than may be held. */
    put: (object: T): void => {
      const before = objects.get(uidOf(object));
      if (before === undefined && objects.size >= MAX_OBJECTS)
        throw new AppError('input.invalid', {
          field: 'objects',
          value: objects.size + 1,
          expected: `at most ${MAX_OBJECTS} of a kind`,
        });
      objects.set(uidOf(object), object);
      onChange();
    },
    drop: (object: T): void => {
      if (objects.delete(uidOf(object))) onChange();
    },
  };
}

function uidOf({ metadata }: Watched): string {
  return metadata?.uid ?? '';
}

function versionOf(object: Watched | undefined): string {
  return object?.metadata?.resourceVersion ?? '';
}
